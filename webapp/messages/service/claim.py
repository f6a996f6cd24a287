"""Taking work: recipients that are due, under a lease, fairly.

One statement: the tenants with waiting mail are found by skipping through the index (not by scanning it), each offers its most urgent rows, and
the batch is dealt round robin, transactional mail before bulk. ``attempt`` is raised here, before any dial: it is the fencing token with which the
outcome must come back, and it counts even when the worker never does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row, dict_row

from webapp.kernel.addresses import canonical
from webapp.messages.service.held import WAITS_FOR_AN_END
from webapp.messages.types import RecipientState
from webapp.suppressions.service import find_blocked
from webapp.suppressions.types import Target


@dataclass(frozen=True, slots=True)
class Claimed:
    """One leased recipient. ``fruitless``: claims in a row, this one included, without a result so far.

    ``bad_domain_since``: when an earlier attempt first found that the domain does not exist.
    """

    recipient_id: UUID
    tenant_id: UUID
    message_id: UUID
    bridge_id: UUID | None
    pool_id: UUID | None
    domain: str
    attempt: int
    fruitless: int
    due_at: datetime
    expires_at: datetime
    scheduled: bool
    address: str
    state: str
    variables: dict[str, Any] | None
    bad_domain_since: datetime | None


_CLAIM = """
with recursive tenants(id) as (
  (select tenant_id from queue_entries where lease_until is null and held is null order by tenant_id limit 1)
  union all
  select (select q.tenant_id from queue_entries q
          where q.lease_until is null and q.held is null and q.tenant_id > t.id order by q.tenant_id limit 1)
  from tenants t where t.id is not null
), offered as (
  select o.* from tenants t, lateral (
    select recipient_id, priority, due_at, tenant_id from queue_entries q
    where q.tenant_id = t.id and q.lease_until is null and q.held is null and q.due_at <= now()
    order by q.priority, q.due_at limit %(batch)s for update skip locked) o
  where t.id is not null
), dealt as (
  select recipient_id from (
    select recipient_id, priority, row_number() over (partition by tenant_id order by priority, due_at) as turn from offered) d
  order by priority, turn limit %(batch)s
), leased as (
  update queue_entries q set lease_until = now() + make_interval(secs => %(lease)s), leased_by = %(owner)s,
    attempt = q.attempt + 1, fruitless = q.fruitless + 1
  from dealt where q.recipient_id = dealt.recipient_id
  returning q.recipient_id, q.tenant_id, q.message_id, q.bridge_id, q.pool_id, q.domain, q.attempt, q.fruitless, q.due_at, q.expires_at, q.scheduled
)
select leased.*, r.address, r.state, r.variables, case when r.reply_class = 'hard.bad_domain' then
  (select min(a.started_at) from delivery_attempts a where a.message_id = r.message_id and a.recipient_id = r.id and a.reply_class = r.reply_class)
  end as bad_domain_since
from leased join recipients r on r.id = leased.recipient_id
"""


def claim(connection: psycopg.Connection[Any], *, owner: str, batch: int, lease_seconds: int) -> list[Claimed]:
    """Lease up to ``batch`` due recipients to ``owner``. The connection must see all tenants and be inside a transaction."""
    with connection.cursor(row_factory=class_row(Claimed)) as cursor:
        # Planned anew each time: a plan made while the queue was empty compares every claimed row with every row of a queue that has filled since.
        cursor.execute(_CLAIM, {"batch": batch, "lease": lease_seconds, "owner": owner}, prepare=False)
        return cursor.fetchall()


_CONTENT = """
select m.id, m.tenant_id, m.bridge_id, m.stream, m.list_key, m.mode, m.message_id_header, m.from_address, m.from_name, m.subject, m.created_at,
  m.recipient_count,
  c.html, c.text, c.raw, c.addresses, c.headers, c.attachments
