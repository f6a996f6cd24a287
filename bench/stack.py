"""Postbridge under measure: the real processes of the real process table on the real engines, in a folder and on ports of their own.

Every measurement starts the processes it is about (accepting mail is measured without delivery where the peer does not deliver either).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis

from bench.children import Child
from bench.loads import SmtpTarget
from bench.machine import NotReady, cpu_seconds, free_port
from bench.place import VAR, say
from bench.seed import Seeded
from webapp.settings import ROOT, Settings
from webapp.stack import engines
from webapp.stack.certificates import ensure_certificate
from webapp.stack.processes import HEAP, process_table

_PORTS = ("web_port", "submission_port", "submission_tls_port", "inbound_port", "simulator_port")


class Stack:
    """Engines that run, a prepared database with the tenant of the measurements, and the processes started so far."""

    def __init__(self, folder: Path, postgres: engines.Postgres, valkey: engines.Valkey) -> None:
        self._postgres, self._valkey = postgres, valkey
        self._logs = VAR / "logs"
        self._running: dict[str, list[Child]] = {}
        certificate = ensure_certificate(folder, "localhost")
        self.environment = {
            "DATABASE_URL": postgres.database_url,
            "REDIS_URL": valkey.redis_url,
            **HEAP,
            "POSTBRIDGE_VAR_DIR": str(folder),
            "POSTBRIDGE_TLS_CERT": str(certificate[0]),
            "POSTBRIDGE_TLS_KEY": str(certificate[1]),
            "POSTBRIDGE_SMTP_PLAIN_AUTH_NETWORKS": "127.0.0.0/8",
            "POSTBRIDGE_EGRESS_ALLOW": "127.0.0.0/8",
            # Counted as ever, but one key may use up the whole machine.
            "POSTBRIDGE_SEND_RATE": "1000000000",
            "POSTBRIDGE_MANAGEMENT_RATE": "1000000000",
            "POSTBRIDGE_STRANGER_RATE": "1000000000",
            **{f"POSTBRIDGE_{name.upper()}": str(free_port()) for name in _PORTS},
        }
        self.settings = Settings.from_env({**os.environ, **self.environment})
        self.tenant: Seeded

    def prepare(self, sink_port: int, connections: int, *, both_signatures: bool = False) -> None:
        """Migrate, make the platform's rows and our tenant. Raises ``NotReady``."""
        self.call("webapp.cli", "prepare")
        said = self.call("bench.seed", "--sink", str(sink_port), "--connections", str(connections), *["--both-signatures"] * both_signatures)
        self.tenant = Seeded(**said)

    def call(self, module: str, *arguments: str) -> Any:
        """Run a module of ours to its end; what it printed last, when that is JSON. Raises ``NotReady``."""
        words = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(words, env={**os.environ, **self.environment}, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotReady(f"{module} failed: {' '.join(done.stderr.strip().splitlines()[-1:])}")
        lines = done.stdout.strip().splitlines()
        return json.loads(lines[-1]) if lines and lines[-1].startswith("{") else None

    # Processes

    def start(self, *groups: str) -> None:
        """Start all processes of these groups (web, submission, delivery, default, ticker ...) that do not run yet. Raises ``NotReady``."""
        started: list[tuple[Child, int | None]] = []
        for spec in process_table(self.settings, [group for group in groups if group not in self._running]) if groups else []:
            if spec.group in self._running and spec.group not in groups:
                continue
            child = Child(spec.argv, self._logs / f"{spec.name}.log", env={**self.environment, "POSTBRIDGE_PROCESS": spec.name})
            self._running.setdefault(spec.group, []).append(child)
            started.append((child, spec.listeners[0].port if spec.listeners else None))
        for child, port in started:
            if port is not None:
                child.wait_for(port)
            else:
                child.check()

    def stop(self, *groups: str) -> None:
        """Stop the processes of these groups; all, when none is named."""
        for group in groups or tuple(reversed(self._running)):
            for child in self._running.pop(group, []):
                child.stop()

    def keep_one(self, group: str) -> None:
        """Stop all processes of a group but one."""
        for child in self._running[group][1:]:
            child.stop()
        del self._running[group][1:]

    def pids(self, *groups: str) -> list[int]:
        """Roots of the process trees of these groups."""
        return [child.pid for group in groups for child in self._running.get(group, [])]

    @property
    def engine_pids(self) -> list[int]:
        """PostgreSQL and Valkey."""
        return [engine.process.pid for engine in (self._postgres, self._valkey) if engine.process is not None]

    def cpu(self) -> float:
        """CPU seconds of everything that runs, engines included."""
        return cpu_seconds([*self.pids(*self._running), *self.engine_pids])

    def cpu_by_kind(self) -> dict[str, float]:
        """The same, told apart: by group of processes, ``postgres`` and ``valkey``."""
        engines = zip(("postgres", "valkey"), self.engine_pids, strict=True)
        return {group: cpu_seconds(self.pids(group)) for group in self._running} | {name: cpu_seconds([pid]) for name, pid in engines}

    # What to talk to

    @property
    def url(self) -> str:
        """Address of the web server."""
        return f"http://127.0.0.1:{self.settings.web_port}"

    def smtp(self, *, tracked: bool = False) -> SmtpTarget:
        """The submission port with the login of one of the two bridges."""
        return SmtpTarget(self.settings.submission_port, self.tenant.tracked_login if tracked else self.tenant.plain_login)

    @property
    def redis_url(self) -> str:
        """Address of the Valkey server, for the peers too: a numbered database away from ours."""
        return self._valkey.url(9)

    def broker(self) -> redis.Redis:
        """Our database of the Valkey server."""
        return redis.Redis.from_url(self._valkey.redis_url)

    def database(self, name: str = engines.DATABASE) -> psycopg.Connection[tuple[object, ...]]:
        """A superuser's connection, who sees the rows of all tenants."""
        return self._postgres.connect(name)

    def count(self, query: str) -> int:
        """One number from the database."""
        with self.database() as connection:
            row = connection.execute(query.encode()).fetchone()
        return int(str(row[0])) if row else 0

    def wait_for(self, query: str, wanted: int, seconds: float) -> float:
        """Wait until the database counts that many; the monotonic time at which it was seen. Raises ``NotReady``."""
        deadline = time.monotonic() + seconds
        with self.database() as connection:
            while True:
                row = connection.execute(query.encode()).fetchone()
                now = time.monotonic()
                if row is not None and row[0] == wanted:
                    return now
                if now > deadline:
                    raise NotReady(f"after {seconds:.0f} s there is still {row} instead of {wanted}: {query}")
                time.sleep(0.05)

    @property
    def sockets(self) -> str:
        """Folder of PostgreSQL's socket."""
        return self._postgres.admin_url.partition("host=")[2]

    def empty_queue(self) -> None:
        """Forget what was accepted only to be accepted: no later measurement shall deliver it."""
        with self.database() as connection:
            connection.execute("truncate queue_entries")

    def settle(self) -> None:
        """Between two measurements: what the last one wrote is flushed, so that the next one does not pay for it."""
        with self.database() as connection:
            connection.execute("checkpoint")


@contextmanager
def running_stack(sink_port: int, connections: int, *, both_signatures: bool = False) -> Iterator[Stack]:
    """Engines and tenant for the length of a block; whatever was started is ended with it."""
    VAR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=VAR, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        say("starting PostgreSQL and Valkey")
        postgres, valkey = engines.make_engines(folder)
        try:
            engines.start(postgres)
            engines.start(valkey)
            stack = Stack(folder, postgres, valkey)
            try:
                stack.prepare(sink_port, connections, both_signatures=both_signatures)
                yield stack
            finally:
                stack.stop()
        finally:
            valkey.stop()
            postgres.stop()
