"""Mail that another mail system of ours took over: which recipient it speaks of, and that it was delivered after all."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from webapp.kernel.db import raw_of
from webapp.kernel.ids import parse_uuid
from webapp.messages.verp import find_recipient

_OF_MESSAGE = """
select r.id, r.tenant_id from messages m join recipients r on r.message_id = m.id
where m.id = %(message)s and m.message_id_header = %(header)s and lower(r.address) = lower(%(address)s) limit 1
"""
# An id of the client's own: the newest recipient of that address whose message has it. The index begins with the tenant, of which there are few.
_OF_HEADER = """
select r.id, r.tenant_id from recipients r join messages m on m.id = r.message_id
where r.address = any(%(addresses)s) and m.message_id_header = %(header)s order by r.id desc limit 1
"""
_OF_RETURN_PATH = "select id, tenant_id from recipients where id = %s"
_DELIVERED = """
with who as (
  update recipients set state = 'delivered', delivered_at = now(), last_reply = %(reply)s, reply_class = 'delivered', blame = 'nobody',
    state_reason = null, updated_at = now()
  where id = %(recipient)s and state in ('queued', 'deferred')
  returning id, tenant_id, message_id, bridge_id, mode, provider),
gone as (delete from queue_entries q using who where q.recipient_id = who.id),
fact as (
  insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, data)
  select uuidv7(), tenant_id, message_id, id, bridge_id, 'email.delivered', jsonb_build_object('source', 'mta', 'reply', %(reply)s::text) from who),
figures as (
  insert into stats_deltas (tenant_id, hour, mode, bridge_id, pool_id, domain, provider, tags, delivered)
  select who.tenant_id, date_trunc('hour', now(), 'UTC'), who.mode, who.bridge_id, m.pool_id, split_part(m.from_address, '@', 2), who.provider, m.tags, 1
  from who join messages m on m.id = who.message_id)
select id from who
"""


def find_reported(session: Session, message_id: str, address: str, return_path: str = "") -> tuple[UUID, UUID] | None:
    """Recipient and tenant of the mail with that Message-ID header (angle brackets or not) to that address; of any tenant.

    ``return_path``: the envelope sender; when it is one of our signed ones it names the recipient by itself. None when there is no such mail.
    """
    rows = raw_of(session)
    named = find_recipient(return_path.strip("<> ").rpartition("@")[0]) if return_path else None
    if named is not None:
        found = rows.execute(_OF_RETURN_PATH, (named,)).fetchone()
        return (found[0], found[1]) if found else None
    bare = message_id.strip().removeprefix("<").removesuffix(">")
    if not bare:
        return None
    local, _, domain = address.rpartition("@")
    values = {"header": f"<{bare}>", "address": address, "addresses": list({address, f"{local}@{domain.lower()}", address.lower()})}
    ours = parse_uuid(bare.partition("@")[0])
    found = rows.execute(_OF_MESSAGE, {**values, "message": ours}).fetchone() if ours else None
    found = found or rows.execute(_OF_HEADER, values).fetchone()
    return (found[0], found[1]) if found else None


def record_delivery(session: Session, recipient_id: UUID, reply: str) -> bool:
    """Mark a recipient delivered that we still held for open (our own attempt ended without an answer). False when it was final already."""
    return raw_of(session).execute(_DELIVERED, {"recipient": recipient_id, "reply": reply[:1000]}).fetchone() is not None