from messages m join message_contents c on c.id = m.id where m.id = any(%s)
"""

_PERMITS = """
select b.id, b.track_opens, b.track_clicks, b.paused_at is not null as paused, b.deleted_at is not null as deleted, t.status
from bridges b join tenants t on t.id = b.tenant_id where b.id = any(%s)
"""


@dataclass(frozen=True, slots=True)
class Permit:
    """The state of a bridge and its tenant at this moment: tracking is decided when mail leaves, not when it came."""

    id: UUID
    track_opens: bool
    track_clicks: bool
    paused: bool
    deleted: bool
    status: str


@dataclass(frozen=True, slots=True)
class Known:
    """What must be known of a batch before the dial. A message whose content is past its retention is absent from ``contents``."""

    #: By bridge.
    permits: dict[UUID, Permit]
    #: What the messages say, by message.
    contents: dict[UUID, dict[str, Any]]
    #: Why a recipient must not be dialled, by recipient: the last look before the dial.
    suppressed: dict[UUID, str]


def look_up(connection: psycopg.Connection[Any], batch: Sequence[Claimed]) -> Known:
    """Everything about a claimed batch, in two round trips on a connection in pipeline mode."""
    with connection.cursor(row_factory=class_row(Permit)) as bridges, connection.cursor(row_factory=dict_row) as messages:
        bridges.execute(_PERMITS, (list({c.bridge_id for c in batch if c.bridge_id}),), prepare=True)
        messages.execute(_CONTENT, (list({c.message_id for c in batch}),), prepare=True, binary=True)
        permits, contents = {p.id: p for p in bridges.fetchall()}, {row["id"]: row for row in messages.fetchall()}
    return Known(permits, contents, find_blocked(connection, [_target(c, contents[c.message_id]) for c in batch if c.message_id in contents]))


_TARGETS = """
select r.id, r.tenant_id, r.address, m.stream, m.list_key, case
  when t.status = 'suspended' then 'The tenant is suspended.'
  when b.paused_at is not null then 'The bridge is paused.' when p.paused then 'The pool is paused.' end
from recipients r join messages m on m.id = r.message_id join tenants t on t.id = r.tenant_id
left join bridges b on b.id = m.bridge_id left join pools p on p.id = m.pool_id where r.id = any(%s)
"""


def find_blocked_recipients(connection: psycopg.Connection[Any], recipients: Sequence[UUID]) -> dict[UUID, str]:
    """Of recipients in flight those that are suppressed, or whose tenant, bridge or pool is stopped by now, with the reason. The connection must see
    all tenants."""
    rows = connection.execute(_TARGETS, (list(recipients),), prepare=True).fetchall()
    blocked = find_blocked(connection, [Target(id_, tenant_id, canonical(address), stream, key) for id_, tenant_id, address, stream, key, _ in rows])
    return {row[0]: row[5] for row in rows if row[5]} | blocked


def _target(claimed: Claimed, content: dict[str, Any]) -> Target:
    return Target(claimed.recipient_id, claimed.tenant_id, canonical(claimed.address), content["stream"], content["list_key"])


_HOLD = """
with held as (update queue_entries q set held = x.reason, lease_until = null, leased_by = null
  from unnest(%(ids)s::uuid[], %(attempts)s::int[], %(reasons)s::text[]) x(id, attempt, reason)
  where q.recipient_id = x.id and q.attempt = x.attempt returning q.recipient_id, q.tenant_id, q.message_id, q.bridge_id, q.held),
states as (update recipients r set state = %(state)s, state_reason = held.held, updated_at = now() from held where r.id = held.recipient_id)
insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, data)
select uuidv7(), tenant_id, message_id, recipient_id, bridge_id, 'email.held', jsonb_build_object('reason', held) from held
"""


def hold(connection: psycopg.Connection[Any], rows: Sequence[tuple[UUID, int, str]]) -> None:
    """Keep ``(recipient, attempt, reason)`` out of the flow until a person releases them."""
    if rows:
        ids, attempts, reasons = (list(column) for column in zip(*rows, strict=True))
        connection.execute(_HOLD, {"ids": ids, "attempts": attempts, "reasons": reasons, "state": RecipientState.HELD.value})


_RELEASE = """
update queue_entries q set lease_until = null, leased_by = null, attempt = q.attempt - 1, fruitless = greatest(q.fruitless - 1, 0),
  due_at = greatest(q.due_at, now() + make_interval(secs => x.seconds))
