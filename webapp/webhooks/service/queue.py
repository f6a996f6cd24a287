"""The queue of deliveries: claimed with a lease, written down with what the attempt brought, taken back from workers that were lost.

All functions want a connection that sees all tenants, inside a transaction.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from webapp.kernel.secrets import unseal
from webapp.webhooks.types import DeliveryState, Job

#: Deliveries of one endpoint that one process holds at once: of one that took its last delivery, of one that did not, and of one that is probed.
WIDE, NARROW, PROBE = 256, 4, 1
LEASE = timedelta(seconds=180)
#: Attempts kept in a delivery's row.
KEPT_ATTEMPTS = 20
#: Claims without a result after which a delivery is given up: it may be what kills the worker.
_MOST_FRUITLESS = 10

#: Row by row through the indexes, whatever the statistics of a table say that was empty a minute ago and holds a million rows now.
BY_INDEX = "set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off"

#: The endpoints with something waiting, found by jumping from one to the next through the index: as many steps as endpoints, not as rows.
_LANES = """
with recursive lanes as (
  (select endpoint_id from webhook_queue where lease_until is null order by endpoint_id limit 1)
  union all
  select (select q.endpoint_id from webhook_queue q where q.lease_until is null and q.endpoint_id > l.endpoint_id order by q.endpoint_id limit 1)
  from lanes l where l.endpoint_id is not null)
"""
#: Whether there is anything to claim: for the ticker.
DUE = f"""
select exists ({_LANES}
select from lanes l join webhook_endpoints e on e.id = l.endpoint_id and e.state = 'enabled' left join webhook_health h on h.endpoint_id = l.endpoint_id
where (h.open_until is null or h.open_until <= now())
  and exists (select from webhook_queue q where q.endpoint_id = l.endpoint_id and q.lease_until is null and q.due_at <= now()))
"""
_CLAIM = f"""{_LANES},
rooms as (
  select l.endpoint_id, coalesce(h.failures, 0) = 0 and h.last_success_at is not null as trusted,
    case when h.trips > 0 then {PROBE} when h.failures = 0 and h.last_success_at is not null then {WIDE} else {NARROW} end - coalesce(b.held, 0) as room
  from lanes l join webhook_endpoints e on e.id = l.endpoint_id and e.state = 'enabled'
    left join webhook_health h on h.endpoint_id = l.endpoint_id
    left join unnest(%(busy)s::uuid[], %(held)s::int[]) b(id, held) on b.id = l.endpoint_id
  where h.open_until is null or h.open_until <= now()),
due as (
  select w.delivery_id from (
    select q.delivery_id, row_number() over (partition by r.endpoint_id) as place
    from rooms r cross join lateral (
      select delivery_id from webhook_queue q where q.endpoint_id = r.endpoint_id and q.lease_until is null and q.due_at <= now()
      order by q.due_at limit greatest(r.room, 0) for update skip locked) q
    where r.room > 0) w
  order by w.place limit %(limit)s)
update webhook_queue q set lease_until = now() + %(lease)s, leased_by = %(owner)s, claims = q.claims + 1
from due where q.delivery_id = due.delivery_id
returning q.delivery_id, q.endpoint_id, q.claims, q.tries
"""
_BODIES = "select id, event_id, body from webhook_deliveries where id = any(%s)"
_TARGETS = """
select id, tenant_id, url, secret, case when previous_until > now() then previous_secret end from webhook_endpoints where id = any(%s)
"""
_RECORD = f"""
with x as (
  select * from unnest(%(id)s::uuid[], %(claim)s::int[], %(state)s::text[], %(next)s::timestamptz[], %(entry)s::jsonb[])
  x(id, claim, state, next, entry)),
gone as (
  delete from webhook_queue q using x where q.delivery_id = x.id and q.claims = x.claim and x.state <> 'pending' returning x.*),
again as (
  update webhook_queue q set lease_until = null, leased_by = null, due_at = x.next, tries = q.tries + 1
  from x where q.delivery_id = x.id and q.claims = x.claim and x.state = 'pending' returning x.*),
live as (select * from gone union all select * from again)
update webhook_deliveries d set state = x.state, attempts = d.attempts + 1, next_at = x.next,
  log = case when jsonb_array_length(d.log) >= {KEPT_ATTEMPTS} then d.log - 0 else d.log end || (x.entry || jsonb_build_object('number', d.attempts + 1)),
  finished_at = case when x.state <> 'pending' then now() end, failed_at = case when x.state = 'failed' then now() end
