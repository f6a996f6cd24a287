"""Acts on accepted mail: cancel, give another time, send again to those who did not get it.

Each is a compare-and-set on the queue rows: what a worker has claimed once is out of reach (409), so no message is both cancelled and sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.activity.service import record
from webapp.kernel import clock
from webapp.kernel.addresses import canonical
from webapp.kernel.clock import rfc3339
from webapp.kernel.db import after_commit
from webapp.kernel.errors import Conflict
from webapp.kernel.ids import uuid7
from webapp.kernel.jobs import wake_delivery
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Mode, Scope
from webapp.messages import queries
from webapp.messages.models import Message, MessageContent
from webapp.messages.service import checks
from webapp.messages.service.sender import Sender, load_facts, raw_connection
from webapp.messages.service.units import expiry_hours
from webapp.messages.service.wire import wired
from webapp.messages.types import Accepted, EventType, RecipientState
from webapp.suppressions.service import find_suppressed

_UNCLAIMED = (
    "recipient_id in (select id from recipients where message_id = :message and tenant_id = :tenant) "
    "and tenant_id = :tenant and scheduled and lease_until is null and attempt = 0"
)
_CANCEL = sa.text(f"delete from queue_entries where {_UNCLAIMED} returning recipient_id")
_RETIME = sa.text(f"update queue_entries set due_at = :due, expires_at = :expires where {_UNCLAIMED} returning recipient_id")
_SET_STATE = sa.text("update recipients set state = :state, state_reason = null, updated_at = now() where tenant_id = :tenant and id = any(:ids)")
_EVENTS = sa.text(
    "insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, data) "
    "select e, :tenant, :message, r, :bridge, :type, cast(:data as jsonb) from unnest(cast(:events as uuid[]), cast(:ids as uuid[])) x(e, r)"
)
_FAILED = sa.text(
    "select r.id, r.address from recipients r where r.tenant_id = :tenant and r.message_id = :message and r.state in ('failed', 'bounced') "
    "order by r.id for update of r"
)
_REQUEUE = sa.text(
    "insert into queue_entries (recipient_id, tenant_id, message_id, bridge_id, pool_id, domain, priority, due_at, expires_at, attempt) "
    "select r.id, r.tenant_id, r.message_id, r.bridge_id, :pool, split_part(r.address, '@', 2), :priority, now(), "
    "now() + make_interval(hours => :hours), r.attempts from recipients r where r.tenant_id = :tenant and r.id = any(:ids)"
)
_ACCEPTED = sa.text(
    "insert into stats_deltas (tenant_id, hour, mode, bridge_id, pool_id, domain, tags, accepted) "
    "select m.tenant_id, date_trunc('hour', now(), 'UTC'), 'live', m.bridge_id, :pool, split_part(m.from_address, '@', 2), m.tags, :count "
    "from messages m where m.tenant_id = :tenant and m.id = :message"
)


def cancel_message(scope: Scope, message_id: str | UUID) -> Accepted:
    """Take back scheduled mail. Raises ``NotFound``, and ``Conflict`` once a worker has taken it or when it is not scheduled."""
    scope.require(Permission.EMAIL_SEND)
    message = queries.get_message(scope, message_id)
    ids = _taken_back(scope, message, _CANCEL)
    _set_state(scope, message, ids, RecipientState.CANCELLED, EventType.CANCELLED)
    record(scope, "message.cancelled", "message", message.id, message.subject)
    return _answer(message, RecipientState.CANCELLED)


def retime_message(scope: Scope, message_id: str | UUID, send_at: datetime) -> Accepted:
    """Give scheduled mail another time; how long it is tried from then on stays the same. Raises as ``cancel_message``, and ``ValidationFailed``."""
    scope.require(Permission.EMAIL_SEND)
    message = queries.get_message(scope, message_id)
    checks.check_send_at(send_at, clock.now())
    lasts = message.expires_at - message.send_at if message.send_at else timedelta(hours=expiry_hours(message.stream))
    ids = _taken_back(scope, message, _RETIME, due=send_at, expires=send_at + lasts)
    before = message.send_at
    message.send_at, message.expires_at = send_at, send_at + lasts
    _write_events(scope, message, ids, EventType.SCHEDULED, f'{{"send_at": "{rfc3339(send_at)}"}}')
    record(scope, "message.retimed", "message", message.id, message.subject, {"send_at": [rfc3339(before), rfc3339(send_at)]})
    return _answer(message, RecipientState.SCHEDULED)


def resend_failed(scope: Scope, message_id: str | UUID) -> Accepted:
    """Send the same message again to the recipients that failed or bounced and are not suppressed.

    Raises ``NotFound``, and ``Conflict`` when nobody failed, or the content is past its retention; and what refuses the sender today.
    """
    scope.require(Permission.EMAIL_SEND)
    message = queries.get_message(scope, message_id)
    _check_may_resend(scope, message)
    bulk = message.stream == "bulk"
    values = {"tenant": scope.tenant_id, "message": message.id}
    failed = {row[0]: canonical(row[1]) for row in scope.session.execute(_FAILED, values)}
    suppressed = find_suppressed(scope.session, scope.tenant_id, set(failed.values()), message.stream, message.list_key)
    ids = [recipient for recipient, address in failed.items() if address not in suppressed]
    if not ids:
        raise Conflict("No recipient of this message failed, or those that did are on the suppression list now.")
    again = {"ids": ids, "pool": message.pool_id, "priority": int(bulk), "hours": expiry_hours(message.stream)}
    scope.session.execute(_REQUEUE, {**values, **again})
    _set_state(scope, message, ids, RecipientState.QUEUED, EventType.QUEUED, '{"resent": true}')
    scope.session.execute(_ACCEPTED, {**values, "bridge": message.bridge_id, "pool": message.pool_id, "count": len(ids)})
    record(scope, "message.resent", "message", message.id, message.subject, {"recipients": len(ids)})
    after_commit(scope.session, wake_delivery)
    return _answer(message, RecipientState.QUEUED)


def _taken_back(scope: Scope, message: Message, statement: sa.TextClause, **values: Any) -> Sequence[UUID]:
    rows = scope.session.execute(statement, {"message": message.id, "tenant": scope.tenant_id, **values}).scalars().all()
    if not rows:
        reason = "It was not scheduled." if message.send_at is None else "It is on its way, sent, or cancelled already."
        raise Conflict(f"This message cannot be changed any more. {reason}")
    return rows


def _set_state(scope: Scope, message: Message, ids: Sequence[UUID], state: RecipientState, event: EventType, data: str | None = None) -> None:
    scope.session.execute(_SET_STATE, {"state": state.value, "tenant": scope.tenant_id, "ids": list(ids)})
    _write_events(scope, message, ids, event, data)
    scope.session.expire_all()


def _write_events(scope: Scope, message: Message, ids: Sequence[UUID], event: EventType, data: str | None) -> None:
    scope.session.execute(
        _EVENTS,
        {
            "tenant": scope.tenant_id, "message": message.id, "bridge": message.bridge_id, "type": event.value, "data": data,
            "ids": list(ids), "events": [uuid7() for _ in ids],
        },
    )  # fmt: skip


def _check_may_resend(scope: Scope, message: Message) -> None:
    """The message is judged by who its sender is today."""
    if scope.session.get(MessageContent, message.id) is None:
        raise Conflict("What this message said is past its retention; it cannot be sent again.")
    wanted = [message.bridge_id] if message.bridge_id else []
    with wired(raw_connection(scope)) as wire:
        facts = load_facts(wire, scope.tenant_id, wanted)
    if facts is None:
        raise Conflict("This tenant does not exist any more.")
    mode = Mode(message.mode)
    checks.check_tenant_may_send(facts, mode)
    checks.check_bridge_is_open(checks.find_bridge(facts, Sender(scope.tenant_id, mode), message.bridge_id))
    if not facts.has_domain(message.from_address.rpartition("@")[2]):
        raise Conflict("The domain this message is from is not verified any more.")


def _answer(message: Message, state: RecipientState) -> Accepted:
    return Accepted(message.id, message.message_id_header, state, Mode(message.mode), message.send_at)
