"""The operator's page: every throttle of the platform, to be lifted, and the hand brake for a provider."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request

from webapp.http.forms import Errors, errors_of, kept_query, search_text
from webapp.http.guard import current_door, staff_only
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.kernel.clock import now
from webapp.kernel.db import unscoped
from webapp.kernel.errors import DomainError, NotFound
from webapp.pace import queries, schemas, service
from webapp.pace.models import Throttle
from webapp.pace.types import provider_name


def register(pages: Blueprint) -> None:
    """Add them to the slice's pages, for staff only."""
    pages.add_url_rule("/platform", "platform", view, methods=["GET"])
    pages.add_url_rule("/platform", "platform_set", set_by_hand, methods=["POST"])
    pages.add_url_rule("/platform/<uuid:throttle_id>/lift", "platform_lift", lift, methods=["POST"])


def _page(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    past = request.args.get("show") == "history"
    with unscoped("staff looks at the throttles of all tenants") as session:
        page = queries.list_all_throttles(session, search=search_text(), in_force=not past, cursor=request.args.get("cursor"))
    context = {"page": page, "past": past, "kept": kept_query(), "now": now(), "data": data or {}, "errors": errors or {}}
    return render("pace/platform.html", None if errors else "pace/_platform.html", 422 if errors else 200, **context)


@staff_only
def view() -> Response:
    """What is throttled, of all tenants."""
    return _page()


@staff_only
def set_by_hand() -> Response:
    """Slow or pause mail to a provider on every address for some minutes."""
    data, errors = load_form(schemas.ThrottleForm)
    try:
        if not errors:
            with unscoped("staff throttles a provider") as session:
                service.set_throttle(session, **data, who=current_door().actor.name)
    except DomainError as error:
        errors = errors_of(error)
    if errors:
        return _page(data, errors)
    flash(f"Every delivery process knows within seconds: {provider_name(data['provider'])}.")
    return redirect_to("pace.platform")


@staff_only
def lift(throttle_id: UUID) -> Response:
    """End a throttle of any tenant."""
    with unscoped("staff lifts a throttle") as session:
        found = session.get(Throttle, throttle_id)
        if found is None:
            raise NotFound("throttle")
        service.end_throttle(session, found, current_door().actor.name)
    flash("Lifted.")
    return redirect_to("pace.platform")
