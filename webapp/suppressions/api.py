"""/suppressions."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from webapp.http.api import PageArgs, api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission
from webapp.suppressions import queries, schemas, service
from webapp.suppressions.models import Suppression

blp = api_blueprint("suppressions", "Suppressions: addresses that get no mail")


@blp.route("/suppressions")
class Suppressions(MethodView):
    """All suppressions."""

    @requires(Permission.SUPPRESSION_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.SuppressionQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.SuppressionOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[Suppression]:
        """List suppressed addresses."""
        return queries.list_suppressions(current_scope().session, **query, **paging)

    @requires(Permission.SUPPRESSION_CREATE)
    @blp.arguments(schemas.SuppressionIn)
    @blp.answer(201, schemas.SuppressionOut)
    def post(self, data: dict[str, Any]) -> Suppression:
        """Suppress an address by hand."""
        return service.add(current_scope(), data["email"], data["scope"])


@blp.route("/suppressions/batch", methods=["POST"])
@requires(Permission.SUPPRESSION_CREATE)
@blp.arguments(schemas.SuppressionBatch)
@blp.answer(200, schemas.SuppressionBatchOut)
def batch(data: dict[str, Any]) -> dict[str, int]:
    """Suppress up to 1,000 addresses."""
    return {"added": service.add_many(current_scope(), data["emails"], data["scope"])}


@blp.route("/suppressions/<email>")
class OneSuppression(MethodView):
    """One address."""

    @requires(Permission.SUPPRESSION_DELETE)
    @blp.answer(200)
    def delete(self, email: str) -> None:
        """Allow mail to an address again, in every scope."""
        service.lift(current_scope(), email)
