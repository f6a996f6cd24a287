"""F17: a person pauses and resumes a bridge again and again in the middle of 5,000 recipients, while workers die."""

from __future__ import annotations

import time
from uuid import UUID

from tests.chaos.ledger import Figures, count_addresses, drain, wait_until
from tests.chaos.place import DOMAIN, Place, place
from tests.chaos.scenarios import Run
from tests.sinks import SinkOptions
from webapp.bridges.service import pause_bridge, resume_bridge
from webapp.kernel.addresses import parse_address
from webapp.messages.service import accept
from webapp.messages.types import Door, MessageSubmission, RecipientInput

#: A pause must be seen in so many seconds: the last look before the dial is as old as one second at most, and a machine under load is late.
_STILL_SECONDS = 10.0


def paused_and_resumed(run: Run) -> Figures:
    """F17. Recovery: from the last resume until the queue is empty."""
    figures = Figures("F17", "a bridge of 5,000 paused and resumed 5 times, workers killed")
    number, rounds = run.pick(5_000, 1_500), 5
    with place(run.engines, "chaos_f17", run.var, sink=SinkOptions(latency=0.05)) as ground:
        bridge: UUID = ground.one("select id from bridges")
        addresses = [f"ok-{n}@dest.example" for n in range(number)]
        for part in range(0, number, 500):
            _send(ground, bridge, addresses[part : part + 500])
        stops = []
        for turn in range(rounds):
            goal = number * (turn + 1) // (rounds + 2)
            wait_until(lambda goal=goal: ground.sink.state.messages >= goal, 60)  # type: ignore[misc]
            stops.append(_pause(ground, figures, bridge, victim=f"delivery-{turn % 2 + 1}" if turn % 2 == 0 else ""))
            with ground.person.scope() as scope:
                resume_bridge(scope, bridge)
            if turn % 2:
                ground.stack.kill(f"delivery-{turn % 2 + 1}")
        resumed = time.monotonic()
        drain(ground, 180)
        figures.recovery = time.monotonic() - resumed
        count_addresses(ground, figures, addresses)
        rows = ground.one("select count(*) from recipients")
        figures.must(rows == number, f"{rows} rows for {number} recipients")
        counted = ground.one("select (select coalesce(sum(delivered), 0) from stats_hours) + (select coalesce(sum(delivered), 0) from stats_deltas)")
        figures.must(counted == number, f"the figures say {counted} delivered")
        figures.notes.append(f"{rounds} pauses, {rounds} kills; the mail stood still after {', '.join(f'{s:.1f}' for s in stops)} s")
    return figures


def _pause(ground: Place, figures: Figures, bridge: UUID, victim: str) -> float:
    """Pause, kill a worker meanwhile or not, and wait until nothing leaves any more; the seconds that took."""
    with ground.person.scope() as scope:
        pause_bridge(scope, bridge, "chaos")
    paused = time.monotonic()
    if victim:
        ground.stack.kill(victim)
    last, seen = paused, ground.sink.state.messages
    while (moment := time.monotonic()) - last < 2.0 and moment - paused < _STILL_SECONDS + 2:
        if ground.sink.state.messages != seen:
            last, seen = moment, ground.sink.state.messages
        time.sleep(0.05)
    figures.must(last - paused <= _STILL_SECONDS, f"mail left {last - paused:.1f} s after the pause")
    return last - paused


def _send(ground: Place, bridge: UUID, to: list[str]) -> None:
    with ground.person.scope() as scope:
        recipients = tuple(RecipientInput(parse_address(address)) for address in to)
        accept(scope, MessageSubmission(parse_address(f"a@{DOMAIN}"), recipients, "Hi", Door.API, text="Hello", bridge_id=bridge))
