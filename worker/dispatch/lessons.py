"""What the results of a batch say about ways out: signals for the rules of pace, and how much got through where that is watched."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from webapp.pace.service import is_about_quota
from webapp.pace.types import RELAY, Signal, Tally
from worker.delivery.types import AttemptResult, Fault, Member, MemberKind, Outcome, ReplyClass, Stage
from worker.dispatch.pacer import Pacer

Key = tuple[UUID, str]

#: Replies of these classes may be about us; the others are about recipients, contents and domains.
_TELLING = frozenset({ReplyClass.THROTTLE, ReplyClass.BLOCK, ReplyClass.RELAY})
#: What an outside relay says in other words: a quota in a bare 4xx or 5xx, or nothing at all.
_TELLING_OF_RELAYS = _TELLING | {ReplyClass.TEMPORARY, ReplyClass.REJECTED, ReplyClass.NET}
_BLOCKED = frozenset({ReplyClass.THROTTLE, ReplyClass.BLOCK})
#: A relay passes on what one recipient's server says: only when this share of its answers of late, and of so many, are of this kind does it speak for
#: itself. Fewer need no slowing: each waits for its own next attempt anyhow.
_RELAY_SHARE, _RELAY_ANSWERS = 0.2, 20
_ABOUT_RECIPIENTS = frozenset({Stage.RCPT, Stage.DATA, Stage.END_OF_DATA})
#: Seconds over which the rate of a way out is measured.
_MEASURED_SECONDS = 10.0


@dataclass(slots=True)
class Lesson:
    """Of one batch. ``tallies`` by watched way out and provider, ``plans`` by warm-up plan."""

    signals: list[Signal] = field(default_factory=list)
    tallies: dict[Key, Tally] = field(default_factory=dict)
    plans: dict[UUID, Tally] = field(default_factory=dict)

    def keys(self) -> set[Key]:
        """The ways out it is about."""
        return {(signal.source_id, signal.provider) for signal in self.signals} | set(self.tallies)

    def __bool__(self) -> bool:
        return bool(self.signals or self.tallies or self.plans)


class Observer:
    """Reads results batch by batch, in the database thread, and remembers how fast each way out was."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._sent: Counter[Key] = Counter()
        self._slowed: Counter[Key] = Counter()
        self._since = time.monotonic()

    def learn(self, results: Iterable[AttemptResult]) -> Lesson:
        """The lesson of a batch; costs a few look-ups a result where nothing is wrong and nothing is warmed up."""
        lesson = Lesson()
        self._forget_old()
        pacer, sent = self._pacer, self._sent
        for result in results:
            for fault in result.faults:
                self._add_signal(lesson, fault)
                pacer.note_bound(fault.member, bound=not is_unbindable(fault))
            member = result.member
            if member is None or member.source_id is None or result.outcome is Outcome.RELEASED:
                continue
            key = (member.source_id, member.provider)
            sent[key] += 1
            if result.outcome is not Outcome.DELIVERED:
                fault = Fault(member, result.stage, result.reply_class, result.code, result.reply)
                self._add_signal(lesson, fault)
                pacer.note_bound(member, bound=not is_unbindable(fault))
            elif pacer.resting:
                pacer.note_bound(member, bound=True)
            if pacer.is_watched(*key):
                lesson.tallies[key] = _added(lesson.tallies.get(key), result)
                plan = pacer.plan_of(*key) if member.provider != RELAY else None
                if plan is not None:
                    lesson.plans[plan] = _added(lesson.plans.get(plan), result)
        return lesson

    def _forget_old(self) -> None:
        if time.monotonic() - self._since > _MEASURED_SECONDS:
            self._sent.clear()
            self._slowed.clear()
            self._since = time.monotonic()

    def _add_signal(self, lesson: Lesson, fault: Fault) -> None:
        member = fault.member
        relay = member.kind is MemberKind.RELAY
        if member.source_id is None or fault.reply_class not in (_TELLING_OF_RELAYS if relay else _TELLING):
            return
        key = (member.source_id, member.provider)
        if relay and fault.reply_class is ReplyClass.THROTTLE and fault.stage in _ABOUT_RECIPIENTS:
            self._slowed[key] += 1
            few = self._sent[key] < _RELAY_ANSWERS or self._slowed[key] < self._sent[key] * _RELAY_SHARE
            if few and not is_about_quota(fault.text):
                return
        elapsed = time.monotonic() - self._since
        rate = self._sent[key] / elapsed * self._pacer.state.workers if elapsed > 1.0 else None
        lesson.signals.append(_signal(member, fault, self._pacer, rate))


def is_unbindable(fault: Fault) -> bool:
    """Whether this machine could not send from the member's address at all. Nobody was reached, so no other reply of an address is of this class here."""
    return fault.member.kind is MemberKind.IP and fault.stage is Stage.CONNECT and fault.reply_class is ReplyClass.RELAY


def _signal(member: Member, fault: Fault, pacer: Pacer, rate: float | None) -> Signal:
    assert member.source_id is not None
    source = pacer.sources.get(member.source_id)
    return Signal(
        source_id=member.source_id, tenant_id=source.owner_id if source else None, label=source.label if source else str(member.source_id),
        kind=member.kind.value, provider=member.provider, reply_class=fault.reply_class.value, stage=fault.stage.value, code=fault.code,
        reply=fault.text, rate=rate,
    )  # fmt: skip


def _added(tally: Tally | None, result: AttemptResult) -> Tally:
    before = tally or Tally()
    if result.outcome is Outcome.DELIVERED:
        return Tally(before.delivered + 1, before.bounced, before.blocked, before.deferred)
    if result.reply_class in _BLOCKED:
        return Tally(before.delivered, before.bounced, before.blocked + 1, before.deferred)
    if result.outcome is Outcome.BOUNCED:
        return Tally(before.delivered, before.bounced + 1, before.blocked, before.deferred)
    return Tally(before.delivered, before.bounced, before.blocked, before.deferred + 1)
