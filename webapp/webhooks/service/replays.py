"""Sending again: one delivery, everything since a time, and the test event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa

from webapp.activity.service import record
from webapp.announcements.service import announce
from webapp.announcements.types import Announcement
from webapp.kernel.clock import now
from webapp.kernel.db import after_commit, raw_of
from webapp.kernel.errors import Conflict, ValidationFailed
from webapp.kernel.ids import uuid7_floor
from webapp.kernel.jobs import QueueName, enqueue_after_commit, wake_slots
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.settings import get_settings
from webapp.webhooks import queries
from webapp.webhooks.ids import delivery_id
from webapp.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookReplay
from webapp.webhooks.payload import Fact
from webapp.webhooks.service import policy
from webapp.webhooks.service.fanout import find_listeners, insert_deliveries, match, read_facts
from webapp.webhooks.types import EndpointState, ReplayWhat

DELIVER = "worker.jobs.webhooks.deliver"
REPLAY = "worker.jobs.webhooks.replay"
#: The two tables a replay reads, one after the other.
_SOURCES = ("events", "tenant_events")
_REARM = """
with again as (
  update webhook_deliveries d set state = 'pending', next_at = now(), finished_at = null, failed_at = null
  where d.id = any(%(ids)s) and d.endpoint_id = %(endpoint)s and d.state = any(%(states)s) returning d.id, d.tenant_id, d.endpoint_id)
