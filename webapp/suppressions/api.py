"""/suppressions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from webapp.http.api import PageArgs, api_blueprint
from webapp.http.csv_file import csv_file
from webapp.http.guard import current_scope, requires
from webapp.http.uploads import body_lines
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission
from webapp.suppressions import exports, queries, schemas, service
from webapp.suppressions.models import Suppression, SuppressionImport
from webapp.suppressions.queries import ListFilter
from webapp.suppressions.service.importing import Mapping, import_file
from webapp.suppressions.service.people import Wish

blp = api_blueprint("suppressions", "Suppressions: addresses that get no mail")
_WISH = ("scope", "reason", "list_key", "note", "expires_at")


def _wish(data: dict[str, Any]) -> Wish:
    return Wish(**{name: data[name] for name in _WISH})


@blp.route("/suppressions")
class Suppressions(MethodView):
    """All suppressions."""

    @requires(Permission.SUPPRESSION_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.SuppressionQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.SuppressionOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[Suppression]:
        """List suppressed addresses."""
        return queries.list_suppressions(current_scope().session, ListFilter(**query), **paging)

    @requires(Permission.SUPPRESSION_CREATE)
    @blp.arguments(schemas.SuppressionIn)
    @blp.answer(201, schemas.SuppressionOut)
    def post(self, data: dict[str, Any]) -> Suppression:
        """Suppress an address by hand. Doing it again changes nothing."""
        return service.add(current_scope(), data["email"], wish=_wish(data))


@blp.route("/suppressions/batch", methods=["POST"])
@requires(Permission.SUPPRESSION_CREATE)
@blp.arguments(schemas.SuppressionBatch)
@blp.answer(200, schemas.SuppressionBatchOut)
def batch(data: dict[str, Any]) -> dict[str, int]:
    """Suppress up to 1,000 addresses."""
    return {"added": service.add_many(current_scope(), data["emails"], wish=_wish(data))}


@blp.route("/suppressions/batch/remove", methods=["POST"])
@requires(Permission.SUPPRESSION_DELETE)
@blp.arguments(schemas.RemovalBatch)
@blp.answer(200, schemas.RemovalBatchOut)
def batch_remove(data: dict[str, Any]) -> dict[str, int]:
    """Allow mail to up to 1,000 addresses again. More than twenty an hour alarm the operator."""
    return {"removed": service.lift_many(current_scope(), data["emails"], data["reason"])}


@blp.route("/suppressions/check", methods=["POST"])
@requires(Permission.SUPPRESSION_READ)
@blp.arguments(schemas.CheckIn)
@blp.answer(200, schemas.CheckOut)
def check(data: dict[str, Any]) -> dict[str, Any]:
    """Ask what would happen to mail for up to 1,000 addresses."""
    return {"results": service.check(current_scope(), data["emails"], data["list_key"])}


@blp.route("/suppressions/export")
@requires(Permission.SUPPRESSION_READ)
@blp.arguments(schemas.SuppressionQuery(unknown="exclude"), location="query")
@blp.response(200, {"type": "string"}, content_type="text/csv", description="The filtered list")
def export(query: dict[str, Any]) -> Response:
    """Download the list as CSV."""
    return csv_file("suppressions", exports.HEADER, exports.rows(current_scope().session, ListFilter(**query)))


@blp.route("/suppressions/import", methods=["POST"])
@requires(Permission.SUPPRESSION_CREATE)
@blp.doc(requestBody={"required": True, "content": {"text/csv": {"schema": {"type": "string"}, "example": "email,reason\njo@example.net,bounce\n"}}})
@blp.arguments(schemas.ImportQuery(unknown="exclude"), location="query")
@blp.answer(201, schemas.ImportOut)
def import_csv(query: dict[str, Any]) -> SuppressionImport:
    """Suppress every address of a CSV file, sent as the body. Sending it twice changes nothing the second time."""
    mapping = Mapping(query["email_column"], query["reason_column"], _wish(query))
    return import_file(current_scope(), body_lines(), query["filename"], mapping)


@blp.route("/suppressions/imports/<uuid:import_id>")
@requires(Permission.SUPPRESSION_READ)
@blp.answer(200, schemas.ImportOut)
def one_import(import_id: UUID) -> SuppressionImport:
    """Read what a file brought, with a word about each row that could not be taken."""
    return queries.get_import(current_scope(), import_id)


@blp.route("/suppressions/<email>")
class OneSuppression(MethodView):
    """One address."""

    @requires(Permission.SUPPRESSION_READ)
    @blp.answer(200, schemas.AddressOut)
    def get(self, email: str) -> dict[str, Any]:
        """Read everything about one address, and what would happen to mail for it."""
        return exports.of_address(current_scope(), email)

    @requires(Permission.SUPPRESSION_DELETE)
    @blp.arguments(schemas.RemovalQuery(unknown="exclude"), location="query")
    @blp.answer(200)
    def delete(self, query: dict[str, Any], email: str) -> None:
        """Allow mail to an address again, in every scope or in one."""
        service.lift(current_scope(), email, query["reason"], reach=query["scope"], list_key=query["list_key"])
