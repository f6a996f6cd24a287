"""What receivers tell us after delivery: bounces and complaints that came by mail. Each changes a recipient once.

Who may tell is settled before: the caller knows the recipient from a signed return path, never from what the report says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from webapp.kernel.addresses import canonical
from webapp.kernel.db import raw_of
from webapp.suppressions.service import note_bounces, suppress
from webapp.suppressions.types import Bounce, SuppressionReason, SuppressionScope

# The figures go to the pool and member that the last attempt went through, so that an address's reputation is seen per IP.
_THEN = """
fact as (
  insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, data)
  select uuidv7(), tenant_id, message_id, id, bridge_id, %(type)s, %(data)s::jsonb from who),
figures as (
  insert into stats_deltas (tenant_id, hour, mode, bridge_id, pool_id, member_id, domain, provider, tags, {counter}, hard_bounced)
  select who.tenant_id, date_trunc('hour', now(), 'UTC'), who.mode, who.bridge_id, m.pool_id,
    (select a.member_id from delivery_attempts a where a.message_id = who.message_id and a.recipient_id = who.id order by a.id desc limit 1),
    split_part(m.from_address, '@', 2), who.provider, m.tags, 1,
    (%(class)s::text like 'hard.%%')::int
  from who join messages m on m.id = who.message_id)
select tenant_id, address, message_id from who
"""
_BOUNCE = f"""
with who as (
  update recipients set state = 'bounced', bounced_at = now(), last_code = %(code)s, last_reply = %(reply)s, reply_class = %(class)s,
    blame = %(blame)s, state_reason = null, updated_at = now()
  where id = %(recipient)s and state in ('queued', 'deferred', 'delivered')
  returning id, tenant_id, message_id, bridge_id, mode, address, provider),
gone as (delete from queue_entries q using who where q.recipient_id = who.id),
{_THEN.format(counter="bounced")}
"""
_COMPLAINT = f"""
with who as (
  update recipients set complained_at = now(), updated_at = now() where id = %(recipient)s and complained_at is null
  returning id, tenant_id, message_id, bridge_id, mode, address, provider),
{_THEN.format(counter="complained")}
"""
_ADDRESS = "select address from recipients where id = %s"


@dataclass(frozen=True, slots=True)
class LateBounce:
    """A bounce that came by mail. reply_class, blame: as of the delivery engine's classification; suppress: whether the address
    is hopeless and must not be written to again."""

    recipient_id: UUID
    code: int | None
    status: str | None
    reply: str
    reply_class: str
    blame: str
    suppress: bool


def record_bounce(session: Session, bounce: LateBounce) -> bool:
    """Mark a recipient bounced. False when it is gone or was final in another way already: a second report changes nothing.

    The session must see all tenants. A recipient still in the queue (our attempt ended without an answer) leaves it.
    """
    data = {"code": bounce.code, "status": bounce.status, "reply": bounce.reply, "class": bounce.reply_class, "blame": bounce.blame, "source": "dsn"}
    known = {"code": bounce.code, "reply": bounce.reply, "class": bounce.reply_class, "blame": bounce.blame}
    found = _apply(raw_of(session), _BOUNCE, bounce.recipient_id, "email.bounced", data, known)
    if found is None:
        return False
    tenant_id, address, message_id = found
    note_bounces(
        session,
        [Bounce(tenant_id, address, bounce.recipient_id, message_id, bounce.reply_class, bounce.blame, bounce.suppress, bounce.reply, "dsn")],
    )
    return True


def record_complaint(session: Session, recipient_id: UUID, feedback_type: str, user_agent: str | None) -> bool:
    """Note that a reader called the mail spam, and suppress the address. False when it is gone or had complained before.

    The session must see all tenants.
    """
    data = {"feedback_type": feedback_type, "reporter": user_agent}
    found = _apply(raw_of(session), _COMPLAINT, recipient_id, "email.complained", data, {"class": ""})
    if found is None:
        return False
    tenant_id, address, message_id = found
    suppress(
        session, tenant_id, canonical(address), SuppressionScope.ALL, SuppressionReason.COMPLAINT, "fbl", recipient_id,
        message_id=message_id, detail=f"Reported as {feedback_type}" + (f" by {user_agent}" if user_agent else ""),
    )  # fmt: skip
    return True


def find_address(session: Session, recipient_id: UUID) -> str | None:
    """The address of a recipient of any tenant, None when it is gone. The session must see all tenants."""
    row = raw_of(session).execute(_ADDRESS, (recipient_id,)).fetchone()
    return str(row[0]) if row else None


def find_message(session: Session, recipient_id: UUID) -> UUID | None:
    """The message of a recipient of any tenant, None when it is gone. The session must see all tenants."""
    row = raw_of(session).execute("select message_id from recipients where id = %s", (recipient_id,)).fetchone()
    return UUID(str(row[0])) if row else None


def _apply(
    connection: psycopg.Connection[Any], statement: str, recipient_id: UUID, event: str, data: Mapping[str, Any], more: Mapping[str, Any]
) -> tuple[UUID, str, UUID] | None:
    said = json.dumps({name: value for name, value in data.items() if value is not None})
    row = connection.execute(statement, {"recipient": recipient_id, "type": event, "data": said, **more}).fetchone()
    return (row[0], row[1], row[2]) if row else None
