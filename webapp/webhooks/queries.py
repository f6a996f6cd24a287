"""Reads of webhooks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.kernel.clock import now
from webapp.kernel.errors import NotFound
from webapp.kernel.ids import uuid7_floor
from webapp.kernel.pagination import Page, page_of
from webapp.webhooks.ids import delivery_id
from webapp.webhooks.models import InboundHook, WebhookDelivery, WebhookEndpoint, WebhookHealth, WebhookReplay
from webapp.webhooks.types import CircuitState, DeliveryState, EndpointState


def get_endpoint(session: Session, endpoint_id: UUID, *, lock: bool = False) -> WebhookEndpoint:
    """One endpoint of the tenant. Raises ``NotFound``."""
    wanted = sa.select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id)
    endpoint = session.scalar(wanted.with_for_update() if lock else wanted)
    if endpoint is None:
        raise NotFound("webhook endpoint")
    return endpoint


def list_endpoints(
    session: Session, *, search: str | None = None, state: EndpointState | None = None, limit: int = 50, cursor: str | None = None
) -> Page[WebhookEndpoint]:
    """Endpoints, newest first. ``search``: part of the address or description."""
    wanted = sa.select(WebhookEndpoint)
    if search:
        text = search.strip()
        wanted = wanted.where(
            sa.or_(WebhookEndpoint.url.icontains(text, autoescape=True), WebhookEndpoint.description.icontains(text, autoescape=True))
        )
    if state is not None:
        wanted = wanted.where(WebhookEndpoint.state == state)
    return page_of(session, wanted, WebhookEndpoint.id, limit=limit, cursor=cursor)


def count_endpoints(session: Session) -> int:
    """How many the tenant has."""
    return session.scalar(sa.select(sa.func.count()).select_from(WebhookEndpoint)) or 0


def find_health(session: Session, endpoint_ids: Iterable[UUID]) -> dict[UUID, WebhookHealth]:
    """What is known of how endpoints answer; of those that were never called, nothing."""
    rows = session.scalars(sa.select(WebhookHealth).where(WebhookHealth.endpoint_id.in_(list(endpoint_ids))))
    return {row.endpoint_id: row for row in rows}


def circuit_of(health: WebhookHealth | None) -> CircuitState:
    """Whether deliveries flow."""
    if health is not None and health.open_until is not None and health.open_until > now():
        return CircuitState.OPEN
    return CircuitState.PROBING if health is not None and health.trips else CircuitState.CLOSED


def list_deliveries(
    session: Session, endpoint_id: UUID, *, state: DeliveryState | None = None, event_type: str | None = None, event_id: UUID | None = None,
    since: datetime | None = None, until: datetime | None = None, limit: int = 50, cursor: str | None = None,
) -> Page[WebhookDelivery]:  # fmt: skip
    """Deliveries of an endpoint, by the time of their events, newest first. Raises ``NotFound`` for an unknown endpoint."""
    get_endpoint(session, endpoint_id)
    wanted = sa.select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    if event_id is not None:
        wanted = wanted.where(WebhookDelivery.id == delivery_id(event_id, endpoint_id))
    if since is not None:
        wanted = wanted.where(WebhookDelivery.id >= uuid7_floor(since))
    if until is not None:
        wanted = wanted.where(WebhookDelivery.id < uuid7_floor(until))
    if event_type is not None:
        wanted = wanted.where(WebhookDelivery.event_type == event_type)
    if state is DeliveryState.FAILED:
        wanted = wanted.where(WebhookDelivery.failed_at.is_not(None))  # has an index of its own
    elif state is not None:
        wanted = wanted.where(WebhookDelivery.state == state)
    return page_of(session, wanted, WebhookDelivery.id, limit=limit, cursor=cursor)


def get_delivery(session: Session, endpoint_id: UUID, delivery: UUID) -> WebhookDelivery:
    """One delivery of an endpoint. Raises ``NotFound``."""
    get_endpoint(session, endpoint_id)
    row = session.scalar(sa.select(WebhookDelivery).where(WebhookDelivery.id == delivery, WebhookDelivery.endpoint_id == endpoint_id))
    if row is None:
        raise NotFound("webhook delivery")
    return row


def list_replays(session: Session, endpoint_id: UUID, limit: int = 5) -> list[WebhookReplay]:
    """The last replays to an endpoint, newest first."""
    wanted = sa.select(WebhookReplay).where(WebhookReplay.endpoint_id == endpoint_id).order_by(WebhookReplay.id.desc()).limit(limit)
    return list(session.scalars(wanted))


def find_hook(session: Session, account_id: UUID) -> InboundHook | None:
    """The hook of a sending account, if one was set up."""
    return session.scalar(sa.select(InboundHook).where(InboundHook.sending_account_id == account_id))


def read_health(session: Session, endpoint_id: UUID) -> dict[str, Any]:
    """How an endpoint answers lately, as the API shows it. Raises ``NotFound``."""
    get_endpoint(session, endpoint_id)
    health = find_health(session, [endpoint_id]).get(endpoint_id)
    circuit = circuit_of(health)
    fields = ("failures", "open_until", "failing_since", "last_success_at", "last_failure_at", "last_error")
    known = {name: getattr(health, name, None) for name in fields}
    return {**known, "circuit": circuit, "failures": known["failures"] or 0, "open_until": known["open_until"] if circuit is CircuitState.OPEN else None}
