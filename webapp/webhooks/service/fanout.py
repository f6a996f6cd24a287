"""From events to deliveries: each event that somebody listens to becomes one row for each endpoint that wants it, in the transaction that takes the
event out of the outbox. A crash in between leaves both as they were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from webapp.settings import get_settings
from webapp.webhooks.catalogue import KINDS, SUBSCRIBABLE
from webapp.webhooks.ids import delivery_id
from webapp.webhooks.payload import Fact, body_of, spread
from webapp.webhooks.service import policy
from webapp.webhooks.service.queue import BY_INDEX

# Everything here is planned anew with each batch (prepare=False): a plan kept from when tables were empty compares each row with every other.
_TAKE = "select event_id, tenant_id, source from event_outbox order by event_id limit %s for update skip locked"
_TAKEN = "delete from event_outbox where event_id = any(%s)"
_MAIL_COLUMNS = """
select e.id, e.tenant_id, e.type, e.at, e.bridge_id, e.data, e.message_id, e.recipient_id, r.mode, r.address, m.message_id_header, m.from_address,
  m.subject, m.tags, m.metadata
from events e left join recipients r on r.id = e.recipient_id left join messages m on m.id = e.message_id
"""
MAIL_FACTS = f"{_MAIL_COLUMNS} where e.id = any(%s) order by e.id"
OWN_FACTS = "select e.id, e.tenant_id, e.type, e.at, e.bridge_id, e.data, e.mode from tenant_events e where e.id = any(%s) order by e.id"
_LISTENERS = "select id, tenant_id, event_types, bridge_ids, modes from webhook_endpoints where tenant_id = any(%s) and state = 'enabled'"
_INSERT = """
with x as (
  select * from unnest(%(id)s::uuid[], %(tenant)s::uuid[], %(endpoint)s::uuid[], %(event)s::uuid[], %(type)s::text[], %(body)s::text[])
  x(id, tenant_id, endpoint_id, event_id, event_type, body)),
fresh as (
  insert into webhook_deliveries (id, tenant_id, endpoint_id, event_id, event_type, body, state, next_at)
  select id, tenant_id, endpoint_id, event_id, event_type, body, 'pending', now() from x on conflict (id) do nothing
  returning id, tenant_id, endpoint_id)
insert into webhook_queue (delivery_id, tenant_id, endpoint_id, due_at, expires_at)
select id, tenant_id, endpoint_id, now(), now() + %(lifetime)s from fresh
"""


@dataclass(frozen=True, slots=True)
class Listener:
    """An endpoint as far as matching goes; None: everything."""

    id: UUID
    tenant_id: UUID
    event_types: frozenset[str] | None
    bridge_ids: frozenset[UUID] | None
    modes: frozenset[str]

    def wants(self, fact: Fact) -> bool:
        """Whether this fact goes there. A filter by bridge lets only facts of those bridges through; one by mode, also facts of no mode."""
        if fact.type not in SUBSCRIBABLE if self.event_types is None else fact.type not in self.event_types:
            return False
        if self.bridge_ids is not None and fact.bridge_id not in self.bridge_ids:
            return False
        return fact.mode is None or fact.mode in self.modes


def fan_out(connection: psycopg.Connection[Any], limit: int) -> tuple[int, int]:
    """Take up to ``limit`` events out of the outbox: ``(events taken, deliveries made)``. The connection must see all tenants, in a transaction."""
    connection.execute(BY_INDEX)
    taken = connection.execute(_TAKE, (limit,), prepare=False).fetchall()
    if not taken:
        return 0, 0
    connection.execute(_TAKEN, ([row[0] for row in taken],), prepare=False)
    facts = [*read_facts(connection, "events", [id_ for id_, _, source in taken if source != "tenant_events"])]
    facts += read_facts(connection, "tenant_events", [id_ for id_, _, source in taken if source == "tenant_events"])
    listeners = find_listeners(connection, {tenant_id for _, tenant_id, _ in taken})
    return len(taken), insert_deliveries(connection, match(facts, listeners))


def find_listeners(connection: psycopg.Connection[Any], tenants: Iterable[UUID]) -> dict[UUID, list[Listener]]:
    """The endpoints in use of these tenants, by tenant."""
    found: dict[UUID, list[Listener]] = defaultdict(list)
    for id_, tenant_id, types, bridges, modes in connection.execute(_LISTENERS, (list(tenants),), prepare=False):
        wanted = Listener(id_, tenant_id, _set(types), _set(bridges), frozenset(modes))
        found[tenant_id].append(wanted)
    return found


def _set(values: Sequence[Any] | None) -> frozenset[Any] | None:
    return None if values is None else frozenset(values)


def read_facts(connection: psycopg.Connection[Any], source: str, ids: Sequence[UUID]) -> list[Fact]:
    """Events of one table as what they tell. Those of a kind that the catalogue does not know, and those that are gone, are left out."""
    if not ids:
        return []
    mail = source == "events"
    rows = connection.execute(MAIL_FACTS if mail else OWN_FACTS, (list(ids),), prepare=False)
    facts = (_mail_fact(row) if mail else _own_fact(row) for row in rows)
    return [told for fact in facts if fact.type in KINDS for told in spread(fact)]


def _mail_fact(row: Sequence[Any]) -> Fact:
    id_, tenant, type_, at, bridge, data, message, recipient, mode, address, header, sender, subject, tags, metadata = row
    mail = {
        "email_id": message, "message_id": header, "recipient_id": recipient, "recipient": address, "from": sender, "subject": subject,
        "bridge_id": bridge, "tags": tags or [], "metadata": metadata or {},
    }  # fmt: skip
    return Fact(id_, tenant, type_, at, mode, bridge, data or {}, mail)


def _own_fact(row: Sequence[Any]) -> Fact:
    id_, tenant, type_, at, bridge, data, mode = row
    return Fact(id_, tenant, type_, at, mode, bridge, data, {})


def match(facts: Iterable[Fact], listeners: dict[UUID, list[Listener]]) -> list[tuple[UUID, Fact]]:
    """Which fact goes to which endpoint."""
    return [(endpoint.id, fact) for fact in facts for endpoint in listeners.get(fact.tenant_id, ()) if endpoint.wants(fact)]


def insert_deliveries(connection: psycopg.Connection[Any], pairs: Sequence[tuple[UUID, Fact]]) -> int:
    """Make deliveries, each once for ever: a pair that has its row already is passed over. Returns how many are new."""
    if not pairs:
        return 0
    bodies: dict[UUID, str] = {}
    for _, fact in pairs:
        if fact.id not in bodies:
            bodies[fact.id] = body_of(fact)
    columns = {
        "id": [delivery_id(fact.id, endpoint_id) for endpoint_id, fact in pairs], "tenant": [fact.tenant_id for _, fact in pairs],
        "endpoint": [endpoint_id for endpoint_id, _ in pairs], "event": [fact.id for _, fact in pairs], "type": [fact.type for _, fact in pairs],
        "body": [bodies[fact.id] for _, fact in pairs], "lifetime": policy.lifetime(get_settings().retry_scale),
    }  # fmt: skip
    return connection.execute(_INSERT, columns, prepare=False).rowcount
