"""Pages of suppressions: the list, one address, files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.http.csv_file import csv_file
from webapp.http.forms import Errors, choice, errors_of, find_url, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, page_blueprint, redirect_to, render
from webapp.http.uploads import file_lines
from webapp.kernel.errors import DomainError
from webapp.kernel.ids import uuid7_time
from webapp.kernel.permissions import Permission
from webapp.suppressions import exports, queries, schemas, service, why
from webapp.suppressions.models import Suppression, SuppressionImport
from webapp.suppressions.queries import ListFilter
from webapp.suppressions.service.importing import Mapping, import_file
from webapp.suppressions.service.people import Wish
from webapp.suppressions.types import WRITABLE_REASONS, WRITABLE_SCOPES, SuppressionReason, SuppressionScope
from webapp.suppressions.views.platform import register

pages = page_blueprint("suppressions", "/suppressions")
register(pages)
_WISH = ("scope", "reason", "list_key", "note", "expires_at")


def _wanted() -> ListFilter:
    source = "".join(c for c in request.args.get("source", "") if c.isprintable())[:100]
    return ListFilter(search_text(), choice(SuppressionReason, "reason"), choice(SuppressionScope, "scope"), source or None)


def _page(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    session, wanted = current_scope().session, _wanted()
    page = queries.list_suppressions(session, wanted, cursor=request.args.get("cursor"))
    fragment = None if errors else "suppressions/_table.html"
    return render(
        "suppressions/index.html", fragment, 422 if errors else 200, page=page, kept=kept_query(), data=data or {}, errors=errors or {},
        total=queries.count_suppressions(session, wanted), sources=queries.list_sources(session), scopes=WRITABLE_SCOPES, reasons=WRITABLE_REASONS,
    )  # fmt: skip


def _wish(data: dict[str, Any]) -> Wish:
    return Wish(**{name: data[name] for name in _WISH})


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
    row: Suppression | None = None
    try:
        row = service.add(current_scope(), data["email"], wish=_wish(data)) if not errors else None
    except DomainError as error:
        errors = errors_of(error)
    if row is None:
        return _page(data, errors)
    flash(f"{row.address} is on the list.")
    return redirect_to("suppressions.index")


@pages.get("/why")
@requires(Permission.SUPPRESSION_READ)
def explain() -> Response:
    """Why an address gets no mail, what said so, and what would happen to each kind of mail."""
    return _explain(request.args.get("email", ""))


def _explain(email: str, data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    try:
        story = why.tell(current_scope(), email)
    except DomainError as error:
        return render("suppressions/why.html", story=None, email=email, problem=error.message, data={}, errors={})
    status, link = 422 if errors else 200, find_url("messages.show", message_id=UUID(int=0))
    context = {"story": story, "email": story.address, "link": link, "removed_at": uuid7_time}
    return render("suppressions/why.html", None, status, data=data or {}, errors=errors or {}, **context)


@pages.post("/lift")
@requires(Permission.SUPPRESSION_DELETE)
def lift() -> Response:
    """Allow mail to an address again; the reason stands in the activity log."""
    data, errors = load_form(schemas.RemovalForm)
    if errors and "email" not in errors:
        return _explain(request.form.get("email", ""), data, errors)
    service.lift(current_scope(), request.form.get("email", ""), data.get("note"))
    flash(f"{data['email']} can get mail again.")
    return redirect_to("suppressions.index")


@pages.get("/export.csv")
@requires(Permission.SUPPRESSION_READ)
def export() -> Response:
    """The filtered list as CSV, all of it."""
    return csv_file("suppressions", exports.HEADER, exports.rows(current_scope().session, _wanted()))


@pages.get("/import")
@requires(Permission.SUPPRESSION_CREATE)
def upload() -> Response:
    """Where a file is given."""
    return _upload_page({}, {})


def _upload_page(data: dict[str, Any], errors: Errors) -> Response:
    imports = queries.list_imports(current_scope().session)
    status = 422 if errors else 200
    return render(
        "suppressions/import.html", None, status, imports=imports, data=data, errors=errors, scopes=WRITABLE_SCOPES, reasons=WRITABLE_REASONS,
    )  # fmt: skip


@pages.post("/import")
@requires(Permission.SUPPRESSION_CREATE)
def do_import() -> Response:
    """Suppress every address of a file."""
    data, errors = load_form(schemas.ImportQuery)
    found: SuppressionImport | None = None
    try:
        found = _import(data) if not errors else None
    except DomainError as error:
        errors = errors_of(error)
    if found is None:
        return _upload_page(data, errors)
    return redirect_to("suppressions.imported", import_id=found.id)


def _import(data: dict[str, Any]) -> SuppressionImport:
    filename, lines = file_lines("file")
    return import_file(current_scope(), lines, filename, Mapping(data["email_column"], data["reason_column"], _wish(data)))


@pages.get("/imports/<uuid:import_id>")
@requires(Permission.SUPPRESSION_READ)
def imported(import_id: UUID) -> Response:
    """What a file brought."""
    return render("suppressions/imported.html", found=queries.get_import(current_scope(), import_id))


@pages.get("/imports/<uuid:import_id>/problems.csv")
@requires(Permission.SUPPRESSION_READ)
def problems(import_id: UUID) -> Response:
    """The rows that could not be taken, as CSV."""
    found = queries.get_import(current_scope(), import_id)
    return csv_file("import-problems", ("line", "text", "problem"), found.problems)
