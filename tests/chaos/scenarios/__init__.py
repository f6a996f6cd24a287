"""The scenarios by their number: each takes the engines, a folder and the size of the run, and gives its figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.ledger import Figures
from tests.chaos.place import Engines


@dataclass(frozen=True)
class Run:
    """What a scenario needs. ``quick``: small numbers and short pauses, for every day."""

    engines: Engines
    var: Path
    quick: bool

    def pick(self, full: float, quick: float) -> int:
        """The number that fits the size of the run."""
        return int(quick if self.quick else full)


Scenario = Callable[[Run], Figures]
