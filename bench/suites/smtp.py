"""Mail in over SMTP and out to a sink, beside Postfix.

Both accept and deliver at once: accepted is when the client has its last 250, delivered when the sink has its last message. Ours signs every message
with RSA-2048; Postfix relays the same mail unsigned. CPU is that of all processes of either, for us PostgreSQL and Valkey too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.loads import SmtpTarget, send_by_smtp
from bench.machine import NotReady
from bench.peers import postfix
from bench.peers.packages import Missing
from bench.plan import ALL, Plan
from bench.report import Row, at_least, at_most, skipped

_PATIENCE = 120.0
_OURS = ("submission", "delivery", "default", "ticker")
_MODES = {"one a connection": 1, "many a connection": 0}
_ACCEPT_GOALS = {"one a connection": 1.4, "many a connection": 1.8}
_OUT_GOAL, _TRACKED_GOAL, _CPU_GOAL = 1.7, 1.3, 0.6
_MESSAGES = 4000


@dataclass(slots=True)
class Figures:
    """Of one candidate in one mode: accepted and delivered a second, CPU seconds per 1000 messages; one value a round."""

    accepted: list[float] = field(default_factory=list)
    delivered: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def accept(plan: Plan) -> list[Row]:
    """How fast mail is taken, durably."""
    measured = _measured(plan, ("ours",))
    if isinstance(measured, str):
        return [skipped("SMTP accept", measured)]
    return [
        at_least(f"SMTP accept, {mode}", measured["ours", mode].accepted, measured["postfix", mode].accepted, goal, name=postfix.NAME)
        for mode, goal in _ACCEPT_GOALS.items()
    ]


def to_sink(plan: Plan) -> list[Row]:
    """From the client to the sink."""
    measured = _measured(plan, ("ours", "tracked"))
    if isinstance(measured, str):
        return [skipped("SMTP to sink", measured)]
    rows = []
    for mode in _MODES:
        ours, tracked, peer = (measured[who, mode] for who in ("ours", "tracked", "postfix"))
        rows += [
            at_least(f"SMTP to sink, RSA-2048, {mode}", ours.delivered, peer.delivered, _OUT_GOAL, name=postfix.NAME),
            at_most(f"  CPU per 1000, {mode}", ours.cpu, peer.cpu, _CPU_GOAL, unit=" s", name=postfix.NAME),
            at_least(f"  tracked too, {mode}", tracked.delivered, peer.delivered, _TRACKED_GOAL, name=postfix.NAME),
        ]
    return rows


_Measured = dict[tuple[str, str], Figures]
#: Runs that one suite made and another may use: both ask the same of the same run.
_made: dict[tuple[int, str], tuple[tuple[str, ...], _Measured]] = {}


def forget() -> None:
    """Measure anew next time."""
    _made.clear()


def _measured(plan: Plan, candidates: tuple[str, ...]) -> _Measured | str:
    """Figures by candidate and mode, those of Postfix among them; a text when there is no Postfix."""
    for known, figures in _made.values():
        if set(candidates) <= set(known):
            return figures
    try:
        figures = _measure(plan, candidates)
    except Missing as error:
        return str(error)
    _made[id(plan), "".join(candidates)] = candidates, figures
    return figures


def _measure(plan: Plan, candidates: tuple[str, ...]) -> _Measured:
    figures: _Measured = defaultdict(Figures)
    with ExitStack() as stack:
        peer = stack.enter_context(postfix.running(plan.sink.port, ALL))
        stack.enter_context(plan.processes(*_OURS))
        runners: dict[str, tuple[SmtpTarget, Callable[[], float]]] = {"postfix": (SmtpTarget(peer.port), peer.cpu)}
        for name in candidates:
            runners[name] = plan.stack.smtp(tracked=name == "tracked"), plan.stack.cpu
        for name, (target, cpu) in runners.items():  # connections, caches and code paths are warm before anything counts
            _one(plan, f"{name}, warming", target, cpu, 0, 200)
        for _ in range(plan.rounds):
            for mode, per_connection in _MODES.items():
                for name, (target, cpu) in runners.items():
                    accepted, delivered, used = _one(plan, f"{name}, {mode}", target, cpu, per_connection, plan.messages(_MESSAGES))
                    of = figures[name, mode]
                    of.accepted.append(accepted)
                    of.delivered.append(delivered)
                    of.cpu.append(used)
    return figures


def _one(plan: Plan, name: str, target: SmtpTarget, cpu: Callable[[], float], per_connection: int, count: int) -> tuple[float, float, float]:
    """Accepted and delivered a second, and CPU seconds per 1000 messages, outcomes written down included."""
    plan.stack.settle()
    plan.sink.expect(count)
    before, kinds = cpu(), plan.stack.cpu_by_kind()
    sent = send_by_smtp(target, count, plan.run_name(), per_connection=per_connection)
    arrived = plan.sink.wait(_PATIENCE)
    if arrived.distinct != count:
        raise NotReady(f"{name}: {count} messages reached the sink, but only {arrived.distinct} different ones")
    wait_until_recorded(plan)
    used = (cpu() - before) * 1000 / count
    delivered = count / (arrived.last - sent.start)
    plan.note(f"{name}: accepted {sent.rate:,.0f}/s, delivered {delivered:,.0f}/s, CPU {used:.2f} s per 1000")
    if target.user is not None:
        plan.note_cpu(kinds, count)
    return sent.rate, delivered, used


def wait_until_recorded(plan: Plan, seconds: float = _PATIENCE) -> float:
    """Wait until no recipient of ours is in flight any more; the monotonic time at which that was seen. Raises ``NotReady``."""
    return plan.stack.wait_for("select count(*) from queue_entries", 0, seconds)