from live x where d.id = x.id and d.id between %(low)s and %(high)s
"""
_GIVE_BACK = """
update webhook_queue q set lease_until = null, leased_by = null from unnest(%s::uuid[], %s::int[]) x(id, claim)
where q.delivery_id = x.id and q.claims = x.claim
"""
_LOST = """
update webhook_queue q set lease_until = null, leased_by = null where q.delivery_id in (
  select delivery_id from webhook_queue q where q.lease_until is not null and (q.lease_until < now() or (
    pg_postmaster_start_time() < now() - %(silence)s
    and not exists (select from heartbeats h where h.name = q.leased_by and h.seen_at > now() - %(silence)s)))
  limit 5000 for update skip locked)
"""
_GIVE_UP = f"""{_LANES},
doomed as (
  select d.delivery_id, d.why from lanes l left join webhook_endpoints e on e.id = l.endpoint_id cross join lateral (
    select q.delivery_id, case when e.id is null then 'The endpoint was removed.' when e.state <> 'enabled' then 'The endpoint is switched off.'
      when q.expires_at < now() then 'The endpoint took nothing for too long.' else 'The delivery could not be made.' end as why
    from webhook_queue q where q.endpoint_id = l.endpoint_id and q.lease_until is null
      and (e.id is null or e.state <> 'enabled' or q.expires_at < now() or q.claims > q.tries + {_MOST_FRUITLESS})
    limit 2000 for update skip locked) d),
gone as (delete from webhook_queue q using doomed where q.delivery_id = doomed.delivery_id returning doomed.*)
update webhook_deliveries d set state = 'failed', next_at = null, finished_at = now(), failed_at = now(),
  log = d.log || jsonb_build_object('number', null, 'at', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'error', gone.why)
from gone where d.id = gone.delivery_id and d.id = any(array(select delivery_id from gone))
"""


@dataclass(frozen=True, slots=True)
class Record:
    """What is written down of one attempt. ``next_due`` is set while it stays pending; ``entry``: the attempt for the log."""

    delivery_id: UUID
    claim: int
    state: DeliveryState
    next_due: datetime | None
    entry: Mapping[str, Any]


def claim(connection: psycopg.Connection[Any], owner: str, limit: int, busy: Mapping[UUID, int]) -> list[Job]:
    """Take up to ``limit`` due deliveries, fairly over endpoints, for ``LEASE``. ``busy``: how many of each endpoint this process holds already."""
    values = {"busy": list(busy), "held": list(busy.values()), "limit": limit, "lease": LEASE, "owner": owner}
    claimed = connection.execute(_CLAIM, values, prepare=False).fetchall()
    if not claimed:
        return []
    bodies = {row[0]: row[1:] for row in connection.execute(_BODIES, ([row[0] for row in claimed],), prepare=False)}
    targets = {row[0]: row[1:] for row in connection.execute(_TARGETS, (list({row[1] for row in claimed}),), prepare=False)}
    return [_job(row, bodies[row[0]], targets[row[1]]) for row in claimed if row[0] in bodies and row[1] in targets]


def _job(row: Sequence[Any], body: Sequence[Any], target: Sequence[Any]) -> Job:
    delivery_id, endpoint_id, claims, tries = row
    tenant_id, url, secret, previous = target
    columns = (("secret", secret), ("previous_secret", previous))
    secrets = tuple(_open(tenant_id, column, bytes(sealed)) for column, sealed in columns if sealed is not None)
    return Job(delivery_id, endpoint_id, tenant_id, claims, tries, body[0], body[1], url, secrets)


@functools.lru_cache(maxsize=1024)
def _open(tenant_id: UUID, column: str, sealed: bytes) -> str:
    return unseal(sealed, f"{tenant_id}|webhook_endpoints|{column}")


def record(connection: psycopg.Connection[Any], records: Sequence[Record]) -> None:
    """Write attempts down. Those whose lease was taken back meanwhile change nothing: the next holder writes them."""
    if records:
        columns = {
            "id": [r.delivery_id for r in records], "claim": [r.claim for r in records], "state": [r.state.value for r in records],
            "next": [r.next_due for r in records], "entry": [json.dumps(r.entry) for r in records],
            "low": min(r.delivery_id for r in records), "high": max(r.delivery_id for r in records),  # whole partitions are left out by these
        }  # fmt: skip
        connection.execute(_RECORD, columns, prepare=False)


def give_back(connection: psycopg.Connection[Any], jobs: Sequence[Job]) -> None:
    """Let go claimed deliveries that were not tried."""
    if jobs:
        connection.execute(_GIVE_BACK, ([job.delivery_id for job in jobs], [job.claim for job in jobs]), prepare=False)


def sweep(connection: psycopg.Connection[Any], silent_seconds: int) -> tuple[int, int]:
    """Take back what lost workers held, and end what nobody will deliver any more: ``(freed, given up)``."""
    freed = connection.execute(_LOST, {"silence": timedelta(seconds=silent_seconds)}).rowcount
    return freed, connection.execute(_GIVE_UP).rowcount
