"""Deliveries of an endpoint: the log that lives while something is under way, one request with its answers, and sending again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.http.csv_file import csv_file
from webapp.http.forms import choice, kept_query
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, mark_of, nothing_new, redirect_to, render
from webapp.kernel.clock import rfc3339
from webapp.kernel.errors import DomainError
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission
from webapp.webhooks import queries, schemas, service
from webapp.webhooks.catalogue import KINDS
from webapp.webhooks.models import WebhookDelivery, WebhookEndpoint
from webapp.webhooks.types import DeliveryState
from webapp.webhooks.views.blueprint import pages

_COLUMNS = ("id", "event_id", "event_type", "state", "attempts", "created_at", "finished_at", "next_attempt_at")


def _list(webhook_id: UUID, **more: Any) -> Page[WebhookDelivery]:
    wanted = request.args.get("type", "")
    kind = wanted if wanted in KINDS else None
    return queries.list_deliveries(current_scope().session, webhook_id, state=choice(DeliveryState, "state"), event_type=kind, **more)


def delivery_context(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """What the log shows: a page of it, the replays under way, and whether to look again."""
    session = current_scope().session
    page = _list(endpoint.id, limit=25, cursor=request.args.get("cursor"))
    replays = queries.list_replays(session, endpoint.id)
    health = queries.find_health(session, [endpoint.id]).get(endpoint.id)
    live = not request.args.get("cursor")
    facts = [(row.id, row.state, row.attempts) for row in page.items], [(r.queued, r.finished_at) for r in replays]
    seen = mark_of(facts, endpoint.state, queries.circuit_of(health), health and health.failures)
    kept = {name: value for name, value in kept_query().items() if name != "seen"}
    return {"page": page, "replays": replays, "health": health, "kept": kept, "live": live, "seen": seen, "kinds": list(KINDS)}


@pages.get("/<uuid:webhook_id>/deliveries")
@requires(Permission.WEBHOOK_READ)
def deliveries(webhook_id: UUID) -> Response:
    """The log alone, for the page that looks again."""
    endpoint = queries.get_endpoint(current_scope().session, webhook_id)
    context = delivery_context(endpoint)
    return nothing_new(context["seen"]) or render("webhooks/_deliveries.html", endpoint=endpoint, **context)


@pages.get("/<uuid:webhook_id>/deliveries.csv")
@requires(Permission.WEBHOOK_READ)
def export_deliveries(webhook_id: UUID) -> Response:
    """The newest thousand deliveries of the filter as a file."""
    rows, cursor = list[WebhookDelivery](), None
    while len(rows) < 1000:
        page = _list(webhook_id, limit=100, cursor=cursor)
        rows += page.items
        if (cursor := page.next_cursor) is None:
            break
    return csv_file("deliveries", _COLUMNS, map(_cells, rows))


def _cells(d: WebhookDelivery) -> tuple[object, ...]:
    times = (rfc3339(moment) or "" for moment in (d.created_at, d.finished_at, d.next_at))
    return (d.id, d.event_id, d.event_type, d.state, d.attempts, *times)


@pages.get("/<uuid:webhook_id>/deliveries/<uuid:delivery_id>")
@requires(Permission.WEBHOOK_READ)
def delivery(webhook_id: UUID, delivery_id: UUID) -> Response:
    """One delivery: the request, and every answer that is kept."""
    session = current_scope().session
    row = queries.get_delivery(session, webhook_id, delivery_id)
    body = json.dumps(json.loads(row.body), indent=2, ensure_ascii=False)
    attempts = [{**one, "at": _moment(one.get("at"))} for one in reversed(row.log)]
    endpoint = queries.get_endpoint(session, webhook_id)
    return render("webhooks/delivery.html", "webhooks/_delivery.html", endpoint=endpoint, delivery=row, body=body, attempts=attempts)


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


@pages.post("/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/replay")
@requires(Permission.WEBHOOK_MANAGE)
def replay_delivery(webhook_id: UUID, delivery_id: UUID) -> Response:
    """Send one delivery again."""
    _tell(lambda: service.replay_delivery(current_scope(), webhook_id, delivery_id), "It is sent again, under the same webhook-id.")
    return redirect_to("webhooks.show", webhook_id=webhook_id)


@pages.post("/<uuid:webhook_id>/replay")
@requires(Permission.WEBHOOK_MANAGE)
def replay(webhook_id: UUID) -> Response:
    """Send again what happened since a time (of UTC, as the form says)."""
    data, errors = load_form(schemas.ReplayForm)
    if errors:
        queries.get_endpoint(current_scope().session, webhook_id)
        flash(next(iter(errors.values()))[0], "error")
    else:
        since = data["since"].replace(tzinfo=UTC)
        _tell(lambda: service.replay_since(current_scope(), webhook_id, since, data["what"]), "The replay has begun; its progress is shown below.")
    return redirect_to("webhooks.show", webhook_id=webhook_id)


@pages.post("/<uuid:webhook_id>/test")
@requires(Permission.WEBHOOK_MANAGE)
def test(webhook_id: UUID) -> Response:
    """Send the test event."""
    _tell(lambda: service.send_test(current_scope(), webhook_id), "A test event is on its way; look at the deliveries.")
    return redirect_to("webhooks.show", webhook_id=webhook_id)


def _tell(act: Any, done: str) -> None:
    """Do it, and tell the person how it went. An absent endpoint stays a 404."""
    try:
        act()
    except DomainError as error:
        if error.status == 404:
            raise
        flash(error.message, "error")
    else:
        flash(done)
