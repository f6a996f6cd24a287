"""Bounces that turned out to be our fault are taken back: the recipients wait for delivery again, and the figures forget the bounce."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from webapp.kernel.clock import hour_of
from webapp.kernel.ids import uuid7_floor, uuid7_time
from webapp.messages.types import EventType

_AROUND = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Liftable:
    """A bounced recipient. ``event_id``, ``at``, ``reply_class``: the bounce; ``kept``: why it is not sent again, None when it is."""

    event_id: UUID
    at: datetime
    recipient_id: UUID
    message_id: UUID
    bridge_id: UUID | None
    mode: str
    address: str
    delivered_at: datetime | None
    reply_class: str | None
    stream: str
    list_key: str | None
    pool_id: UUID | None
    kept: str | None


_QUEUE = """
insert into queue_entries (recipient_id, tenant_id, message_id, bridge_id, pool_id, domain, priority, due_at, expires_at, attempt)
select r.id, r.tenant_id, r.message_id, r.bridge_id, m.pool_id, split_part(r.address, '@', 2), (m.stream = 'bulk')::int, now(), m.expires_at, r.attempts
from recipients r join messages m on m.id = r.message_id where r.tenant_id = %(tenant)s and r.id = any(%(ids)s)
"""
# The class goes too: "this domain was missing before" would make the next such finding final at once.
_STATES = """
update recipients set state = 'queued', state_reason = null, bounced_at = null, delivered_at = null, reply_class = null, blame = null, updated_at = now()
where tenant_id = %(tenant)s and id = any(%(ids)s)
"""
_EVENTS = """
insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, data)
select uuidv7(), %(tenant)s, message_id, recipient_id, bridge_id, %(type)s, data
from unnest(%(message)s::uuid[], %(recipient)s::uuid[], %(bridge)s::uuid[], %(data)s::jsonb[]) x(message_id, recipient_id, bridge_id, data)
"""
_MEMBERS = """
select distinct on (recipient_id) recipient_id, member_id from delivery_attempts
where recipient_id = any(%(ids)s) and {bound} order by recipient_id, id desc
"""
# In the hour of the bounce (when it was written down) and under the same pool and member: that hour's rates heal.
_FIGURES = """
insert into stats_deltas (tenant_id, hour, mode, bridge_id, pool_id, member_id, domain, provider, tags, bounced, hard_bounced, delivered)
select %(tenant)s, hour, x.mode, x.bridge_id, x.pool_id, member_id, split_part(m.from_address, '@', 2), r.provider, m.tags, -sum(bounced), -sum(hard),
  -sum(delivered)
from unnest(%(hour)s::timestamptz[], %(mode)s::text[], %(bridge)s::uuid[], %(pool)s::uuid[], %(member)s::uuid[], %(bounced)s::int[], %(hard)s::int[],
  %(delivered)s::int[], %(message)s::uuid[], %(recipient)s::uuid[])
  x(hour, mode, bridge_id, pool_id, member_id, bounced, hard, delivered, message_id, recipient_id)
left join messages m on m.id = x.message_id left join recipients r on r.id = x.recipient_id
group by 1, 2, 3, 4, 5, 6, 7, 8, 9
"""


def lift_bounces(connection: psycopg.Connection[Any], tenant_id: UUID, rows: Sequence[Liftable], about: Mapping[str, Any]) -> int:
    """Take back the bounces of ``rows``, which the caller has locked; returns how many recipients are queued again.

    Those with ``kept`` stay bounced and counted; the event tells why. The others are counted as if they had never bounced: the bounce is taken out
    of its own hour, and, when the mail had counted as delivered before a bounce came by mail, that delivery too; ``accepted`` and ``sent`` were counted
    once and are not again. Events stay: ``bounced`` in the figures is ``email.bounced`` less ``email.bounce_lifted`` with ``requeued``. ``about``: goes
    into the events.
    """
    again = [row for row in rows if row.kept is None]
    said = [json.dumps({**about, "requeued": row.kept is None, **({"kept": row.kept} if row.kept else {})}) for row in rows]
    columns = {
        "message": [row.message_id for row in rows], "recipient": [row.recipient_id for row in rows], "bridge": [row.bridge_id for row in rows],
        "data": said, "type": EventType.BOUNCE_LIFTED.value, "tenant": tenant_id,
    }  # fmt: skip
    if rows:
        connection.execute(_EVENTS, columns)
    if again:
        _uncount(connection, tenant_id, again)
        ids = {"tenant": tenant_id, "ids": [row.recipient_id for row in again]}
        connection.execute(_QUEUE, ids)
        connection.execute(_STATES, ids)
    return len(again)


def _uncount(connection: psycopg.Connection[Any], tenant_id: UUID, rows: Sequence[Liftable]) -> None:
    members = _members(connection, rows)
    entries: list[tuple[datetime, Liftable, int, int]] = []
    for row in rows:
        entries.append((hour_of(uuid7_time(row.event_id)), row, 1, 0))
        if row.delivered_at is not None:
            entries.append((hour_of(row.delivered_at), row, 0, 1))
    connection.execute(
        _FIGURES,
        {
            "tenant": tenant_id, "hour": [e[0] for e in entries], "mode": [e[1].mode for e in entries], "bridge": [e[1].bridge_id for e in entries],
            "pool": [e[1].pool_id for e in entries], "member": [members.get(e[1].recipient_id) for e in entries],
            "message": [e[1].message_id for e in entries], "recipient": [e[1].recipient_id for e in entries],
            "bounced": [e[2] for e in entries], "delivered": [e[3] for e in entries],
            "hard": [int(bool(e[2] and (e[1].reply_class or "").startswith("hard."))) for e in entries],
        },
    )  # fmt: skip


def _members(connection: psycopg.Connection[Any], rows: Sequence[Liftable]) -> dict[UUID, UUID | None]:
    """Through which member each recipient's last attempt went. First by time, which finds all that bounced in the conversation, however many
    recipients their message has; then by message, for bounces that came by mail days later."""
    low, high = min(row.at for row in rows) - _AROUND, max(row.at for row in rows) + _AROUND
    bounds = {"low": uuid7_floor(low), "high": uuid7_floor(high)}
    by_time = _MEMBERS.format(bound="id >= %(low)s and id < %(high)s")
    found = dict(connection.execute(by_time, {"ids": [row.recipient_id for row in rows], **bounds}, prepare=False).fetchall())
    missing = [row for row in rows if row.recipient_id not in found]
    if missing:
        by_message = _MEMBERS.format(bound="message_id = any(%(messages)s)")
        arguments = {"ids": [row.recipient_id for row in missing], "messages": list({row.message_id for row in missing})}
        found.update(connection.execute(by_message, arguments, prepare=False).fetchall())
    return found
