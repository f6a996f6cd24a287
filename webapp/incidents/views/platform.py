"""Incidents of the platform: staff undoes bounces of all tenants at once, and each tenant finds it in its own log."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from webapp.http.forms import Errors, errors_of
from webapp.http.guard import current_door, staff_only
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.incidents import forms, queries, schemas, service
from webapp.incidents.types import Preview
from webapp.kernel.db import unscoped
from webapp.kernel.errors import DomainError


def register(pages: Blueprint) -> None:
    """Add them to the slice's pages, for staff only."""
    pages.add_url_rule("/platform", "platform", view, methods=["GET"])
    pages.add_url_rule("/platform/preview", "platform_preview", preview, methods=["POST"])
    pages.add_url_rule("/platform", "platform_undo", undo, methods=["POST"])


def _page(data: dict[str, Any], errors: Errors, found: Preview | None = None) -> Response:
    with unscoped("staff looks at incidents of all tenants") as session:
        incidents = queries.list_incidents(session, limit=100).items
    status = 422 if errors else 200
    context = {"preview": found, "token": forms.new_token(), "classes": forms.CLASSES, "incidents": incidents}
    return render("incidents/platform.html", None, status, data=data, errors=errors, **context)


@staff_only
def view() -> Response:
    """The form and what was undone so far."""
    return _page(forms.defaults(), {})


@staff_only
def preview() -> Response:
    """What undoing these bounces would do to everybody's mail."""
    data, errors = load_form(schemas.FilterForm)
    found: Preview | None = None
    if not errors:
        wanted = schemas.filter_in(data)
        try:
            service.check(wanted)
            with unscoped("staff previews an incident of all tenants") as session:
                found = queries.preview(session, wanted, None)
        except DomainError as error:
            errors = errors_of(error)
    return _page(forms.shown(data, errors), errors, found)


@staff_only
def undo() -> Response:
    """Undo them: one incident in each tenant, done by the worker."""
    data, errors = load_form(schemas.UndoForm)
    if errors:
        return _page(forms.shown(data, errors), errors)
    try:
        with unscoped("staff undoes bounces of all tenants") as session:
            made = service.undo_everywhere(session, data["key"], schemas.filter_in(data), data["note"], current_door().actor)
    except DomainError as error:
        return _page(forms.shown(data, errors), errors_of(error))
    flash(f"Under way in {len(made)} tenants.")
    return redirect_to("incidents.platform")
