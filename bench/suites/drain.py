"""Draining a full queue: different messages of 10 kB, each signed with RSA-2048 (``--both-signatures``: and Ed25519) and tracked, by two delivery
processes, beside Postfix's drain.

Ours is timed from the commit that fills the queue until every outcome is durable in PostgreSQL; Postfix from its flush until the sink has the last.
"""

from __future__ import annotations

from contextlib import ExitStack

from bench.loads import SmtpTarget, send_by_smtp
from bench.machine import NotReady
from bench.peers import postfix
from bench.peers.packages import Missing
from bench.plan import ALL, Plan
from bench.report import Row, at_least, kept, skipped
from bench.suites.smtp import wait_until_recorded

_MESSAGES = 10_000
_GOAL = 2.5
_FAR_MESSAGES, _LATE, _FAR_GOAL = 6_000, 0.05, 2.5
_PATIENCE = 180.0
_DELIVERED = "select count(*) from recipients where state = 'delivered'"
_EVENTS = "select count(*) from events where type = 'email.delivered'"


def drain(plan: Plan) -> list[Row]:
    """Messages a second out of a queue that was full at once."""
    count = plan.messages(_MESSAGES)
    ours: list[float] = []
    peers: list[float] = []
    missing = ""
    with plan.processes("delivery", "default", "ticker"):
        _ours(plan, 300)
        before = plan.stack.count(_DELIVERED), plan.stack.count(_EVENTS)
        for _ in range(plan.rounds):
            try:
                if not missing:
                    peers.append(_peer(plan, count))
            except Missing as error:
                missing = str(error)
            ours.append(_ours(plan, count))
        written = plan.stack.count(_DELIVERED) - before[0], plan.stack.count(_EVENTS) - before[1]
    rows = [skipped("drain", missing) if missing else at_least(f"drain, {_signed(plan)}, tracked, durable", ours, peers, _GOAL, name=postfix.NAME)]
    return [*rows, kept("drain, outcomes and events written", min(written), count * plan.rounds)]


def distance(plan: Plan) -> list[Row]:
    """The same with a receiver that answers 50 ms late: one round trip a message is what many connections cannot do without."""
    count = plan.messages(_FAR_MESSAGES)
    ours: list[float] = []
    peers: list[float] = []
    missing = ""
    with plan.processes("delivery", "default", "ticker"), plan.sink.far_away(_LATE):
        _ours(plan, 300)
        for _ in range(plan.rounds):
            try:
                if not missing:
                    peers.append(_peer(plan, count))
            except Missing as error:
                missing = str(error)
            ours.append(_ours(plan, count))
    work = f"drain at {_LATE * 1000:.0f} ms a reply, {ALL} connections"
    row = skipped(work, missing) if missing else at_least(work, ours, peers, _FAR_GOAL, name=postfix.NAME)
    bound = [ALL / _LATE] * len(ours)
    return [row, at_least("  of what one round trip a message allows", ours, bound, 0.85, name="connections / latency")]


def _signed(plan: Plan) -> str:
    return "RSA-2048 and Ed25519" if plan.both_signatures else "RSA-2048"


def _ours(plan: Plan, count: int) -> float:
    plan.stack.settle()
    plan.sink.expect(count)
    used, kinds = plan.stack.cpu(), plan.stack.cpu_by_kind()
    tenant = plan.stack.tenant
    said = plan.stack.call("bench.fill", str(count), "--tenant", tenant.tenant_id, "--bridge", tenant.tracked_bridge, "--run", plan.run_name())
    arrived = plan.sink.wait(_PATIENCE)
    if arrived.distinct != count:
        raise NotReady(f"drain: {count} messages reached the sink, but only {arrived.distinct} different ones")
    recorded = wait_until_recorded(plan)
    used = (plan.stack.cpu() - used) * 1000 / count
    rate: float = count / (recorded - said["start"])
    plan.note(f"ours: drained {rate:,.0f}/s (the sink had all at {count / (arrived.last - said['start']):,.0f}/s), CPU {used:.2f} s per 1000")
    plan.note_cpu(kinds, count)
    return rate


def _peer(plan: Plan, count: int) -> float:
    with ExitStack() as stack:
        peer = stack.enter_context(postfix.running(plan.sink.port, ALL))
        peer.hold_back()
        plan.sink.expect(count)
        send_by_smtp(SmtpTarget(peer.port), count, plan.run_name(), per_connection=0)
        peer.wait_until_deferred()
        before = peer.cpu()
        start = peer.flush()
        arrived = plan.sink.wait(_PATIENCE)
        rate = count / (arrived.last - start)
        plan.note(f"Postfix: drained {rate:,.0f}/s, CPU {(peer.cpu() - before) * 1000 / count:.2f} s per 1000")
        return rate
