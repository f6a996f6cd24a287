"""The SQL of accept. Each name is a prepared statement; ``%(x)::type`` a parameter in binary form (see ``wire``)."""

from __future__ import annotations

from webapp.messages.service.wire import Statement
from webapp.suppressions.service import in_force_sql

SET_TENANT = Statement("accept_set_tenant", "select set_config('app.tenant_id', %(tenant)::uuid::text, true)")

TENANT = Statement(
    "accept_tenant",
    """
select jsonb_build_object('status', t.status, 'status_reason', t.status_reason,
  'daily_limit', coalesce(t.daily_limit, (p.limits ->> 'daily_recipients')::int),
  'monthly_limit', coalesce(t.monthly_limit, (p.limits ->> 'monthly_recipients')::int),
  'minute_limit', coalesce(t.minute_limit, (p.limits ->> 'minute_recipients')::int),
  'max_recipients', coalesce(t.max_recipients, (p.limits ->> 'message_recipients')::int),
  'pool_id', (select p.id from pools p where p.tenant_id = t.id or p.tenant_id is null order by p.is_default desc, p.tenant_id is null, p.id limit 1),
  'domains', coalesce((select jsonb_object_agg(d.name, d.covers_subdomains) from domains d
    where d.tenant_id = t.id and d.verified_at is not null), '{}'),
  'draining', (select h.reason from sending_holds h where h.kind = 'drain' and h.released_at is null and h.subject_id = t.id limit 1))
from tenants t left join plans p on p.id = t.plan_id where t.id = %(tenant)::uuid
""",
)
BRIDGES = Statement(
    "accept_bridges",
    """
select jsonb_build_object('id', id, 'name', name, 'mode', mode, 'pool_id', pool_id, 'stream', stream, 'allowed_from', allowed_from,
  'is_paused', paused_at is not null, 'pause_reason', pause_reason, 'is_deleted', deleted_at is not null,
  'draining', (select h.reason from sending_holds h where h.kind = 'drain' and h.released_at is null and h.subject_id in (bridges.id, pool_id) limit 1))
from bridges where tenant_id = %(tenant)::uuid and id = any(%(bridges)::uuid[])
""",
)

#: Every row of a group of messages: messages, contents, recipients, their first events, queue entries, and what the figures gain.
INSERT = Statement(
    "accept_insert",
    """
with m as (
  insert into messages (id, tenant_id, mode, bridge_id, api_key_id, pool_id, stream, list_key, door, message_id_header, from_address, from_name, subject,
    recipient_count, size, tags, metadata, template_slug, send_at, expires_at, created_at, updated_at)
  select id, %(tenant)::uuid, mode, bridge, key, pool, stream, list_key, door, mid, sender, sender_name, subject,
    recipients, size, string_to_array(tags, e'\\x1f'), metadata::jsonb, template, send_at, expires_at, %(now)::timestamptz, %(now)
  from unnest(%(id)::uuid[], %(mode)::text[], %(bridge)::uuid[], %(key)::uuid[], %(pool)::uuid[], %(stream)::text[], %(list_key)::text[],
    %(door)::text[], %(mid)::text[], %(sender)::text[], %(sender_name)::text[], %(subject)::text[], %(recipients)::int[], %(size)::int[],
    %(tags)::text[], %(metadata)::text[], %(template)::text[], %(send_at)::timestamptz[], %(expires_at)::timestamptz[])
  as n(id, mode, bridge, key, pool, stream, list_key, door, mid, sender, sender_name, subject, recipients, size, tags, metadata, template, send_at, expires_at)
), c as (
  insert into message_contents (id, tenant_id, html, text, raw, addresses, headers, attachments)
  select id, %(tenant), html, plain, raw, addresses::jsonb, headers::jsonb, attachments::jsonb
  from unnest(%(id), %(html)::text[], %(text)::text[], %(raw)::bytea[], %(addresses)::text[], %(headers)::text[], %(attachments)::text[])
  as n(id, html, plain, raw, addresses, headers, attachments)
), t as (
  insert into message_tags (tenant_id, mode, tag, message_id)
  select distinct %(tenant), n.mode, tag, n.id from unnest(%(id), %(mode), %(tags)) n(id, mode, tags), unnest(string_to_array(n.tags, e'\\x1f')) tag
), r as (
  select * from unnest(%(r_id)::uuid[], %(r_message)::uuid[], %(r_event)::uuid[], %(r_bridge)::uuid[], %(r_pool)::uuid[], %(r_mode)::text[],
    %(r_kind)::text[], %(r_address)::text[], %(r_name)::text[], %(r_domain)::text[], %(r_state)::text[], %(r_reason)::text[], %(r_type)::text[],
    %(r_priority)::int[], %(r_due)::timestamptz[], %(r_expires)::timestamptz[], %(r_sender)::text[], %(r_tags)::text[])
  as n(id, message, event, bridge, pool, mode, kind, address, name, domain, state, reason, type, priority, due, expires, sender, tags)
), p as (
  insert into recipients (id, tenant_id, message_id, bridge_id, mode, kind, address, name, state, state_reason, updated_at)
  select id, %(tenant), message, bridge, mode, kind, address, name, state, reason, %(now) from r
), e as (
  insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, at, data)
  select event, %(tenant), message, id, bridge, type, %(now), case when reason is not null then jsonb_build_object('reason', reason) end from r
), q as (
  insert into queue_entries (recipient_id, tenant_id, message_id, bridge_id, pool_id, domain, priority, due_at, expires_at, scheduled, created_at)
  select id, %(tenant), message, bridge, pool, domain, priority, due, expires, state = 'scheduled', %(now) from r where state in ('queued', 'scheduled')
)
insert into stats_deltas (tenant_id, hour, mode, bridge_id, pool_id, domain, tags, accepted, suppressed, sandboxed)
select %(tenant), date_trunc('hour', %(now), 'UTC'), mode, bridge, pool, sender, string_to_array(tags, e'\\x1f'), count(*),
  count(*) filter (where state = 'suppressed'), count(*) filter (where state = 'sandboxed')
from r group by mode, bridge, pool, sender, tags
""",
)

