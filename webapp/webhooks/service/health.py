"""How endpoints answer: read and written beside the results, one row an endpoint, only when something changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from webapp.webhooks.service import policy
from webapp.webhooks.service.policy import Health
from webapp.webhooks.types import Result

_FIELDS = ("failures", "trips", "open_until", "failing_since", "alarmed_at", "last_success_at", "last_failure_at", "last_error")
_READ = f"select endpoint_id, {', '.join(_FIELDS)} from webhook_health where endpoint_id = any(%s) for update"
_WRITE = f"""
insert into webhook_health (endpoint_id, tenant_id, {", ".join(_FIELDS)})
select e.id, e.tenant_id, {", ".join("x." + field for field in _FIELDS)} from unnest(%(id)s::uuid[], %(failures)s::int[], %(trips)s::int[],
  %(open_until)s::timestamptz[], %(failing_since)s::timestamptz[], %(alarmed_at)s::timestamptz[], %(last_success_at)s::timestamptz[],
  %(last_failure_at)s::timestamptz[], %(last_error)s::text[]) x(id, {", ".join(_FIELDS)})
join webhook_endpoints e on e.id = x.id
on conflict (endpoint_id) do update set {", ".join(f"{field} = excluded.{field}" for field in _FIELDS)}
"""
_NOTICE = "insert into webhook_notices (tenant_id, endpoint_id, kind, text) select tenant_id, id, 'failing', %s from webhook_endpoints where id = %s"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows for an endpoint. ``disable``: the reason to switch it off, in words; ``open_for``: seconds it is left alone from now on."""

    endpoint_id: UUID
    tenant_id: UUID
    trusted: bool
    open_for: float
    disable: str | None


def note_results(connection: psycopg.Connection[Any], results: Iterable[Result], at: datetime, scale: float) -> list[Verdict]:
    """Bring the health of the endpoints of ``results`` (in the order in which they ended) up to date. Owners are told of a long outage once.

    The connection must see all tenants, inside a transaction. Rows are locked in one order, so that two workers do not wait for each other.
    """
    by_endpoint: dict[UUID, list[Result]] = {}
    for result in results:
        if result.attempt is not None:
            by_endpoint.setdefault(result.job.endpoint_id, []).append(result)
    ids = sorted(by_endpoint)
    if not ids:
        return []
    known = {row[0]: Health(*row[1:]) for row in connection.execute(_READ, (ids,), prepare=True)}
    healths = {id_: _after(known.get(id_, Health()), by_endpoint[id_], scale) for id_ in ids}
    for id_ in ids:
        healths[id_] = _alarmed(connection, id_, healths[id_], at, scale)
    _write(connection, healths)
    return [_verdict(id_, by_endpoint[id_], healths[id_], at, scale) for id_ in ids]


def _after(health: Health, results: Iterable[Result], scale: float) -> Health:
    for result in results:
        attempt = result.attempt
        assert attempt is not None
        if attempt.succeeded:
            health = policy.after_success(health, attempt.ended)
        else:
            health = policy.after_failure(health, attempt.ended, attempt.summary, attempt.retry_after, scale)
    return health


def _alarmed(connection: psycopg.Connection[Any], endpoint_id: UUID, health: Health, at: datetime, scale: float) -> Health:
    if not policy.must_alarm(health, at, scale):
        return health
    connection.execute(_NOTICE, (f"No delivery has succeeded since {health.failing_since:%Y-%m-%d %H:%M} UTC. Last: {health.last_error}", endpoint_id))
    return policy.alarmed(health, at)


def _write(connection: psycopg.Connection[Any], healths: Mapping[UUID, Health]) -> None:
    columns = {field: [getattr(health, field) for health in healths.values()] for field in _FIELDS}
    connection.execute(_WRITE, {"id": list(healths), **columns}, prepare=True)


def _verdict(endpoint_id: UUID, results: list[Result], health: Health, at: datetime, scale: float) -> Verdict:
    reason = None
    if any(result.attempt is not None and result.attempt.gone for result in results):
        reason = "It answered 410 Gone, which means that it wants no more events."
    elif policy.must_disable(health, at, scale):
        reason = f"No delivery has succeeded since {health.failing_since:%Y-%m-%d %H:%M} UTC. Last: {health.last_error}"
    open_for = (health.open_until - at).total_seconds() if health.open_until is not None else 0.0
    return Verdict(endpoint_id, results[0].job.tenant_id, health.trusted, max(0.0, open_for), reason)
