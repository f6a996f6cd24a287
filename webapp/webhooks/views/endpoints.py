"""Endpoints: the list, one made, one changed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.bridges.service import list_bridges
from webapp.http.csv_file import csv_file
from webapp.http.forms import Errors, choice, errors_of, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.kernel.clock import rfc3339
from webapp.kernel.errors import DomainError
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Mode
from webapp.webhooks import queries, schemas, service
from webapp.webhooks.models import WebhookEndpoint
from webapp.webhooks.types import EndpointState
from webapp.webhooks.views.blueprint import pages
from webapp.webhooks.views.deliveries import delivery_context

_COLUMNS = ("id", "url", "description", "events", "modes", "state", "created_at")


@pages.get("/")
@requires(Permission.WEBHOOK_READ)
def index() -> Response:
    """All endpoints."""
    session = current_scope().session
    page = queries.list_endpoints(session, search=search_text(), state=choice(EndpointState, "state"), cursor=request.args.get("cursor"))
    healths = queries.find_health(session, [endpoint.id for endpoint in page.items])
    return render("webhooks/index.html", "webhooks/_table.html", page=page, healths=healths, kept=kept_query())


@pages.get("/endpoints.csv")
@requires(Permission.WEBHOOK_READ)
def export() -> Response:
    """The endpoints as a file; a tenant has few."""
    rows = queries.list_endpoints(current_scope().session, search=search_text(), state=choice(EndpointState, "state"), limit=100).items
    return csv_file("webhooks", _COLUMNS, map(_cells, rows))


def _cells(e: WebhookEndpoint) -> tuple[object, ...]:
    return (e.id, e.url, e.description or "", " ".join(e.event_types or ["all"]), " ".join(e.modes), e.state, rfc3339(e.created_at))


def _form(template: str, data: dict[str, Any], errors: Errors, **more: Any) -> Response:
    bridges = list_bridges(current_scope(), limit=100).items
    return render(template, status=422 if errors else 200, data=data, errors=errors, bridges=bridges, **more)


@pages.get("/new")
@requires(Permission.WEBHOOK_CREATE)
def new() -> Response:
    """The form of a new endpoint."""
    return _form("webhooks/new.html", {"modes": [current_scope().mode.value]}, {})


@pages.post("/new")
@requires(Permission.WEBHOOK_CREATE)
def create() -> Response:
    """Add an endpoint."""
    data, errors = load_form(schemas.EndpointIn)
    try:
        endpoint = service.create_endpoint(current_scope(), service.EndpointInput(**data)) if not errors else None
    except DomainError as error:
        errors, endpoint = errors_of(error), None
    if endpoint is None:
        return _form("webhooks/new.html", data, errors)
    flash("The endpoint is added. Copy its secret, then send a test.")
    return redirect_to("webhooks.show", webhook_id=endpoint.id)


def _page(webhook_id: UUID, data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    session = current_scope().session
    endpoint = queries.get_endpoint(session, webhook_id)
    shown = {"url": endpoint.url, "description": endpoint.description, "events": endpoint.event_types, "bridges": endpoint.bridge_ids, "modes": endpoint.modes}
    more = {"health": queries.find_health(session, [webhook_id]).get(webhook_id), **delivery_context(endpoint)}
    return _form("webhooks/show.html", data or shown, errors or {}, endpoint=endpoint, **more)


@pages.get("/<uuid:webhook_id>")
@requires(Permission.WEBHOOK_READ)
def show(webhook_id: UUID) -> Response:
    """One endpoint with its deliveries."""
    return _page(webhook_id)


@pages.post("/<uuid:webhook_id>")
@requires(Permission.WEBHOOK_UPDATE)
def update(webhook_id: UUID) -> Response:
    """Change an endpoint; what is not ticked is not sent."""
    data, errors = load_form(schemas.EndpointIn)
    changes = {"description": None, "events": None, "bridges": None, "modes": list(Mode), **data}
    changes.pop("secret", None)
    try:
        if not errors:
            service.update_endpoint(current_scope(), webhook_id, changes)
    except DomainError as error:
        errors = errors_of(error)
    if errors:
        return _page(webhook_id, data, errors)
    flash("Saved.")
    return redirect_to("webhooks.show", webhook_id=webhook_id)


@pages.get("/<uuid:webhook_id>/secret")
@requires(Permission.WEBHOOK_MANAGE)
def reveal(webhook_id: UUID) -> Response:
    """The secret in the clear; noted in the activity log."""
    return render("webhooks/_secret.html", value=service.reveal_secret(current_scope(), webhook_id))


@pages.post("/<uuid:webhook_id>/rotate")
@requires(Permission.WEBHOOK_MANAGE)
def rotate(webhook_id: UUID) -> Response:
    """Make a new secret."""
    data, errors = load_form(schemas.RotateIn)
    hours = 24 if errors else data["overlap_hours"]
    service.rotate_secret(current_scope(), webhook_id, hours)
    flash(f"A new secret signs. The old one signs too for {hours} hours." if hours else "A new secret signs; the old one is over.")
    return redirect_to("webhooks.show", webhook_id=webhook_id)


@pages.post("/<uuid:webhook_id>/<any(enable, disable):act>")
@requires(Permission.WEBHOOK_UPDATE)
def switch(webhook_id: UUID, act: str) -> Response:
    """Switch an endpoint on or off."""
    (service.enable_endpoint if act == "enable" else service.disable_endpoint)(current_scope(), webhook_id)
    flash("The endpoint is on. Replay what it missed." if act == "enable" else "The endpoint is off: nothing is sent to it.")
    return redirect_to("webhooks.show", webhook_id=webhook_id)


@pages.post("/<uuid:webhook_id>/delete")
@requires(Permission.WEBHOOK_DELETE)
def delete(webhook_id: UUID) -> Response:
    """Remove an endpoint."""
    service.delete_endpoint(current_scope(), webhook_id)
    flash("The endpoint is removed.")
    return redirect_to("webhooks.index")
