"""`postbridge up` as a person meets it: everything starts, survives kill -9, stops on Ctrl-C, and keeps its data."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from webapp.settings import ROOT
from webapp.stack.children import is_alive
from webapp.stack.home import find_running

pytestmark = pytest.mark.timeout(600)


class Stack:
    """A running `postbridge up` on ports of its own, with its log in a file."""

    def __init__(self, var: Path, env: dict[str, str]) -> None:
        self.var = var
        self.env = env
        self.log = var.with_suffix(".log")
        with self.log.open("wb") as log:
            # As a script's `./run &` would: with SIGINT ignored, which must not make us deaf to it.
            argv = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-m", "webapp.cli", "up", "--log-format", "json"]
            self.process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)

    def said(self) -> str:
        """Everything logged so far."""
        return self.log.read_text()

    def wait_for(self, condition: Callable[[], object], what: str, seconds: float = 180) -> None:
        """Wait until something is true; fails with the end of the log."""
        deadline = time.monotonic() + seconds
        while not condition():
            ended = self.process.poll() is not None
            assert not ended and time.monotonic() < deadline, f"{what} never came:\n{self.said()[-4000:]}"
            time.sleep(0.1)

    def health(self) -> int:
        """Status of the health page; 0 while nothing answers."""
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.env['POSTBRIDGE_WEB_PORT']}/healthz", timeout=2) as answer:
            return int(answer.status)
        return 0

    def children(self) -> dict[str, int]:
        """Process ids by name of what runs now, the engines included."""
        found = {}
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                if f"PPid:\t{self.process.pid}\n" in status.read_text():
                    environ = (status.parent / "environ").read_bytes().split(b"\0")
                    name = next((part.partition(b"=")[2].decode() for part in environ if part.startswith(b"POSTBRIDGE_PROCESS=")), "")
                    found[name or (status.parent / "comm").read_text().strip()] = int(status.parent.name)
        return found

    def stop(self, number: signal.Signals = signal.SIGINT) -> float:
        """Ask for the end; seconds until it came."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(40)
        return time.monotonic() - begun


@pytest.fixture
def place(free_port: Callable[[], int]) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder and an environment for a stack that meets no other."""
    with tempfile.TemporaryDirectory(prefix="postbridge-up-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        ports = ("WEB", "SUBMISSION", "SUBMISSION_TLS", "INBOUND", "SIMULATOR")
        env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        env |= {f"POSTBRIDGE_{port}_PORT": str(free_port()) for port in ports}
        env |= {"POSTBRIDGE_VAR_DIR": f"{folder}/var", "POSTBRIDGE_WEB_WORKERS": "1", "POSTBRIDGE_DELIVERY_WORKERS": "1", "POSTBRIDGE_DEMO": "false"}
        yield Path(folder) / "var", env


@pytest.fixture
def run(place: tuple[Path, dict[str, str]]) -> Iterator[Callable[[], Stack]]:
    """A function that starts the stack; whatever is still running at the end is killed."""
    started: list[Stack] = []

    def start() -> Stack:
        started.append(Stack(*place))
        return started[-1]

    yield start
    for stack in started:
        if stack.process.poll() is None:
            stack.process.kill()
            stack.process.wait()


def _cli(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "webapp.cli", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)


def _records(stack: Stack) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stack.said().splitlines() if line.startswith("{")]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_day_in_the_life_of_a_stack(run: Callable[[], Stack], place: tuple[Path, dict[str, str]]) -> None:
    var, env = place
    stack = run()
    stack.wait_for(lambda: "Postbridge is ready" in stack.said(), "the banner")
    assert stack.health() == 200
    before = stack.children()
    assert set(before) >= {"postgres", "valkey-server", "web", "submission", "inbound", "delivery", "default", "webhooks", "ticker"}

    # A second one in the same folder is told so, and other commands find the first.
    second = _cli(env, "up")
    assert (second.returncode, "already running here, pid" in second.stderr) == (1, True), second.stderr
    made = _cli(env, "db", "psql", "-c", "create table kept_over_runs ()")
    assert made.returncode == 0, made.stderr

    # Everything that is killed comes back, engines included.
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    stack.wait_for(lambda: set(stack.children()) >= set(before) and not set(stack.children().values()) & set(before.values()), "the new processes")
    stack.wait_for(lambda: stack.health() == 200, "the health page")

    # Ctrl-C ends everything in order and in time.
    last = stack.children()
    assert stack.stop() < 30
    assert not [name for name, pid in last.items() if is_alive(pid)]
    assert _records(stack)[-1]["event"] == "stopped"
    assert find_running(var) is None

    # The second run keeps the data, and even kill -9 of the supervisor leaves nobody behind.
    stack = run()
    stack.wait_for(lambda: "Postbridge is ready" in stack.said(), "the second banner")
    assert _cli(env, "db", "psql", "-c", "drop table kept_over_runs").returncode == 0
    last = stack.children()
    stack.stop(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while (alive := [name for name, pid in last.items() if is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive


def test_a_port_in_use_is_one_sentence(place: tuple[Path, dict[str, str]]) -> None:
    import socket

    _, env = place
    with socket.create_server(("127.0.0.1", 0)) as server:
        env["POSTBRIDGE_WEB_PORT"] = str(server.getsockname()[1])
        refused = _cli(env, "up")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"Port {env['POSTBRIDGE_WEB_PORT']} is already in use" in refused.stderr
    assert "POSTBRIDGE_WEB_PORT" in refused.stderr


def test_an_unreadable_setting_is_one_sentence(place: tuple[Path, dict[str, str]]) -> None:
    _, env = place
    refused = _cli({**env, "POSTBRIDGE_WEB_PORT": "eighty"}, "up")
    assert (refused.returncode, refused.stderr) == (1, "Error: POSTBRIDGE_WEB_PORT is 'eighty'; it must be a whole number\n")
