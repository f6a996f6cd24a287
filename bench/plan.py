"""What a suite is given: how many rounds of what size, the stack, the sink."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.place import say
from bench.report import Row
from bench.sinks import Sink
from bench.stack import Stack

#: Connections to the sink, of all delivery processes together, and of a peer.
ALL = 64
_numbers = itertools.count(1)


@dataclass(slots=True)
class Plan:
    """Sizes of a run, and the running things. ``quick``: small enough to see that everything works, too small to quote. ``full``: as large as
    the goals speak of, where that takes long. ``both_signatures``: mail is signed with RSA-2048 and Ed25519."""

    stack: Stack
    sink: Sink
    rounds: int = 3
    quick: bool = False
    full: bool = False
    both_signatures: bool = False
    details: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> int:
        """How long one HTTP measurement lasts."""
        return 2 if self.quick else 5

    def messages(self, full: int) -> int:
        """How many messages one SMTP measurement takes."""
        return max(200, full // 10) if self.quick else full

    def run_name(self) -> str:
        """A word that no other run of this process has: part of every address."""
        return f"r{next(_numbers)}"

    def note(self, text: str) -> None:
        """A single figure, shown while it runs."""
        say(f"  {text}")

    def note_cpu(self, before: dict[str, float], count: int) -> None:
        """Who used how much CPU since ``before``, for ``count`` pieces of work."""
        now = self.stack.cpu_by_kind()
        shares = (f"{kind} {(now[kind] - before.get(kind, 0.0)) * 1000 / count:.2f}" for kind in now)
        self.note(f"    s per 1000: {', '.join(shares)}")

    @contextmanager
    def processes(self, *groups: str) -> Iterator[None]:
        """These processes of ours for the length of a block."""
        self.stack.start(*groups)
        try:
            yield
        finally:
            self.stack.stop(*groups)


Suite = Callable[[Plan], list[Row]]
