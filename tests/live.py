"""A whole Postbridge as real processes on free loopback ports, for end-to-end tests and chaos runs.

with live_stack(database_url, redis_url) as stack:
    requests go to stack.url; stack.kill("delivery-1") is kill -9, and the process is started again.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from webapp.settings import ROOT, Settings
from webapp.stack.certificates import ensure_certificate
from webapp.stack.children import signal_group
from webapp.stack.children import stop as stop_child
from webapp.stack.processes import ProcessSpec, child_environment, process_table

_PORTS = ("web_port", "submission_port", "submission_tls_port", "inbound_port", "simulator_port")


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on at this moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@dataclass
class LiveStack:
    """The running processes. ``log`` is the file all of them write to."""

    settings: Settings
    environment: dict[str, str]
    log: Path
    specs: dict[str, ProcessSpec]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Base address of dashboard and API."""
        return f"http://127.0.0.1:{self.settings.web_port}"

    def start(self, name: str) -> None:
        """Start one process."""
        with self.lock, self.log.open("ab") as output:
            self.running[name] = subprocess.Popen(
                self.specs[name].argv, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=self.environment, cwd=ROOT,
                start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str, *, restart: bool = True) -> None:
        """kill -9 of a process and all its children, as a crash; then start it again."""
        process = self.running.pop(name)
        signal_group(process, signal.SIGKILL)
        process.wait()
        if restart:
            self.start(name)

    def stop(self, name: str, patience: float = 30.0) -> bool:
        """Ask a process to end; True when it did by itself within ``patience`` seconds."""
        return stop_child(self.running.pop(name), signal.SIGTERM, patience=patience)

    def stop_all(self) -> None:
        """End everything, workers first."""
        for name in sorted(self.running, key=lambda name: self.specs[name].tier):
            self.stop(name)

    def wait_ready(self, seconds: float = 60.0) -> None:
        """Until the web answers and every listener listens. Raises AssertionError with the end of the log."""
        deadline = time.monotonic() + seconds
        wanted = [listener.port for name in self.running for listener in self.specs[name].listeners]
        while not all(_listens(port) for port in wanted) or ("web" in self.running and not _answers(f"{self.url}/healthz")):
            dead = [name for name, process in self.running.items() if process.poll() is not None]
            assert not dead and time.monotonic() < deadline, f"not ready, dead: {dead}\n{self.tail()}"
            time.sleep(0.1)

    def tail(self, size: int = 6000) -> str:
        """The end of the log."""
        return self.log.read_bytes()[-size:].decode(errors="replace") if self.log.exists() else ""


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def live_stack(
    database_url: str,
    redis_url: str,
    *,
    only: tuple[str, ...] = (),
    var_dir: Path | None = None,
    extra: Mapping[str, str] | None = None,
    log_dir: Path | None = None,
) -> Iterator[LiveStack]:
    """Start the processes (all, or the groups in ``only``) and end them at the end. ``extra``: more POSTBRIDGE_ variables.

    ``log_dir``: where the log is written, else ``var_dir``.
    The secret keys are those of ``var_dir``: pass the caller's own, so that both read each other's tokens.
    """
    with contextlib.ExitStack() as cleanup:
        var = var_dir or Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="postbridge-live-")))
        ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        given = {f"POSTBRIDGE_{name.upper()}": str(port) for name, port in ports.items()}
        given |= {"POSTBRIDGE_VAR_DIR": str(var), "DATABASE_URL": database_url, "REDIS_URL": redis_url}
        given |= {"POSTBRIDGE_PUBLIC_URL": f"http://127.0.0.1:{ports['web_port']}", "POSTBRIDGE_EGRESS_ALLOW": "127.0.0.0/8", **(extra or {})}
        settings = Settings.from_env(given)
        certificate = ensure_certificate(settings.var_dir, settings.mail_hostname)
        given |= {"POSTBRIDGE_TLS_CERT": str(certificate[0]), "POSTBRIDGE_TLS_KEY": str(certificate[1])}
        usual = child_environment(settings, database_url, redis_url, (str(certificate[0]), str(certificate[1])))
        kept = {name: value for name, value in usual.items() if not name.startswith("POSTBRIDGE_")}
        specs = {spec.name: spec for spec in process_table(settings, only)}
        stack = LiveStack(settings, {**kept, **given, "PYTHONPATH": str(ROOT)}, (log_dir or var) / f"live-{ports['web_port']}.log", specs)
        try:
            for name in specs:
                stack.start(name)
            stack.wait_ready()
            yield stack
        finally:
            stack.stop_all()


def wait_for(condition: object, seconds: float = 20.0, what: str = "the condition") -> None:
    """Call ``condition`` until it is true. Raises AssertionError."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true in {seconds} s"
        time.sleep(0.05)
