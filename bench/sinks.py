"""The sink as the measurements use it: one process for the whole run, asked over its pipes."""

from __future__ import annotations

import json
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.children import Child
from bench.machine import NotReady, free_port
from bench.place import VAR


@dataclass(frozen=True, slots=True)
class Arrived:
    """What the sink counted. ``last``: monotonic time of the last message."""

    messages: int
    distinct: int
    connections: int
    last: float


class Sink:
    """A running sink on ``port``."""

    def __init__(self, child: Child, port: int) -> None:
        self._child, self.port = child, port

    def expect(self, messages: int) -> None:
        """Count from nothing again."""
        self._say(f"expect {messages}")

    @contextmanager
    def far_away(self, seconds: float) -> Iterator[None]:
        """Every reply comes that late for the length of a block."""
        self._say(f"delay {seconds}")
        try:
            yield
        finally:
            self._say("delay 0")

    def wait(self, seconds: float) -> Arrived:
        """The report of when the expected messages are there. Raises ``NotReady`` when they do not come."""
        arrived = self._read(seconds)
        if arrived is None:
            so_far = self.report()
            raise NotReady(f"only {so_far.messages} messages ({so_far.distinct} recipients) reached the sink in {seconds:.0f} s")
        return arrived

    def report(self) -> Arrived:
        """What was counted so far."""
        self._say("report")
        arrived = self._read(10)
        if arrived is None:
            raise NotReady("the sink does not answer")
        return arrived

    def _say(self, line: str) -> None:
        pipe = self._child.process.stdin
        assert pipe is not None
        pipe.write(line.encode() + b"\n")
        pipe.flush()

    def _read(self, seconds: float) -> Arrived | None:
        pipe = self._child.process.stdout
        assert pipe is not None
        if not select.select([pipe], [], [], seconds)[0]:
            return None
        said: dict[str, Any] = json.loads(pipe.readline())
        return Arrived(said["messages"], said["distinct"], said["connections"], said["last"])


@contextmanager
def running_sink() -> Iterator[Sink]:
    """A sink for the length of a block."""
    port = free_port()
    child = Child([sys.executable, "-m", "bench.sink", "--port", port], VAR / "logs" / "sink.log", talks=True)
    try:
        child.wait_for(port)
        yield Sink(child, port)
    finally:
        child.stop()
