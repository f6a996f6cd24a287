"""/imports: files on their way into the contacts."""

from __future__ import annotations

from typing import IO, Any
from uuid import UUID

from flask import Response, request

from webapp.contacts import exports, queries, schemas
from webapp.contacts.api.blueprint import blp
from webapp.contacts.models import ContactImport
from webapp.contacts.service.importing import ImportChoices, cancel_import, start_import, take_file
from webapp.http.api import PageArgs
from webapp.http.csv_file import csv_file
from webapp.http.guard import current_scope, requires
from webapp.kernel.errors import ValidationFailed
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission
from webapp.settings import get_settings

_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": "email,first_name,last_name\nada@example.net,Ada,Lovelace\n"},
            "multipart/form-data": {"schema": {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}},
        },
    }
}


@blp.url_value_preprocessor
def _allow_large_files(endpoint: str | None, _: dict[str, Any] | None) -> None:
    """Before anything reads the body: files of contacts may be larger than messages."""
    if endpoint in ("Audience.import_into_list", "Audience.import_contacts"):
        request.max_content_length = get_settings().max_import_bytes + 10_000


@blp.route("/lists/<uuid:list_id>/import", methods=["POST"])
@requires(Permission.LIST_UPDATE)
@blp.doc(**_FILE)
@blp.arguments(schemas.ContactImportForm(unknown="exclude"), location="query")
@blp.answer(202, schemas.ContactImportOut)
def import_into_list(data: dict[str, Any], list_id: UUID) -> ContactImport:
    """Import a CSV file into a list: as the part `file` of a form, or as the body. Read how far it is at `/imports/{id}`."""
    return _begin(data, list_id)


@blp.route("/contacts/import", methods=["POST"])
@requires(Permission.CONTACT_CREATE)
@blp.doc(**_FILE)
@blp.arguments(schemas.ContactImportForm(unknown="exclude"), location="query")
@blp.answer(202, schemas.ContactImportOut)
def import_contacts(data: dict[str, Any]) -> ContactImport:
    """Import a CSV file of contacts: as the part `file` of a form, or as the body."""
    return _begin(data, None)


def _begin(data: dict[str, Any], list_id: UUID | None) -> ContactImport:
    name, stream = _uploaded()
    scope = current_scope()
    made, _ = take_file(scope, stream, name, most=get_settings().max_import_bytes, list_id=list_id)
    mapping = [target or None for target in data["mapping"]] if data["mapping"] is not None else None
    return start_import(scope, made.id, ImportChoices(**{**data, "mapping": mapping}))


def _uploaded() -> tuple[str, IO[bytes]]:
    if request.mimetype == "multipart/form-data":
        upload = next(iter(request.files.values()), None)
        if upload is None:
            raise ValidationFailed("Send the file as the part file of the form.", param="file")
        return upload.filename or "contacts.csv", upload.stream
    return "contacts.csv", request.stream


@blp.route("/imports")
@requires(Permission.CONTACT_READ)
@blp.arguments(PageArgs, location="query")
@blp.answer_page(schemas.ContactImportOut)
def imports(paging: dict[str, Any]) -> Page[ContactImport]:
    """List files so far."""
    return queries.list_imports(current_scope().session, **paging)


@blp.route("/imports/<uuid:contact_import_id>")
@requires(Permission.CONTACT_READ)
@blp.answer(200, schemas.ContactImportOut)
def one_import(contact_import_id: UUID) -> ContactImport:
    """Read how far a file is."""
    return queries.get_import(current_scope().session, contact_import_id)


@blp.route("/imports/<uuid:contact_import_id>/cancel", methods=["POST"])
@requires(Permission.CONTACT_CREATE)
@blp.answer(200, schemas.ContactImportOut)
def cancel(contact_import_id: UUID) -> ContactImport:
    """Stop a file; what it has brought stays."""
    return cancel_import(current_scope(), contact_import_id)


@blp.route("/imports/<uuid:contact_import_id>/errors")
@requires(Permission.CONTACT_READ)
@blp.response(200, {"type": "string"}, content_type="text/csv", description="Row, text and problem of every row that could not be taken")
def errors(contact_import_id: UUID) -> Response:
    """Download the rows that could not be taken, with what is wrong with each."""
    session = current_scope().session
    found = queries.get_import(session, contact_import_id)
    return csv_file("import-errors", exports.ERROR_HEADER, exports.error_rows(session, found.id))
