"""Which bounces an incident covers, and what would become of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from psycopg.rows import class_row, dict_row
from sqlalchemy.orm import Session

from webapp.incidents.models import Incident
from webapp.incidents.types import BounceFilter, Kept, Preview, Sample
from webapp.kernel.db import raw_of
from webapp.kernel.errors import NotFound
from webapp.kernel.ids import uuid7_floor
from webapp.kernel.pagination import Page, page_of
from webapp.kernel.scope import Scope
from webapp.messages.service.lifting import Liftable

SAMPLES = 10
#: A bounce is written down after it was said: by seconds, or, when the database was away, by as long as that.
_SLACK = timedelta(hours=12)

# The events drive: they stand in order of time under (tenant, id), so that only the incident's own hours are read, whatever lies before.
# The recipient's bounce must be this very one: whoever was sent to again since is none of the incident's.
_FOUND = """
from events e
join recipients r on r.id = e.recipient_id and r.state = 'bounced' and r.bounced_at = e.at
join messages m on m.id = r.message_id
where e.type = 'email.bounced' and e.id >= %(low)s and e.id < %(high)s and e.at >= %(since)s and e.at < %(until)s
  and (%(tenant)s::uuid is null or e.tenant_id = %(tenant)s::uuid)
  and (%(bridge)s::uuid is null or e.bridge_id = %(bridge)s::uuid)
  and (%(class)s::text is null or e.data->>'class' = %(class)s::text)
  and (%(text)s::text is null or position(lower(%(text)s::text) in lower(e.data->>'reply')) > 0)
  and (%(provider)s::text is null or split_part(r.address, '@', 2) = %(provider)s::text or e.data->>'remote' = %(provider)s::text
    or right(e.data->>'remote', length(%(provider)s::text) + 1) = '.' || %(provider)s::text)
  and (%(member)s::uuid is null or exists (select from delivery_attempts a
    where a.message_id = r.message_id and a.recipient_id = r.id and a.number = r.attempts and a.member_id = %(member)s::uuid))
"""
#: Why mail is of no more use, as SQL; null when it is. "The same mail" is what has the same sender, subject and recipient.
_KEPT = f"""
case when m.expires_at <= now() then '{Kept.EXPIRED}'
  when not exists (select from message_contents c where c.id = m.id) then '{Kept.CONTENT_GONE}'
  when exists (select from recipients r2 join messages m2 on m2.id = r2.message_id where r2.tenant_id = r.tenant_id and r2.address = r.address
    and r2.id <> r.id and r2.state = 'delivered' and r2.delivered_at > e.at and m2.subject = m.subject and m2.from_address = m.from_address)
  then '{Kept.REACHED_SINCE}' end
"""
_BLOCK = f"select e.id {_FOUND} and (%(position)s::uuid is null or e.id > %(position)s::uuid) order by e.id limit %(batch)s"
_LOCKED = f"""
select e.id as event_id, e.at, r.id as recipient_id, r.message_id, r.bridge_id, r.mode, r.address, r.delivered_at, e.data->>'class' as reply_class,
  m.stream, m.list_key, m.pool_id, {_KEPT} as kept
from events e
join recipients r on r.id = e.recipient_id and r.state = 'bounced' and r.bounced_at = e.at
join messages m on m.id = r.message_id
where e.id = any(%(events)s) and e.tenant_id = %(tenant)s order by r.id for update of r
"""
_SUMS = f"""
select count(*) as recipients, count(*) filter (where kept is null) as requeued, count(distinct tenant_id) as tenants, count(suppression) as suppressions,
  count(*) filter (where kept = '{Kept.EXPIRED}') as expired, count(*) filter (where kept = '{Kept.CONTENT_GONE}') as content_gone,
  count(*) filter (where kept = '{Kept.REACHED_SINCE}') as reached_since