insert into webhook_queue (delivery_id, tenant_id, endpoint_id, due_at, expires_at)
select id, tenant_id, endpoint_id, now(), now() + %(lifetime)s from again
on conflict (delivery_id) do update set due_at = now() where webhook_queue.lease_until is null
"""
_TAKE = """
select id, tenant_id, endpoint_id, what, since, until, position, source from webhook_replays where finished_at is null
order by id limit 1 for update skip locked
"""
_IDS = "select id from {table} where tenant_id = %(tenant)s and id >= %(low)s and id < %(high)s and id > %(position)s order by id limit %(limit)s"
_PROGRESS = """
update webhook_replays set position = %(position)s, source = %(source)s, queued = queued + %(queued)s, finished_at = case when %(done)s then now() end
where id = %(id)s
"""
_NOWHERE = UUID(int=0)


def replay_delivery(scope: Scope, endpoint_id: UUID, delivery: UUID) -> WebhookDelivery:
    """Send one delivery again, with its whole schedule, under the same webhook-id. Raises ``Conflict`` for an endpoint that is switched off."""
    scope.require(Permission.WEBHOOK_MANAGE)
    endpoint = _usable(scope, endpoint_id)
    row = queries.get_delivery(scope.session, endpoint_id, delivery)
    _rearm(raw_of(scope.session), endpoint_id, [row.id], ("pending", "failed", "delivered"))
    record(scope, "webhook.replayed", "webhook", endpoint.id, endpoint.url, {"delivery": str(row.id)})
    _wake(scope)
    scope.session.refresh(row)
    return row


def replay_since(scope: Scope, endpoint_id: UUID, since: datetime, what: ReplayWhat = ReplayWhat.FAILED) -> WebhookReplay:
    """Send again what happened since a moment: what was not delivered, also for want of an endpoint that was switched on, or everything it asks for now.

    A job works through it; the answer shows how far it is. Raises ``ValidationFailed`` (param ``since``) beyond the retention, ``Conflict`` while another
    one runs or the endpoint is switched off.
    """
    scope.require(Permission.WEBHOOK_MANAGE)
    endpoint, moment, days = _usable(scope, endpoint_id), now(), get_settings().retain_webhook_days
    if not moment - timedelta(days=days) <= since <= moment:
        raise ValidationFailed(f"Choose a time of the last {days} days.", param="since")
    running = sa.select(WebhookReplay.id).where(WebhookReplay.endpoint_id == endpoint.id, WebhookReplay.finished_at.is_(None))
    if scope.session.scalar(running.limit(1)) is not None:
        raise Conflict("A replay to this endpoint is under way; wait for its end.")
    replay = WebhookReplay(tenant_id=scope.tenant_id, endpoint_id=endpoint.id, what=what.value, since=since, until=moment, source=_SOURCES[0])
    scope.session.add(replay)
    scope.session.flush()
    record(scope, "webhook.replayed", "webhook", endpoint.id, endpoint.url, {"since": since, "what": what.value})
    enqueue_after_commit(scope.session, QueueName.DEFAULT, REPLAY, 0)
    return replay


def send_test(scope: Scope, endpoint_id: UUID) -> WebhookDelivery:
    """Send ``webhook.test`` to this endpoint only, through the same queue as everything else."""
    scope.require(Permission.WEBHOOK_MANAGE)
    endpoint = _usable(scope, endpoint_id)
    data = {"endpoint_id": str(endpoint.id), "message": "This is a test of your endpoint."}
    event_id = announce(scope.session, scope.tenant_id, Announcement.WEBHOOK_TEST, data)
    insert_deliveries(raw_of(scope.session), [(endpoint.id, Fact(event_id, scope.tenant_id, Announcement.WEBHOOK_TEST, now(), None, None, data, {}))])
    _wake(scope)
    return queries.get_delivery(scope.session, endpoint.id, delivery_id(event_id, endpoint.id))


def wake_webhooks() -> None:
    """Ring for the processes that deliver."""
    wake_slots(QueueName.WEBHOOKS, DELIVER, range(get_settings().webhook_workers))


def work_replays(connection: psycopg.Connection[Any], limit: int) -> bool:
    """One step of the oldest replay: up to ``limit`` events. False when no replay waits. The connection must see all tenants, in a transaction."""
    row = connection.execute(_TAKE).fetchone()
    if row is None:
        return False
    id_, tenant_id, endpoint_id, what, since, until, position, source = row
    bounds = {"tenant": tenant_id, "low": uuid7_floor(since), "high": uuid7_floor(until + timedelta(milliseconds=1)), "limit": limit}
    ids = [found[0] for found in connection.execute(_IDS.format(table=source), {**bounds, "position": position or _NOWHERE})]
    queued = _send_again(connection, source, ids, tenant_id, endpoint_id, ReplayWhat(what))
    next_source, next_position = source, ids[-1] if ids else position
    done = len(ids) < limit and source == _SOURCES[-1]
    if len(ids) < limit and not done:
        next_source, next_position = _SOURCES[-1], None
    connection.execute(_PROGRESS, {"id": id_, "position": next_position, "source": next_source, "queued": queued, "done": done})
    return True


def _send_again(connection: psycopg.Connection[Any], source: str, ids: Sequence[UUID], tenant_id: UUID, endpoint_id: UUID, what: ReplayWhat) -> int:
    listeners = {t: [one for one in found if one.id == endpoint_id] for t, found in find_listeners(connection, [tenant_id]).items()}
    pairs = match(read_facts(connection, source, ids), listeners)
    made = insert_deliveries(connection, pairs)
    states = ("failed",) if what is ReplayWhat.FAILED else ("failed", "delivered")
    return made + _rearm(connection, endpoint_id, [delivery_id(fact.id, endpoint) for endpoint, fact in pairs], states)


def _rearm(connection: psycopg.Connection[Any], endpoint_id: UUID, ids: Sequence[UUID], states: Sequence[str]) -> int:
    lifetime = policy.lifetime(get_settings().retry_scale)
    values = {"ids": list(ids), "endpoint": endpoint_id, "states": list(states), "lifetime": lifetime}
    return connection.execute(_REARM, values).rowcount if ids else 0


def _usable(scope: Scope, endpoint_id: UUID) -> WebhookEndpoint:
    endpoint = queries.get_endpoint(scope.session, endpoint_id)
    if endpoint.state != EndpointState.ENABLED:
        raise Conflict("The endpoint is switched off; switch it on first.")
    return endpoint


def _wake(scope: Scope) -> None:
    after_commit(scope.session, wake_webhooks)
