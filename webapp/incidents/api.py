"""/incidents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.http.api import PageArgs, api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.incidents import queries, schemas, service
from webapp.incidents.models import Incident
from webapp.incidents.types import Preview
from webapp.kernel.ids import uuid7
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission

blp = api_blueprint("incidents", "Incidents: bounces that were our fault, undone")


@blp.route("/incidents")
class Incidents(MethodView):
    """All of them."""

    @requires(Permission.SUPPRESSION_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.IncidentQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.IncidentOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[Incident]:
        """List incidents."""
        return queries.list_incidents(current_scope().session, query["search"], **paging)

    @requires(Permission.SUPPRESSION_DELETE)
    @blp.arguments(schemas.UndoIn)
    @blp.answer(201, schemas.IncidentOut)
    def post(self, data: dict[str, Any]) -> Incident:
        """Lift bounces with the suppressions they caused, and send again what is still of use. Needs `email.send` too."""
        return service.undo(current_scope(), data["key"] or str(uuid7()), schemas.filter_in(data), data["note"])


@blp.route("/incidents/preview", methods=["POST"])
@requires(Permission.SUPPRESSION_READ)
@blp.arguments(schemas.FilterIn)
@blp.answer(200, schemas.PreviewOut)
def preview(data: dict[str, Any]) -> Preview:
    """Ask what an undoing would do now; changes nothing."""
    return service.look(current_scope(), schemas.filter_in(data))


@blp.route("/incidents/<uuid:incident_id>")
@requires(Permission.SUPPRESSION_READ)
@blp.answer(200, schemas.IncidentOut)
def one_incident(incident_id: UUID) -> Incident:
    """Read one incident and what came of it so far."""
    return queries.get_incident(current_scope(), incident_id)
