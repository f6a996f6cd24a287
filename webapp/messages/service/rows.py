"""Drafts become rows: one statement writes messages, contents, recipients, events, queue entries and stats deltas of a whole group."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from webapp.kernel.ids import uuid7
from webapp.messages.service.arrays import BytesArray, IntArray, TextArray, TimeArray, UuidArray
from webapp.messages.service.units import FIRST_EVENT, Draft, addresses_json
from webapp.messages.types import RecipientState

#: Separates tags on their way into the database; control characters are not allowed in them.
_TAG_END = "\x1f"

INSERT = """
with d as (
  insert into messages (id, tenant_id, mode, bridge_id, api_key_id, pool_id, stream, door, message_id_header, from_address, from_name, subject,
    recipient_count, size, tags, metadata, template_slug, send_at, expires_at, created_at, updated_at)
  select id, %(tenant)s, mode, bridge, key, pool, stream, door, mid, sender, sender_name, subject,
    recipients, size, string_to_array(tags, e'\\x1f'), metadata::jsonb, template, send_at, expires_at, %(now)s, %(now)s
  from unnest(%(id)b, %(mode)b, %(bridge)b, %(key)b, %(pool)b, %(stream)b, %(door)b, %(mid)b, %(sender)b, %(sender_name)b, %(subject)b,
    %(recipients)b, %(size)b, %(tags)b, %(metadata)b, %(template)b, %(send_at)b, %(expires_at)b)
  as m(id, mode, bridge, key, pool, stream, door, mid, sender, sender_name, subject, recipients, size, tags, metadata, template, send_at, expires_at)
), c as (
  insert into message_contents (id, tenant_id, html, text, raw, addresses, headers, attachments)
  select id, %(tenant)s, html, plain, raw, addresses::jsonb, headers::jsonb, attachments::jsonb
  from unnest(%(id)b, %(html)b, %(text)b, %(raw)b, %(addresses)b, %(headers)b, %(attachments)b) as m(id, html, plain, raw, addresses, headers, attachments)
), r as (
  select * from unnest(%(r_id)b, %(r_message)b, %(r_event)b, %(r_bridge)b, %(r_pool)b, %(r_mode)b, %(r_kind)b, %(r_address)b, %(r_name)b, %(r_domain)b,
    %(r_state)b, %(r_reason)b, %(r_type)b, %(r_priority)b, %(r_due)b, %(r_expires)b)
  as r(id, message, event, bridge, pool, mode, kind, address, name, domain, state, reason, type, priority, due, expires)
), ri as (
  insert into recipients (id, tenant_id, message_id, bridge_id, mode, kind, address, name, state, state_reason, updated_at)
  select id, %(tenant)s, message, bridge, mode, kind, address, name, state, reason, %(now)s from r
), e as (
  insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, at, data)
  select event, %(tenant)s, message, id, bridge, type, %(now)s, case when reason is not null then jsonb_build_object('reason', reason) end from r
), q as (
  insert into queue_entries (recipient_id, tenant_id, message_id, bridge_id, pool_id, domain, priority, due_at, expires_at, scheduled, created_at)
  select id, %(tenant)s, message, bridge, pool, domain, priority, due, expires, state = 'scheduled', %(now)s from r where state in ('queued', 'scheduled')
)
insert into stats_deltas (tenant_id, hour, mode, bridge_id, pool_id, accepted, suppressed, sandboxed)
select %(tenant)s, date_trunc('hour', %(now)s, 'UTC'), mode, bridge, pool, count(*), count(*) filter (where state = 'suppressed'),
  count(*) filter (where state = 'sandboxed')
from r group by mode, bridge, pool
"""

CLAIM_KEYS = """
insert into idempotency_keys as k (tenant_id, mode, key, fingerprint, message_id, answer, created_at)
select %(tenant)s, mode, key, fingerprint, message, answer::jsonb, clock_timestamp()
from unnest(%(mode)b, %(key)b, %(fingerprint)b, %(message)b, %(answer)b) as n(mode, key, fingerprint, message, answer)
on conflict (tenant_id, mode, key) do update
  set fingerprint = excluded.fingerprint, message_id = excluded.message_id, answer = excluded.answer, created_at = excluded.created_at
  where k.created_at < clock_timestamp() - make_interval(hours => %(hours)s)
returning mode, key
"""
READ_KEYS = """
select k.mode, k.key, k.fingerprint, k.answer from idempotency_keys k
join unnest(%(mode)b, %(key)b) as n(mode, key) on k.mode = n.mode and k.key = n.key where k.tenant_id = %(tenant)s
"""
DROP_KEYS = """
delete from idempotency_keys k using unnest(%(mode)b, %(key)b) as n(mode, key)
where k.tenant_id = %(tenant)s and k.mode = n.mode and k.key = n.key
"""
CORRECT_ANSWERS = """
update idempotency_keys k set answer = n.answer::jsonb from unnest(%(mode)b, %(key)b, %(answer)b) as n(mode, key, answer)
where k.tenant_id = %(tenant)s and k.mode = n.mode and k.key = n.key
"""
SUPPRESSED = """
select address, scope, reason from suppressions
where tenant_id = %(tenant)s and address = any(%(addresses)b) and (expires_at is null or expires_at > now())
"""
#: The lock makes groups of one tenant count one after the other; the next statement's snapshot then sees what the one before committed.
LOCK_QUOTA = "select pg_advisory_xact_lock(hashtextextended('quota:' || %(tenant)s::text, 0))"
USED_TODAY = """
select coalesce((select sum(accepted) from stats_hours where tenant_id = %(tenant)s and mode = 'live' and hour >= date_trunc('day', now(), 'UTC')), 0)
  + coalesce((select sum(accepted) from stats_deltas where tenant_id = %(tenant)s and mode = 'live' and hour >= date_trunc('day', now(), 'UTC')), 0)
