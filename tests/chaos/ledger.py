"""The count: what was acknowledged must come out, once, or twice inside the named window; nothing may stay behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tests.chaos.load import Load
from tests.chaos.place import Place


@dataclass
class Figures:
    """One line of the table. ``duplicated``: copies beyond the first; ``inside``: those of recipients with an attempt marked `duplicate_possible`.

    ``recovery``: seconds from the end of the last fault until the scenario's measure of normal life, which its title names.
    """

    scenario: str
    title: str
    accepted: int = 0
    delivered: int = 0
    lost: int = 0
    duplicated: int = 0
    inside: int = 0
    stuck: int = 0
    recovery: float | None = None
    seconds: float = 0.0
    skipped: str = ""
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every figure that must be 0 is 0."""
        return not (self.lost or self.stuck or self.faults or self.duplicated - self.inside)

    def must(self, holds: object, what: str) -> None:
        """Note a broken promise."""
        if not holds:
            self.faults.append(what)


def wait_until(condition: Callable[[], object], seconds: float) -> bool:
    """Look until ``condition`` holds; whether it came to that within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def drain(place: Place, seconds: float, *, held: bool = False) -> float:
    """Wait until no queue row is left (``held``: but held ones); the seconds it took, or ``seconds`` when some stay."""
    started = time.monotonic()
    statement = "select count(*) from queue_entries" + (" where held is null" if held else "")
    while time.monotonic() - started < seconds and place.one(statement):
        time.sleep(0.2)
    return time.monotonic() - started


def count(place: Place, figures: Figures, loads: Sequence[Load]) -> None:
    """Hold acknowledgements, rows and the sink's books against each other, and add the result to ``figures``."""
    acknowledged: dict[str, str] = {}
    for load in loads:
        acknowledged |= load.acknowledged
        figures.must(not load.given_up, f"{len(load.given_up)} messages found no open door in {load.patience:.0f} s")
        figures.notes.append(f"{type(load).__name__}: {', '.join(f'{n} x {answer}' for answer, n in load.answers.most_common())}")
    count_addresses(place, figures, acknowledged)
    stored = {str(row[0]) for row in place.rows("select id from messages")}
    ghosts = sum(identity not in stored for identity in acknowledged.values())
    figures.must(not ghosts, f"{ghosts} acknowledged messages have no row")
    twice = place.one("select count(*) from (select address from recipients group by address having count(*) > 1) x")
    figures.must(not twice, f"{twice} repeated messages were stored twice")
    figures.must(not place.dead(), f"processes that ended by themselves: {place.dead()}")


def count_addresses(place: Place, figures: Figures, addresses: Iterable[str]) -> None:
    """The sink's copies of each address against one."""
    wanted = set(addresses)
    copies = place.sink.state.recipients
    marked = {
        row[0] for row in place.rows("select distinct r.address from delivery_attempts a join recipients r on r.id = a.recipient_id where a.duplicate_possible")
    }
    figures.accepted += len(wanted)
    figures.delivered += sum(copies[address] > 0 for address in wanted)
    figures.lost += sum(copies[address] == 0 for address in wanted)
    figures.duplicated += sum(max(0, copies[address] - 1) for address in copies)
    figures.inside += sum(max(0, copies[address] - 1) for address in copies if address in marked)
    figures.stuck += int(place.one("select count(*) from queue_entries"))
    undelivered = place.rows("select state, count(*) from recipients where state <> 'delivered' group by state")
    figures.must(not undelivered, f"recipients that are not delivered: {dict(undelivered)}")
    most = max(copies.values(), default=0)
    if most > 1:
        figures.notes.append(f"most copies of one message: {most}")
