"""examples/provision.py does what it says, from an empty tenant, against the whole of Postbridge."""

from __future__ import annotations

import json
import os
import random
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.dns_server import DnsServer
from tests.e2e.conftest import Demo
from tests.sinks import SinkOptions, SmtpSink, sink_in_thread
from webapp.settings import ROOT

_PORT = 2525


@pytest.fixture
def relay(demo: Demo) -> Iterator[SmtpSink]:
    """A relay with a login, called relay.example in the DNS of the stack."""
    host = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(demo.stack.environment["POSTBRIDGE_TLS_CERT"], demo.stack.environment["POSTBRIDGE_TLS_KEY"])
    demo.zone.zone["relay.example", "A"] = [host]
    with sink_in_thread(SinkOptions(starttls=context, auth=("us", "our-password")), host=host, port=_PORT) as sink:
        yield sink


@pytest.fixture
def hooks() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """An endpoint that takes webhooks: its address, and what came."""
    came: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append((dict(self.headers.items()), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hooks", came
    server.shutdown()
    server.server_close()
    thread.join(5)


def publish(zone: DnsServer, file: Path, patience: float = 60) -> None:
    """What the provider of the domain does with the zone file, once it is there."""
    deadline = time.monotonic() + patience
    while not file.exists() or not file.read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for line in file.read_text().splitlines():
        name, _, rest = line.partition(" ")
        if " IN " in f" {rest} " and not name.startswith(";"):
            kind, _, value = rest.partition("IN ")[2].partition(" ")
            zone.zone.setdefault((name.rstrip(".").lower(), kind), []).append(value)


def test_a_lane_for_each_customer(demo: Demo, relay: SmtpSink, hooks: tuple[str, list[tuple[dict[str, str], bytes]]], tmp_path: Path) -> None:
    demo.command("user", "create", "dev@portal.example", "--new-tenant", "Portal", "--approved")
    key = demo.command("key", "create", "--tenant", "portal", "--mode", "live", "--role", "root:full").strip()
    zone_file = tmp_path / "records.zone"
    words = ["--domain", "portal.example", "--zone-file", str(zone_file), "--relay", "relay.example", "--relay-port", str(_PORT)]
    words += ["--relay-tls", "opportunistic", "--relay-user", "us", "--relay-password", "our-password", "--patience", "90"]
    words += ["--webhook", hooks[0], "--network", "127.0.0.0/8", "--to", "customer@example.net"]
    publisher = threading.Thread(target=publish, args=(demo.zone, zone_file), daemon=True)
    publisher.start()
    env = {**os.environ, "POSTBRIDGE_URL": demo.stack.url, "POSTBRIDGE_API_KEY": key}
    argv = [sys.executable, str(ROOT / "examples" / "provision.py"), *words]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-4000:] + demo.stack.tail(3000)
    report = json.loads(done.stdout)
    check_report(report)
    assert {mail.recipient for mail in relay.received} == {"customer@example.net"} and len(relay.received) == 3
    assert all(mail.user == "us" for mail in relay.received)
    check_hooks(report, hooks[1])


def check_report(report: dict[str, Any]) -> None:
    """Mail arrived, old credentials are refused, figures and log agree with it."""
    assert {name: mail["status"] for name, mail in report["sent"].items()} == {"acme": "delivered", "globex": "delivered", "portal": "delivered"}
    assert all("email.delivered" in mail["events"] for mail in report["sent"].values())
    assert report["sandbox"] == "sandboxed"
    assert report["refused"] == {"old bridge token": True, "old key": True, "revoked key": True}
    assert {name: figures["delivered"] for name, figures in report["figures"].items()} == {"acme": 2, "globex": 1}
    assert [row["status"] for row in report["log"]] == ["delivered"] * 3
    acts = {entry.partition(" ")[0] for entry in report["activity"]}
    assert {"bridge.created", "bridge.rotated", "api_key.created", "api_key.rolled", "api_key.revoked", "role.created"} <= acts, acts


def check_hooks(report: dict[str, Any], came: list[tuple[dict[str, str], bytes]]) -> None:
    """The test event and three deliveries came, signed so that the reference implementation takes them."""
    deadline = time.monotonic() + 30
    wanted = {mail["id"] for mail in report["sent"].values()}
    while time.monotonic() < deadline and len(came) < 4:
        time.sleep(0.1)
    events = [Webhook(report["webhook"]["secret"]).verify(body, {name.lower(): value for name, value in headers.items()}) for headers, body in came]
    text = json.dumps(events)
    assert all(message in text for message in wanted), text