#: A second user of a key waits here until the first has committed, then gets no row back. Keys that SMTP made of a message's octets live shorter
#: than those that clients chose.
CLAIM_KEYS = Statement(
    "accept_claim_keys",
    """
insert into idempotency_keys as k (tenant_id, mode, key, fingerprint, message_id, answer, created_at)
select %(tenant)::uuid, mode, key, fingerprint, message, answer::jsonb, clock_timestamp()
from unnest(%(mode)::text[], %(key)::text[], %(fingerprint)::bytea[], %(message)::uuid[], %(answer)::text[])
as n(mode, key, fingerprint, message, answer)
on conflict (tenant_id, mode, key) do update
  set fingerprint = excluded.fingerprint, message_id = excluded.message_id, answer = excluded.answer, created_at = excluded.created_at
  where k.created_at < clock_timestamp() - case when k.key ~ '^smtp:[0-9a-f]{64}$'
    then make_interval(mins => %(repeat_minutes)::int) else make_interval(hours => %(hours)::int) end
returning mode, key
""",
)
READ_KEYS = Statement(
    "accept_read_keys",
    """
select k.mode, k.key, encode(k.fingerprint, 'hex'), k.answer from idempotency_keys k
join unnest(%(mode)::text[], %(key)::text[]) as n(mode, key) on k.mode = n.mode and k.key = n.key where k.tenant_id = %(tenant)::uuid
""",
)
DROP_KEYS = Statement(
    "accept_drop_keys",
    """
delete from idempotency_keys k using unnest(%(mode)::text[], %(key)::text[]) as n(mode, key)
where k.tenant_id = %(tenant)::uuid and k.mode = n.mode and k.key = n.key
""",
)
CORRECT_ANSWERS = Statement(
    "accept_correct_answers",
    """
update idempotency_keys k set answer = n.answer::jsonb from unnest(%(mode)::text[], %(key)::text[], %(answer)::text[]) as n(mode, key, answer)
where k.tenant_id = %(tenant)::uuid and k.mode = n.mode and k.key = n.key
""",
)

SUPPRESSED = Statement("accept_suppressed", in_force_sql("%(tenant)::uuid", "%(addresses)::text[]", "%(addresses)"))
TEMPLATES = Statement(
    "accept_templates",
    "select slug, subject, html, text from email_templates where tenant_id = %(tenant)::uuid and slug = any(%(slugs)::text[]) and active",
)

#: The lock makes groups of one tenant count one after the other; the next statement's snapshot then sees what the one before committed.
LOCK_QUOTA = Statement("accept_lock_quota", "select pg_advisory_xact_lock(hashtextextended('quota:' || %(tenant)::uuid::text, 0))")
USED_TODAY = Statement(
    "accept_used_today",
    """
select coalesce((select sum(accepted) from stats_hours where tenant_id = %(tenant)::uuid and mode = 'live' and hour >= date_trunc('day', now(), 'UTC')), 0)
  + coalesce((select sum(accepted) from stats_deltas where tenant_id = %(tenant) and mode = 'live' and hour >= date_trunc('day', now(), 'UTC')), 0)
""",
)
USED_THIS_MONTH = Statement(
    "accept_used_this_month",
    """
select coalesce((select sum(accepted) from stats_hours where tenant_id = %(tenant)::uuid and mode = 'live' and hour >= date_trunc('month', now(), 'UTC')), 0)
  + coalesce((select sum(accepted) from stats_deltas where tenant_id = %(tenant) and mode = 'live' and hour >= date_trunc('month', now(), 'UTC')), 0)
""",
)
#: Ids tell the time, so this reads the end of an index, and never more of it than the limit.
USED_THIS_MINUTE = Statement(
    "accept_used_this_minute",
    """
select count(*) from (select from recipients where tenant_id = %(tenant)::uuid and mode = 'live' and id >= %(since)::uuid limit %(most)::int) r
""",
)