"""
TEMPLATES = """
select slug, subject, html, text from email_templates where tenant_id = %(tenant)s and slug = any(%(slugs)b) and active
"""


def insert_parameters(tenant_id: UUID, drafts: Sequence[Draft]) -> dict[str, Any]:
    """The parameters of ``INSERT``."""
    return {"tenant": tenant_id, "now": drafts[0].now, **_messages(drafts), **_contents(drafts), **_recipients(drafts)}


def _messages(drafts: Sequence[Draft]) -> dict[str, Any]:
    submissions = [draft.submission for draft in drafts]
    return {
        "id": UuidArray(draft.id for draft in drafts),
        "mode": TextArray(draft.mode for draft in drafts),
        "bridge": UuidArray(draft.bridge.id if draft.bridge else None for draft in drafts),
        "key": UuidArray(draft.unit.sender.api_key_id for draft in drafts),
        "pool": UuidArray(draft.pool_id for draft in drafts),
        "stream": TextArray(stream_of(draft) for draft in drafts),
        "door": TextArray(s.door for s in submissions),
        "mid": TextArray(draft.message_id for draft in drafts),
        "sender": TextArray(s.from_address.email for s in submissions),
        "sender_name": TextArray(s.from_address.name for s in submissions),
        "subject": TextArray(draft.subject for draft in drafts),
        "recipients": IntArray(len(draft.recipients) for draft in drafts),
        "size": IntArray(draft.size for draft in drafts),
        "tags": TextArray(_TAG_END.join(s.tags) if s.tags else None for s in submissions),
        "metadata": TextArray(json.dumps(dict(s.metadata)) if s.metadata else None for s in submissions),
        "template": TextArray(s.template for s in submissions),
        "send_at": TimeArray(s.send_at for s in submissions),
        "expires_at": TimeArray(draft.expires_at for draft in drafts),
    }


def _contents(drafts: Sequence[Draft]) -> dict[str, Any]:
    return {
        "html": TextArray(draft.html for draft in drafts),
        "text": TextArray(draft.text for draft in drafts),
        "raw": BytesArray(draft.submission.raw for draft in drafts),
        "addresses": TextArray(addresses_json(draft) for draft in drafts),
        "headers": TextArray(json.dumps(draft.submission.headers) if draft.submission.headers else None for draft in drafts),
        "attachments": TextArray(json.dumps(draft.unit.files[draft.index]) if draft.submission.attachments else None for draft in drafts),
    }


def _recipients(drafts: Sequence[Draft]) -> dict[str, Any]:
    pairs = [(draft, entry, draft.suppressed.get(entry.address.canonical)) for draft in drafts for entry in draft.recipients]
    states = [RecipientState.SUPPRESSED if reason else draft.state for draft, _, reason in pairs]
    return {
        "r_id": UuidArray(_series(len(pairs))),
        "r_event": UuidArray(_series(len(pairs))),
        "r_message": UuidArray(draft.id for draft, _, _ in pairs),
        "r_bridge": UuidArray(draft.bridge.id if draft.bridge else None for draft, _, _ in pairs),
        "r_pool": UuidArray(draft.pool_id for draft, _, _ in pairs),
        "r_mode": TextArray(draft.mode for draft, _, _ in pairs),
        "r_kind": TextArray(entry.kind for _, entry, _ in pairs),
        "r_address": TextArray(entry.address.email for _, entry, _ in pairs),
        "r_name": TextArray(entry.address.name for _, entry, _ in pairs),
        "r_domain": TextArray(entry.address.domain for _, entry, _ in pairs),
        "r_state": TextArray(states),
        "r_reason": TextArray(reason for _, _, reason in pairs),
        "r_type": TextArray(FIRST_EVENT[state] for state in states),
        "r_priority": IntArray(int(stream_of(draft) == "bulk") for draft, _, _ in pairs),
        "r_due": TimeArray(draft.due_at for draft, _, _ in pairs),
        "r_expires": TimeArray(draft.expires_at for draft, _, _ in pairs),
    }


def _series(count: int) -> list[UUID]:
    """Ids one after the other: recipients sort by id in the order they were given, though all are made in one millisecond."""
    first = uuid7().int
    return [UUID(int=first + step) for step in range(count)]


def stream_of(draft: Draft) -> str:
    """Transactional, unless the bridge says otherwise."""
    return draft.bridge.stream if draft.bridge else "transactional"
