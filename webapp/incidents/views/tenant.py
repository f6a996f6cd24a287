"""Pages of incidents: choose the bounces, see what would happen, undo."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.bridges.service import bridge_names
from webapp.http.csv_file import csv_file
from webapp.http.forms import Errors, errors_of, find_url, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, page_blueprint, redirect_to, render
from webapp.incidents import forms, queries, schemas, service
from webapp.incidents.models import Incident
from webapp.incidents.types import IncidentStatus
from webapp.incidents.views.platform import register
from webapp.kernel.errors import DomainError
from webapp.kernel.permissions import Permission

pages = page_blueprint("incidents", "/incidents")
register(pages)


def _page(data: dict[str, Any], errors: Errors, **more: Any) -> Response:
    scope = current_scope()
    status = 422 if errors else 200
    page = queries.list_incidents(scope.session, search_text(), cursor=request.args.get("cursor"))
    context = {"page": page, "kept": kept_query(), "bridges": bridge_names(scope), "classes": forms.CLASSES}
    fragment = "incidents/_list.html" if request.method == "GET" else None
    return render("incidents/index.html", fragment, status, data=data, errors=errors, **context, **more)


@pages.get("/")
@requires(Permission.SUPPRESSION_READ)
def index() -> Response:
    """What was undone so far, and the form for the next time."""
    return _page(forms.defaults(), {})


@pages.get("/export.csv")
@requires(Permission.SUPPRESSION_READ)
def export() -> Response:
    """The filtered list as CSV, up to 10,000 rows."""
    return csv_file("incidents", forms.HEADER, forms.rows(current_scope().session, search_text()))


@pages.post("/preview")
@requires(Permission.SUPPRESSION_READ)
def preview() -> Response:
    """What undoing these bounces would do."""
    data, errors = load_form(schemas.FilterForm)
    try:
        found = service.look(current_scope(), schemas.filter_in(data)) if not errors else None
    except DomainError as error:
        found, errors = None, errors_of(error)
    return _page(forms.shown(data, errors), errors, preview=found, token=forms.new_token())


@pages.post("/")
@requires(Permission.SUPPRESSION_DELETE)
def undo() -> Response:
    """Lift them, and send again what is still of use. Pressing twice is pressing once."""
    data, errors = load_form(schemas.UndoForm)
    done: Incident | None = None
    try:
        done = service.undo(current_scope(), data["key"], schemas.filter_in(data), data["note"]) if not errors else None
    except DomainError as error:
        errors = errors_of(error)
    if done is None:
        return _page(forms.shown(data, errors), errors)
    flash(f"{done.requeued:,} recipients are written to again." if done.status == IncidentStatus.DONE else "Under way.")
    return redirect_to("incidents.show", incident_id=done.id)


@pages.get("/<uuid:incident_id>")
@requires(Permission.SUPPRESSION_READ)
def show(incident_id: UUID) -> Response:
    """One incident, live until it is done."""
    found = queries.get_incident(current_scope(), incident_id)
    activity = find_url("activity.panel", object_id=found.id)
    return render("incidents/show.html", "incidents/_state.html", incident=found, activity_url=activity)