from (select r.tenant_id, {_KEPT} as kept, (select s.id from suppressions s where s.tenant_id = r.tenant_id and s.address = lower(r.address)
  and s.recipient_id = r.id and s.reason in ('hard_bounce', 'soft_bounce')) as suppression {_FOUND}) found
"""
_SAMPLES = f"""
select r.id as recipient_id, r.message_id, r.address, m.subject, e.at, e.data->>'class' as reply_class, e.data->>'reply' as reply, {_KEPT} as kept
{_FOUND} order by e.id desc limit {SAMPLES}
"""


def _arguments(wanted: BounceFilter, tenant_id: UUID | None) -> dict[str, Any]:
    return {
        "tenant": tenant_id, "since": wanted.since, "until": wanted.until, "low": uuid7_floor(wanted.since - timedelta(minutes=5)),
        "high": uuid7_floor(wanted.until + _SLACK), "bridge": wanted.bridge_id, "class": wanted.reply_class, "text": wanted.text,
        "provider": wanted.provider.lower() if wanted.provider else None, "member": wanted.member_id,
    }  # fmt: skip


def preview(session: Session, wanted: BounceFilter, tenant_id: UUID | None) -> Preview:
    """What undoing these bounces would do now; changes nothing. ``tenant_id``: None for all, in a session that sees all.

    An address that is suppressed for a reason of its own too is counted among those sent again here, and left alone by the undoing.
    """
    connection, arguments = raw_of(session), _arguments(wanted, tenant_id)
    with connection.cursor(row_factory=dict_row) as cursor:
        sums = cursor.execute(_SUMS, arguments, prepare=False).fetchone() or {}
    with connection.cursor(row_factory=class_row(Sample)) as samples:
        found = tuple(samples.execute(_SAMPLES, arguments, prepare=False).fetchall())
    kept = {reason.value: int(sums[reason.value]) for reason in Kept if sums.get(reason.value)}
    return Preview(int(sums["recipients"]), int(sums["requeued"]), int(sums["suppressions"]), kept, int(sums["tenants"]), found)


def tenants_hit(connection: psycopg.Connection[Any], wanted: BounceFilter) -> list[UUID]:
    """Whose mail bounced so. The connection must see all tenants."""
    rows = connection.execute(f"select distinct e.tenant_id {_FOUND} order by 1", _arguments(wanted, None), prepare=False)
    return [row[0] for row in rows]


def next_block(connection: psycopg.Connection[Any], tenant_id: UUID, wanted: BounceFilter, position: UUID | None, batch: int) -> list[UUID]:
    """The bounce events that come after ``position``, oldest first."""
    arguments = {**_arguments(wanted, tenant_id), "position": position, "batch": batch}
    return [row[0] for row in connection.execute(_BLOCK, arguments, prepare=False)]


def lock_bounces(connection: psycopg.Connection[Any], tenant_id: UUID, events: Sequence[UUID]) -> list[Liftable]:
    """The recipients of these events that stand bounced by them still, locked until the transaction ends."""
    with connection.cursor(row_factory=class_row(Liftable)) as cursor:
        return cursor.execute(_LOCKED, {"tenant": tenant_id, "events": list(events)}, prepare=False).fetchall()


def list_incidents(session: Session, search: str | None = None, *, limit: int = 50, cursor: str | None = None) -> Page[Incident]:
    """Of the scope's tenant (or all, in an unscoped session), newest first. ``search``: words of the note, or of who did it."""
    statement = sa.select(Incident)
    if search:
        statement = statement.where(sa.or_(*(column.icontains(search.strip(), autoescape=True) for column in (Incident.note, Incident.actor_name))))
    return page_of(session, statement, Incident.id, limit=limit, cursor=cursor)


def get_incident(scope: Scope, incident_id: UUID) -> Incident:
    """Raises ``NotFound``."""
    found = scope.session.scalar(sa.select(Incident).where(Incident.id == incident_id))
    if found is None:
        raise NotFound("incident")
    return found
