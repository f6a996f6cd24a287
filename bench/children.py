"""Processes that a measurement starts: each with a log of its own, all ended by their pid, in reverse order, however the measurement ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.machine import NotReady, is_open
from webapp.settings import ROOT
from webapp.stack import children

_STOP_SECONDS = 15.0


class Child:
    """A process that runs until ``stop``. The kernel ends it when we die."""

    def __init__(
        self, argv: Sequence[str | Path | int], log: Path, *, env: Mapping[str, str] | None = None, cwd: Path = ROOT, talks: bool = False
    ) -> None:
        """``talks``: standard input and output are pipes of ours, only its errors go into the log."""
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        words = [str(word) for word in argv]
        merged = {**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})}
        with log.open("ab") as out:
            if talks:
                self.process = subprocess.Popen(
                    words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, env=merged, cwd=cwd, start_new_session=True
                )
            else:
                self.process = children.spawn(words, output=out, env=merged, cwd=cwd)

    @property
    def pid(self) -> int:
        """Its process id, the root of its tree."""
        return self.process.pid

    def check(self) -> None:
        """Raises ``NotReady`` with the end of its log when it has ended by itself."""
        if self.process.poll() is not None:
            raise NotReady(f"{self.process.args!r} ended with code {self.process.returncode}: {tail(self.log)}")

    def wait_for(self, port: int, seconds: float = 60.0) -> None:
        """Return when somebody listens on a port of loopback. Raises ``NotReady`` as soon as it is clear that nobody will."""
        deadline = time.monotonic() + seconds
        while not is_open(port):
            self.check()
            if time.monotonic() > deadline:
                raise NotReady(f"nothing listens on port {port} after {seconds:.0f} s: {tail(self.log)}")
            time.sleep(0.05)

    def stop(self) -> None:
        """SIGTERM, patience, SIGKILL; its own children too. Harmless when it has ended."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        children.stop(self.process, signal.SIGTERM, patience=_STOP_SECONDS)


def tail(log: Path, lines: int = 4) -> str:
    """The last lines of a log, for a message."""
    try:
        return " | ".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"
