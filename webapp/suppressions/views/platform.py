"""The operator's pages: the list that stops everybody's mail, and tenants that took many addresses off."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response

from webapp.http.forms import Errors, errors_of, search_text
from webapp.http.guard import current_door, staff_only
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.kernel.db import unscoped
from webapp.kernel.errors import DomainError
from webapp.suppressions import schemas
from webapp.suppressions.service import platform


def register(pages: Blueprint) -> None:
    """Add them to the slice's pages, for staff only."""
    pages.add_url_rule("/platform", "platform", view, methods=["GET"])
    pages.add_url_rule("/platform", "platform_add", add, methods=["POST"])
    pages.add_url_rule("/platform/remove", "platform_remove", remove, methods=["POST"])
    pages.add_url_rule("/platform/alarms/<uuid:alarm_id>", "platform_settle", settle, methods=["POST"])


def _page(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    with unscoped("staff looks at the platform's own list") as session:
        entries, alarms = platform.list_platform(session, search_text()), platform.list_alarms(session)
    context = {"entries": entries, "alarms": alarms, "q": search_text() or ""}
    return render("suppressions/platform.html", None, 422 if errors else 200, data=data or {}, errors=errors or {}, **context)


@staff_only
def view() -> Response:
    """The list and the open alarms."""
    return _page()


@staff_only
def add() -> Response:
    """Stop everybody's mail to an address."""
    data, errors = load_form(schemas.PlatformForm)
    if errors:
        return _page(data, errors)
    try:
        with unscoped("staff adds to the platform's own list") as session:
            platform.add_platform(session, data["email"], data["note"], current_door().actor.name)
    except DomainError as error:
        return _page(data, errors_of(error))
    flash(f"Nobody on this platform writes to {data['email']} any more.")
    return redirect_to("suppressions.platform")


@staff_only
def remove() -> Response:
    """Let everybody write to an address again."""
    data, errors = load_form(schemas.PlatformForm)
    if "email" in errors:
        return _page({}, errors)
    with unscoped("staff takes an address off the platform's own list") as session:
        platform.remove_platform(session, data["email"])
    flash(f"{data['email']} can get mail again.")
    return redirect_to("suppressions.platform")


@staff_only
def settle(alarm_id: UUID) -> Response:
    """Somebody has looked at an alarm."""
    with unscoped("staff settles an alarm") as session:
        platform.settle_alarm(session, alarm_id, current_door().actor.name)
    flash("Settled.")
    return redirect_to("suppressions.platform")
