"""One whole Postbridge with its demo, shared by all end-to-end tests of a worker.

A parallel run gives all tests of this folder to the same process (see tests/scheduling.py), so that one stack is started and not one
for each process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import rig
from tests.dns_server import DnsServer, dns_in_thread
from tests.live import LiveStack, live_stack
from webapp.settings import ROOT
from webapp.stack.home import Addresses


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first pays for the start of the stack, which takes a busy machine long."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(300))


@dataclass(frozen=True)
class Demo:
    """The running stack and what `postbridge demo credentials --json` prints about it. ``zone``: the name server it asks."""

    stack: LiveStack
    credentials: dict[str, Any]
    zone: DnsServer

    def command(self, *words: str) -> str:
        """Run the `postbridge` command against the stack; its output."""
        argv = [sys.executable, "-m", "webapp.cli", *words]
        done = subprocess.run(argv, env=self.stack.environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="package")
def demo(addresses: Addresses, worker_name: str) -> Iterator[Demo]:
    """The demo, ready to use. Its database is not the one that other tests wipe."""
    number = int(worker_name.removeprefix("gw")) + 9
    database_url = rig.clone(addresses, f"e2e_{worker_name}")
    redis_url = addresses.redis_url.replace("db=0", f"db={number % 16}")
    extra = {"POSTBRIDGE_DEMO": "true", "POSTBRIDGE_RETRY_SCALE": "0.02", "POSTBRIDGE_WEB_WORKERS": "1", "POSTBRIDGE_DELIVERY_WORKERS": "1"}
    extra["POSTBRIDGE_MANAGEMENT_RATE"] = "100000"  # tests wait by asking
    extra["POSTBRIDGE_POSTFIX_WEBHOOK_SECRET"] = "a shared secret of the tests"
    extra["POSTBRIDGE_TRACKING_HOST"] = "track.platform.example"
    with dns_in_thread() as zone, live_stack(database_url, redis_url, extra={**extra, "POSTBRIDGE_DNS_SERVERS": zone.address}) as stack:
        made = Demo(stack, {}, zone)
        made.command("demo", "ensure")
        yield Demo(stack, json.loads(made.command("demo", "credentials", "--json")), zone)


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """One Chromium for all browser tests."""
    from tests.e2e.watched import chromium

    with chromium() as running:
        yield running


@pytest.fixture
def owner(demo: Demo, browser: Any) -> Iterator[Any]:
    """The demo's owner, signed in at a desk."""
    from tests.e2e.watched import person

    with person(demo, browser) as somebody:
        somebody.log_in()
        yield somebody
