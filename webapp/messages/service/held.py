"""Mail of a paused bridge or a suspended tenant: kept out of the flow until that ends, then let go. Small batches, a transaction each.

What is due is marked, so that delivery does not claim it again and again and so starve the tenant's other bridges; so is what will be within the
minute, since delivery puts off what it finds paused. What becomes due later is marked by a later round. The time spent so does not count against a
message's expiry.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

#: Stands in ``queue_entries.held`` of mail that waits for its bridge; what a person holds, or is parked, says something else.
BRIDGE_PAUSED = "The bridge is paused."
#: The same of mail that waits for the end of its tenant's suspension.
TENANT_SUSPENDED = "The tenant is suspended."
#: What no person lets go by hand: it goes when its reason is over.
WAITS_FOR_AN_END = (BRIDGE_PAUSED, TENANT_SUSPENDED)

_HOLD = """
with due as (
  select recipient_id from queue_entries where tenant_id = %(tenant)s and (%(bridge)s::uuid is null or bridge_id = %(bridge)s)
    and lease_until is null and held is null and due_at <= now() + interval '1 minute' limit %(batch)s for update skip locked
), kept as (
  update queue_entries q set held = %(mark)s from due where q.recipient_id = due.recipient_id
  returning q.recipient_id, q.tenant_id, q.message_id, q.bridge_id
), states as (
  update recipients r set state = 'held', state_reason = %(mark)s, updated_at = now() from kept where r.id = kept.recipient_id
)
insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, data)
select uuidv7(), tenant_id, message_id, recipient_id, bridge_id, 'email.held', jsonb_build_object('reason', %(mark)s::text, 'cause', %(held)s::text)
from kept
"""
_FREE = """
with waiting as (
  select recipient_id from queue_entries where tenant_id = %(tenant)s and (%(bridge)s::uuid is null or bridge_id = %(bridge)s) and held = %(mark)s
  limit %(batch)s for update skip locked
), freed as (
  update queue_entries q set held = null, scheduled = false, expires_at = q.expires_at + greatest(now() - q.due_at, interval '0'),
    due_at = greatest(q.due_at, now())
  from waiting where q.recipient_id = waiting.recipient_id
  returning q.recipient_id, q.tenant_id, q.message_id, q.bridge_id, q.attempt
), states as (
  update recipients r set state = case when freed.attempt > 0 then 'deferred' else 'queued' end, state_reason = null, updated_at = now()
  from freed where r.id = freed.recipient_id
)
insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, data)
select uuidv7(), tenant_id, message_id, recipient_id, bridge_id, 'email.queued', jsonb_build_object('cause', %(freed)s::text) from freed
"""


def hold_queue(connection: psycopg.Connection[Any], tenant_id: UUID, bridge_id: UUID, batch: int = 5000) -> int:
    """Hold up to ``batch`` due recipients of a paused bridge. Returns how many. What a worker is sending right now is not stopped."""
    return _run(connection, _HOLD, tenant_id, bridge_id, batch)


def hold_tenant(connection: psycopg.Connection[Any], tenant_id: UUID, batch: int = 5000) -> int:
    """The same of a suspended tenant: all its due recipients, by whatever way they came."""
    return _run(connection, _HOLD, tenant_id, None, batch)


def free_tenant(connection: psycopg.Connection[Any], tenant_id: UUID, batch: int = 5000) -> int:
    """Let go up to ``batch`` recipients that ``hold_tenant`` held, due now. Those of a paused bridge are held again by its own round."""
    return _run(connection, _FREE, tenant_id, None, batch)


def free_queue(connection: psycopg.Connection[Any], tenant_id: UUID, bridge_id: UUID, batch: int = 5000) -> int:
    """Let go up to ``batch`` recipients that ``hold_queue`` held, due now. Returns how many."""
    return _run(connection, _FREE, tenant_id, bridge_id, batch)


def _run(connection: psycopg.Connection[Any], statement: str, tenant_id: UUID, bridge_id: UUID | None, batch: int) -> int:
    mark, held, freed = (BRIDGE_PAUSED, "bridge_paused", "bridge_resumed") if bridge_id else (TENANT_SUSPENDED, "tenant_suspended", "tenant_resumed")
    values = {"tenant": tenant_id, "bridge": bridge_id, "batch": batch, "mark": mark, "held": held, "freed": freed}
    return connection.execute(statement, values).rowcount
