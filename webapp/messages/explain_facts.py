"""The rows an explanation is made of, read at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from webapp.bridges.models import Bridge, GuardAlarm
from webapp.kernel.addresses import canonical
from webapp.kernel.scope import Scope
from webapp.messages.models import DeliveryAttempt, Event, Message, QueueEntry, Recipient
from webapp.messages.types import EventType
from webapp.pools.models import IpAddress, Pool, PoolMember
from webapp.sending_accounts.models import SendingAccount
from webapp.suppressions.models import Suppression


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of some recipients of a message. ``attempts``: by recipient and number; ``reasons``: why one in flight waits.

    ``members``: how a pool member is called; ``suppressions``: the entries that still stand for recipients that were stopped.
    """

    events: Sequence[Event]
    attempts: dict[tuple[UUID, int], DeliveryAttempt]
    lost: Sequence[DeliveryAttempt]
    queue: dict[UUID, QueueEntry]
    reasons: dict[UUID, str]
    addresses: dict[UUID, str]
    members: dict[UUID, str]
    suppressions: dict[UUID, Suppression]
    alarms: Sequence[GuardAlarm]
    bridge: str | None
    bridge_trouble: str | None
    pool: str | None

    def whom(self, recipient_id: UUID) -> tuple[str, ...]:
        """The recipient's address, when there are several to tell apart."""
        return (self.addresses[recipient_id],) if len(self.addresses) > 1 and recipient_id in self.addresses else ()

    def alarm_at(self, moment: datetime) -> GuardAlarm | None:
        """The trip of the bridge's guard that was in force at a moment."""
        return next((a for a in self.alarms if a.created_at <= moment and (a.ended_at is None or a.ended_at >= moment)), None)


def gather(scope: Scope, message: Message, recipients: Sequence[Recipient]) -> Facts:
    """Read everything about these recipients of one message, in as many statements as there are tables."""
    session, ids = scope.session, [r.id for r in recipients]
    events = session.scalars(
        sa.select(Event).where(Event.message_id == message.id, Event.recipient_id.in_(ids)).order_by(Event.at, Event.id)
    ).all()  # fmt: skip
    attempts = session.scalars(
        sa.select(DeliveryAttempt).where(DeliveryAttempt.message_id == message.id, DeliveryAttempt.recipient_id.in_(ids)).order_by(DeliveryAttempt.id)
    ).all()
    queue = session.scalars(sa.select(QueueEntry).where(QueueEntry.recipient_id.in_(ids))).all()
    bridge = session.get(Bridge, message.bridge_id) if message.bridge_id else None
    pool = session.get(Pool, message.pool_id) if message.pool_id else None
    return Facts(
        events=events,
        attempts={(a.recipient_id, a.number): a for a in attempts},
        lost=[a for a in attempts if a.outcome == "unknown"],
        queue={entry.recipient_id: entry for entry in queue},
        reasons={r.id: r.state_reason for r in recipients if r.state_reason},
        addresses={r.id: r.address for r in recipients},
        members=_members(scope, {a.member_id for a in attempts if a.member_id}),
        suppressions=_suppressions(scope, recipients, {e.recipient_id for e in events if e.type == EventType.SUPPRESSED}),
        alarms=_alarms(scope, message) if any(e.type == EventType.HELD for e in events) else (),
        bridge=bridge.name if bridge else None,
        bridge_trouble=bridge.pause_reason if bridge and bridge.paused_at else None,
        pool=pool.name if pool else None,
    )


def _members(scope: Scope, ids: set[UUID]) -> dict[UUID, str]:
    if not ids:
        return {}
    rows = scope.session.execute(
        sa.select(PoolMember.id, IpAddress.address, SendingAccount.name)
        .outerjoin(IpAddress, IpAddress.id == PoolMember.ip_address_id)
        .outerjoin(SendingAccount, SendingAccount.id == PoolMember.sending_account_id)
        .where(PoolMember.id.in_(ids))
    )
    return {row[0]: f"from {row[1]}" if row[1] else f"through the relay {row[2]}" for row in rows}


def _suppressions(scope: Scope, recipients: Sequence[Recipient], stopped: set[UUID]) -> dict[UUID, Suppression]:
    wanted = {canonical(r.address): r.id for r in recipients if r.id in stopped}
    if not wanted:
        return {}
    rows = scope.session.scalars(sa.select(Suppression).where(Suppression.address.in_(wanted)).order_by(Suppression.created_at.desc()))
    return {wanted[row.address]: row for row in rows}


def _alarms(scope: Scope, message: Message) -> Sequence[GuardAlarm]:
    wanted = sa.select(GuardAlarm).where(GuardAlarm.bridge_id == message.bridge_id, GuardAlarm.action == "pause")
    return scope.session.scalars(wanted.order_by(GuardAlarm.id.desc()).limit(20)).all()