from unnest(%s::uuid[], %s::int[], %s::float8[]) x(id, attempt, seconds) where q.recipient_id = x.id and q.attempt = x.attempt and q.leased_by = %s
"""


def release(connection: psycopg.Connection[Any], rows: Sequence[tuple[UUID, int, float]], owner: str) -> None:
    """Give back ``(recipient, attempt, seconds)`` of which nothing was said to anybody: the claim does not count. Due again after so many seconds.

    ``owner`` must still hold them: a release that is said twice must not end the lease of the next worker, whose attempt has the same number.
    """
    if rows:
        connection.execute(_RELEASE, [*(list(column) for column in zip(*rows, strict=True)), owner])


_RELEASE_STRAYS = """
update queue_entries set lease_until = null, leased_by = null, attempt = attempt - 1, fruitless = greatest(fruitless - 1, 0)
where leased_by = %s and lease_until is not null and recipient_id <> all(%s::uuid[]) returning 1
"""


def release_strays(connection: psycopg.Connection[Any], owner: str, kept: Sequence[UUID]) -> int:
    """Give back what is leased to ``owner`` although it holds only ``kept``: claims whose answer was lost with the connection. Returns how many."""
    return len(connection.execute(_RELEASE_STRAYS, (owner, list(kept))).fetchall())


_POSTPONE = """
with x as (select * from unnest(%(ids)s::uuid[], %(attempts)s::int[], %(reasons)s::text[], %(seconds)s::float8[]) x(id, attempt, reason, seconds)),
later as (
  update queue_entries q set lease_until = null, leased_by = null, attempt = q.attempt - 1, fruitless = greatest(q.fruitless - 1, 0),
    due_at = now() + make_interval(secs => x.seconds)
  from x where q.recipient_id = x.id and q.attempt = x.attempt returning q.recipient_id, x.reason)
update recipients r set state_reason = later.reason from later where r.id = later.recipient_id and r.state_reason is distinct from later.reason
"""


def postpone(connection: psycopg.Connection[Any], rows: Sequence[tuple[UUID, int, str, float]]) -> None:
    """Keep ``(recipient, attempt, reason, seconds)`` waiting: something of ours is switched off, or the pace allows no more. Looked at again after so
    many seconds, without a person; the claim does not count."""
    if rows:
        ids, attempts, reasons, seconds = (list(column) for column in zip(*rows, strict=True))
        connection.execute(_POSTPONE, {"ids": ids, "attempts": attempts, "reasons": reasons, "seconds": seconds})


_RELEASE_HELD = """
with freed as (
  update queue_entries q set held = null, due_at = now(), fruitless = 0, scheduled = false
  where held is not null and held <> all(%(waiting)s)
    and (%(message)s::uuid is null or recipient_id in (select id from recipients where message_id = %(message)s::uuid))
  returning recipient_id),
states as (update recipients r set state = 'queued', state_reason = null, updated_at = now() from freed where r.id = freed.recipient_id)
select count(*) from freed
"""


def release_held(connection: psycopg.Connection[Any], message_id: str | UUID | None = None) -> int:
    """A person lets held recipients go again, all that the connection may see or one message's. Returns how many.

    Those of a paused bridge or a suspended tenant go when it is resumed.
    """
    row = connection.execute(_RELEASE_HELD, {"message": message_id, "waiting": list(WAITS_FOR_AN_END)}).fetchone()
    return int(row[0]) if row else 0


def lost_leases(silent_seconds: int) -> str:
    """SQL selecting the recipients whose lease ran out or whose worker gave no sign of life for so long.

    Nobody is silent because the database was away: after it started, everybody gets that long to be heard again.
    """
    silence = f"now() - make_interval(secs => {int(silent_seconds)})"
    return (
        f"select q.recipient_id from queue_entries q where q.lease_until is not null and (q.lease_until < now() or (pg_postmaster_start_time() < {silence} "
        f"and not exists (select from heartbeats h where h.name = q.leased_by and h.seen_at > {silence})))"
    )


_SWEEP = """
with lost as (
  {lost} limit 5000 for update skip locked
), freed as (
  update queue_entries q set lease_until = null, leased_by = null, due_at = now(),
    held = case when q.fruitless >= %(most)s then 'parked after ' || q.fruitless || ' attempts that ended without a result' end
  from lost where q.recipient_id = lost.recipient_id
  returning q.recipient_id, q.tenant_id, q.message_id, q.bridge_id, q.attempt, q.held, old.leased_by as owner
), attempts as (
  insert into delivery_attempts (id, tenant_id, message_id, recipient_id, number, outcome, reply, duplicate_possible, started_at, finished_at)
  select uuidv7(), tenant_id, message_id, recipient_id, attempt, 'unknown', 'The worker ' || owner || ' was lost during this attempt.', true,
    now(), now() from freed
), parked as (
  update recipients r set state = 'held', state_reason = freed.held, updated_at = now() from freed where freed.held is not null and r.id = freed.recipient_id
)
select count(*), count(held) from freed
"""


def sweep(connection: psycopg.Connection[Any], *, max_claims: int, silent_seconds: int = 60) -> tuple[int, int]:
    """Take back what lost workers held: ``(rows freed, of which parked)``. A worker is lost when its lease ran out or it fell silent."""
    row = connection.execute(_SWEEP.format(lost=lost_leases(silent_seconds)), {"most": max_claims}).fetchone()
    return (row[0], row[1]) if row else (0, 0)
