"""Acts on endpoints: made, changed, switched off and on, rotated, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.activity.service import record
from webapp.bridges.models import Bridge
from webapp.kernel.clock import now
from webapp.kernel.errors import Conflict, Problem, ValidationFailed
from webapp.kernel.jobs import QueueName, enqueue_after_commit
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Mode, Scope
from webapp.kernel.secrets import seal, unseal
from webapp.tenants.service import check_room, counts
from webapp.tenants.types import LimitName
from webapp.webhooks import queries
from webapp.webhooks.catalogue import unknown_types
from webapp.webhooks.models import WebhookEndpoint, WebhookHealth, WebhookNotice, WebhookQueueEntry
from webapp.webhooks.service.addresses import check_url
from webapp.webhooks.service.signing import key_of, make_secret
from webapp.webhooks.types import EndpointState, NoticeKind

LETTERS = "worker.jobs.webhooks.send_letters"


@dataclass(frozen=True, slots=True)
class EndpointInput:
    """What a person or key says about an endpoint. ``events`` and ``bridges`` None: all; ``modes`` None: that of whoever asks.

    ``secret``: one of their own (`whsec_` and base64), so that an endpoint can be moved here; None: a new one.
    """

    url: str
    description: str | None = None
    events: Sequence[str] | None = None
    bridges: Sequence[UUID] | None = None
    modes: Sequence[Mode] | None = None
    secret: str | None = None


@counts(LimitName.WEBHOOKS)
def count_endpoints(scope: Scope) -> int:
    """How many endpoints the tenant has; bounded, because each event is written down for each of them."""
    return queries.count_endpoints(scope.session)


def create_endpoint(scope: Scope, data: EndpointInput) -> WebhookEndpoint:
    """Add an endpoint; from now on it gets what it asks for.

    Raises ``ValidationFailed`` (params ``url``, ``events``, ``bridges``, ``secret``), ``EgressRefused`` for a private address, ``LimitExceeded``.
    """
    scope.require(Permission.WEBHOOK_CREATE)
    _check(scope, data)
    check_room(scope, LimitName.WEBHOOKS)
    secret = data.secret or make_secret()
    endpoint = WebhookEndpoint(
        tenant_id=scope.tenant_id, state=EndpointState.ENABLED, secret=seal(secret, _context(scope.tenant_id)), **_columns(scope, data)
    )
    scope.session.add(endpoint)
    scope.session.flush()
    record(scope, "webhook.created", "webhook", endpoint.id, endpoint.url, {"events": endpoint.event_types or "all"})
    return endpoint


def update_endpoint(scope: Scope, endpoint_id: UUID, changes: dict[str, Any]) -> WebhookEndpoint:
    """Change fields of ``EndpointInput`` other than the secret, and ``enabled``. Raises as ``create_endpoint``."""
    scope.require(Permission.WEBHOOK_UPDATE)
    endpoint = queries.get_endpoint(scope.session, endpoint_id)
    wanted = dict(changes)
    enabled = wanted.pop("enabled", None)
    kept = {"url": endpoint.url, "description": endpoint.description, "events": endpoint.event_types, "bridges": endpoint.bridge_ids}
    data = EndpointInput(**{**kept, "modes": [Mode(mode) for mode in endpoint.modes], **wanted})
    asked = data if "bridges" in wanted else replace(data, bridges=None)  # a bridge that was removed since does not stand in the way
    _check(scope, asked, moved=data.url != endpoint.url)
    new = _columns(scope, data)
    changed = {name: [getattr(endpoint, name), value] for name, value in new.items() if getattr(endpoint, name) != value}
    for name, value in new.items():
        setattr(endpoint, name, value)
    if changed:
        scope.session.flush()
        record(scope, "webhook.updated", "webhook", endpoint.id, endpoint.url, changed)
    if "url" in changed:
        _forget_health(scope, endpoint.id)
    if enabled is not None:
        (enable_endpoint if enabled else disable_endpoint)(scope, endpoint_id)
    scope.session.refresh(endpoint)
    return endpoint


def enable_endpoint(scope: Scope, endpoint_id: UUID) -> WebhookEndpoint:
    """Send to it again, with a clean slate. What happened meanwhile is not sent by itself: that is what a replay is for."""
    scope.require(Permission.WEBHOOK_UPDATE)
    endpoint = queries.get_endpoint(scope.session, endpoint_id)
    if endpoint.state == EndpointState.DISABLED:
        check_url(endpoint.url)
        endpoint.state, endpoint.disabled_at, endpoint.disabled_reason = EndpointState.ENABLED, None, None
        _forget_health(scope, endpoint.id)
        scope.session.flush()
        record(scope, "webhook.enabled", "webhook", endpoint.id, endpoint.url)
    return endpoint


def disable_endpoint(scope: Scope, endpoint_id: UUID, reason: str | None = None, *, tell: bool = False) -> WebhookEndpoint:
    """Send nothing more to it; what waits fails within seconds and can be replayed. ``tell``: the owners get a letter."""
    scope.require(Permission.WEBHOOK_UPDATE)
    endpoint = queries.get_endpoint(scope.session, endpoint_id, lock=True)
    if endpoint.state == EndpointState.ENABLED:
        endpoint.state, endpoint.disabled_at, endpoint.disabled_reason = EndpointState.DISABLED, now(), reason
        scope.session.flush()
        record(scope, "webhook.disabled", "webhook", endpoint.id, endpoint.url, {"reason": reason} if reason else None)
        if tell:
            scope.session.add(WebhookNotice(tenant_id=scope.tenant_id, endpoint_id=endpoint.id, kind=NoticeKind.DISABLED, text=reason or ""))
            enqueue_after_commit(scope.session, QueueName.DEFAULT, LETTERS, 0)
    return endpoint


def delete_endpoint(scope: Scope, endpoint_id: UUID) -> None:
    """Remove an endpoint and what waits for it; its deliveries are not shown any more."""
    scope.require(Permission.WEBHOOK_DELETE)
    endpoint = queries.get_endpoint(scope.session, endpoint_id)
    scope.session.execute(sa.delete(WebhookQueueEntry).where(WebhookQueueEntry.endpoint_id == endpoint.id, WebhookQueueEntry.lease_until.is_(None)))
    scope.session.delete(endpoint)
    scope.session.flush()
    record(scope, "webhook.deleted", "webhook", endpoint.id, endpoint.url)


def rotate_secret(scope: Scope, endpoint_id: UUID, overlap_hours: int = 24) -> WebhookEndpoint:
    """Make a new secret. For ``overlap_hours`` (0: not at all) deliveries are signed with both, so that the receiver can change in peace.

    Raises ``Conflict`` while two secrets are valid already: a third would end one that is in use.
    """
    scope.require(Permission.WEBHOOK_MANAGE)
    endpoint = queries.get_endpoint(scope.session, endpoint_id, lock=True)
    moment = now()
    if overlap_hours and endpoint.previous_until is not None and endpoint.previous_until > moment:
        raise Conflict("A rotation is under way: wait for its end, or rotate with overlap_hours 0 to end both old secrets at once.")
    old = seal(open_secret(endpoint), _context(scope.tenant_id, "previous_secret"))  # a seal is bound to its column
    endpoint.previous_secret, endpoint.previous_until = (old, moment + timedelta(hours=overlap_hours)) if overlap_hours else (None, None)
    endpoint.secret = seal(make_secret(), _context(scope.tenant_id))
    scope.session.flush()
    record(scope, "webhook.rotated", "webhook", endpoint.id, endpoint.url, {"overlap_hours": overlap_hours})
    return endpoint


def reveal_secret(scope: Scope, endpoint_id: UUID) -> str:
    """The secret in the clear, for a page; the activity log notes it."""
    scope.require(Permission.WEBHOOK_MANAGE)
    endpoint = queries.get_endpoint(scope.session, endpoint_id)
    record(scope, "webhook.revealed", "webhook", endpoint.id, endpoint.url)
    return open_secret(endpoint)


def open_secret(endpoint: WebhookEndpoint) -> str:
    """The secret in the clear, for answers that show it once and for whoever signs."""
    return unseal(endpoint.secret, _context(endpoint.tenant_id))


def _context(tenant_id: UUID, column: str = "secret") -> str:
    return f"{tenant_id}|webhook_endpoints|{column}"


def _columns(scope: Scope, data: EndpointInput) -> dict[str, Any]:
    return {
        "url": data.url, "description": data.description or None, "event_types": _sorted(data.events), "bridge_ids": _sorted(data.bridges),
        "modes": sorted({mode.value for mode in data.modes or (scope.mode,)}),
    }  # fmt: skip


def _sorted(values: Sequence[Any] | None) -> list[Any] | None:
    return sorted(set(values)) if values else None


def _forget_health(scope: Scope, endpoint_id: UUID) -> None:
    scope.session.execute(sa.delete(WebhookHealth).where(WebhookHealth.endpoint_id == endpoint_id))


def _check(scope: Scope, data: EndpointInput, *, moved: bool = True) -> None:
    problems = [
        Problem("events", f"There is no event type {name[:60]}; GET /api/v1/webhooks/events lists them all.") for name in unknown_types(data.events or ())
    ]
    if data.bridges:
        known = set(scope.session.scalars(sa.select(Bridge.id).where(Bridge.id.in_(data.bridges), Bridge.deleted_at.is_(None))))
        problems += [Problem("bridges", f"There is no bridge {bridge}.") for bridge in data.bridges if bridge not in known]
    if data.secret is not None:
        try:
            key_of(data.secret)
        except ValueError as error:
            problems.append(Problem("secret", f"Not a secret: {error}."))
    if problems:
        raise ValidationFailed.of(problems)
    if moved:
        check_url(data.url)
