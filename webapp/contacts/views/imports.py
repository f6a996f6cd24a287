"""Pages of files: upload, naming of columns, progress, result."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.contacts import exports, forms, queries
from webapp.contacts.csv_pieces import RowReader
from webapp.contacts.models import ContactImport
from webapp.contacts.service.importing import ImportChoices, cancel_import, start_import, take_file
from webapp.contacts.types import PLAIN_FIELDS, ImportState
from webapp.contacts.views.blueprint import pages
from webapp.http.csv_file import csv_file
from webapp.http.forms import Errors, errors_of
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.kernel.clock import now
from webapp.kernel.errors import DomainError, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.settings import get_settings

_SHOWN_ROWS = 5


@pages.url_value_preprocessor
def _allow_large_files(endpoint: str | None, _: dict[str, Any] | None) -> None:
    """Before anything reads the form: files of contacts may be larger than other requests."""
    if endpoint == "contacts.take_upload":
        request.max_content_length = get_settings().max_import_bytes + 10_000


def _upload_page(data: dict[str, Any], errors: Errors) -> Response:
    session = current_scope().session
    chosen = data.get("list_id") or request.args.get("list")
    lists, imports = queries.list_choices(session), queries.list_imports(session, limit=20).items
    return render("contacts/upload.html", None, 422 if errors else 200, data=data, errors=errors, chosen=chosen, lists=lists, imports=imports)


@pages.get("/contacts/import")
@requires(Permission.CONTACT_CREATE)
def upload() -> Response:
    """Choose a file, or paste rows."""
    return _upload_page({}, {})


@pages.post("/contacts/import")
@requires(Permission.CONTACT_CREATE)
def take_upload() -> Response:
    """Keep the file and go on to its columns."""
    data, errors = load_form(forms.UploadForm)
    try:
        name, stream = _given()
        made, _ = take_file(current_scope(), stream, name, most=get_settings().max_import_bytes, list_id=data.get("list_id")) if not errors else (None, None)
    except DomainError as error:
        errors, made = errors_of(error), None
    return _upload_page(data, errors) if made is None else redirect_to("contacts.one_import", contact_import_id=made.id)


def _given() -> tuple[str, Any]:
    upload, pasted = request.files.get("file"), request.form.get("pasted", "").strip()
    if upload is not None and upload.filename:
        return upload.filename, upload.stream
    if not pasted:
        raise ValidationFailed("Choose a file, or paste rows.", param="file")
    return "Pasted rows", io.BytesIO(pasted.encode())


def _mapping_page(found: ContactImport, errors: Errors, chosen: list[str | None] | None = None, data: dict[str, Any] | None = None) -> Response:
    keys = sorted({target for target in found.mapping if target and target.startswith("metadata.")})
    return render(
        "contacts/mapping.html", None, 422 if errors else 200, job=found, errors=errors, rows=_first_rows(found), chosen=chosen or found.mapping,
        data=data or {"update_existing": True}, targets=[*PLAIN_FIELDS, "tags", *keys], list=_list_of(found),
    )  # fmt: skip


def _first_rows(found: ContactImport) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in RowReader(found.blobs, found.delimiter):
            if any(row):
                rows.append([cell[:80] for cell in row])
            if len(rows) > _SHOWN_ROWS:
                break
    except (csv.Error, OSError):
        return rows
    return rows[1:] if found.has_header else rows[:_SHOWN_ROWS]


def _list_of(found: ContactImport) -> Any:
    return queries.get_list(current_scope().session, found.list_id) if found.list_id else None


@pages.get("/imports/<uuid:contact_import_id>")
@requires(Permission.CONTACT_READ)
def one_import(contact_import_id: UUID) -> Response:
    """The columns of a file, or how far it is."""
    found = queries.get_import(current_scope().session, contact_import_id)
    if found.state == ImportState.MAPPING:
        return _mapping_page(found, {})
    seconds = ((found.finished_at or now()) - (found.started_at or found.created_at)).total_seconds() or 1
    rate = found.rows / seconds
    left = (found.size - found.position) / max(1.0, found.position / seconds)
    return render("contacts/import.html", "contacts/_import.html", job=found, list=_list_of(found), rate=rate, left=left, seconds=seconds)


@pages.post("/imports/<uuid:contact_import_id>")
@requires(Permission.CONTACT_CREATE)
def begin_import(contact_import_id: UUID) -> Response:
    """Begin with the columns as named."""
    found = queries.get_import(current_scope().session, contact_import_id)
    data, errors = load_form(forms.MappingForm)
    mapping = [target or None for target in request.form.getlist("mapping")[:1000]]
    try:
        if not errors:
            start_import(current_scope(), found.id, ImportChoices(mapping, data["update_existing"], data["already_confirmed"], data["tags"].split(",")))
    except DomainError as error:
        errors = errors_of(error)
    return _mapping_page(found, errors, mapping, data) if errors else redirect_to("contacts.one_import", contact_import_id=found.id)


@pages.post("/imports/<uuid:contact_import_id>/cancel")
@requires(Permission.CONTACT_CREATE)
def cancel_one_import(contact_import_id: UUID) -> Response:
    """Stop a file."""
    cancel_import(current_scope(), contact_import_id)
    flash("Stopped. What the file has brought so far stays.")
    return redirect_to("contacts.one_import", contact_import_id=contact_import_id)


@pages.get("/imports/<uuid:contact_import_id>/errors.csv")
@requires(Permission.CONTACT_READ)
def import_errors(contact_import_id: UUID) -> Response:
    """The rows that could not be taken."""
    session = current_scope().session
    return csv_file("import-errors", exports.ERROR_HEADER, exports.error_rows(session, queries.get_import(session, contact_import_id).id))
