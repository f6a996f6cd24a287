"""Pages of suppressions."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from webapp.http.csv_file import csv_file
from webapp.http.forms import Errors, choice, errors_of, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, page_blueprint, redirect_to, render
from webapp.kernel.clock import rfc3339
from webapp.kernel.errors import DomainError
from webapp.kernel.permissions import Permission
from webapp.suppressions import queries, schemas, service
from webapp.suppressions.types import SuppressionReason

pages = page_blueprint("suppressions", "/suppressions")
_LARGEST_EXPORT = 100


def _page(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    session, cursor = current_scope().session, request.args.get("cursor")
    page = queries.list_suppressions(session, search=search_text(), reason=choice(SuppressionReason, "reason"), cursor=cursor)
    fragment = None if errors else "suppressions/_table.html"
    return render("suppressions/index.html", fragment, 422 if errors else 200, page=page, kept=kept_query(), data=data or {}, errors=errors or {})


@pages.get("/")
@requires(Permission.SUPPRESSION_READ)
def index() -> Response:
    """Addresses that get no mail, and why."""
    return _page()


@pages.post("/")
@requires(Permission.SUPPRESSION_CREATE)
def create() -> Response:
    """Suppress an address by hand."""
    data, errors = load_form(schemas.SuppressionIn)
    try:
        row = service.add(current_scope(), data["email"], data["scope"]) if not errors else None
    except DomainError as error:
        errors, row = errors_of(error), None
    if row is None:
        return _page(data, errors)
    flash(f"{row.address} gets no mail from now on.")
    return redirect_to("suppressions.index")


@pages.post("/lift")
@requires(Permission.SUPPRESSION_DELETE)
def lift() -> Response:
    """Allow mail to an address again."""
    email = request.form.get("email", "")
    service.lift(current_scope(), email)
    flash(f"{email} can get mail again.")
    return redirect_to("suppressions.index")


@pages.get("/export.csv")
@requires(Permission.SUPPRESSION_READ)
def export() -> Response:
    """The filtered list as CSV, up to 10,000 rows."""
    rows: list[tuple[object, ...]] = []
    cursor: str | None = None
    for _ in range(_LARGEST_EXPORT):
        page = queries.list_suppressions(
            current_scope().session, search=search_text(), reason=choice(SuppressionReason, "reason"), limit=100, cursor=cursor
        )
        rows += [(r.address, r.scope, r.reason, r.source, rfc3339(r.created_at), rfc3339(r.expires_at)) for r in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    return csv_file("suppressions", ("email", "scope", "reason", "source", "created_at", "expires_at"), rows)
