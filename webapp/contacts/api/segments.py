"""/segments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.contacts import queries, schemas, service
from webapp.contacts.api.blueprint import blp
from webapp.contacts.models import Contact, Segment
from webapp.http.api import PageArgs
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission


@blp.route("/segments")
class Segments(MethodView):
    """All segments."""

    @requires(Permission.SEGMENT_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.NameQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.SegmentOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[Segment]:
        """List segments."""
        return queries.list_segments(current_scope().session, **query, **paging)

    @requires(Permission.SEGMENT_CREATE)
    @blp.arguments(schemas.SegmentIn)
    @blp.answer(201, schemas.SegmentOut)
    def post(self, data: dict[str, Any]) -> Segment:
        """Create a segment."""
        return service.create_segment(current_scope(), data["name"], data["rules"], data["description"])


@blp.route("/segments/<uuid:segment_id>")
class OneSegment(MethodView):
    """One segment."""

    @requires(Permission.SEGMENT_READ)
    @blp.answer(200, schemas.SegmentOut)
    def get(self, segment_id: UUID) -> Segment:
        """Read a segment."""
        return queries.get_segment(current_scope().session, segment_id)

    @requires(Permission.SEGMENT_UPDATE)
    @blp.arguments(schemas.SegmentChange)
    @blp.answer(200, schemas.SegmentOut)
    def patch(self, data: dict[str, Any], segment_id: UUID) -> Segment:
        """Change a segment."""
        return service.update_segment(current_scope(), segment_id, data)

    @requires(Permission.SEGMENT_DELETE)
    @blp.answer(200)
    def delete(self, segment_id: UUID) -> None:
        """Delete a segment; the contacts stay."""
        service.delete_segment(current_scope(), segment_id)


@blp.route("/segments/preview", methods=["POST"])
@requires(Permission.SEGMENT_READ)
@blp.arguments(schemas.SegmentRulesIn)
@blp.answer(200, schemas.SegmentCountOut)
def preview(data: dict[str, Any]) -> dict[str, int]:
    """Count whom rules would choose; nothing is kept."""
    return {"count": service.preview_segment(current_scope(), data["rules"])}


@blp.route("/segments/<uuid:segment_id>/count")
@requires(Permission.SEGMENT_READ)
@blp.answer(200, schemas.SegmentCountOut)
def count(segment_id: UUID) -> dict[str, int]:
    """Count who is in now."""
    scope = current_scope()
    return {"count": service.preview_segment(scope, queries.get_segment(scope.session, segment_id).rules)}


@blp.route("/segments/<uuid:segment_id>/contacts")
@requires(Permission.SEGMENT_READ)
@blp.arguments(PageArgs, location="query")
@blp.answer_page(schemas.ContactOut)
def contacts(paging: dict[str, Any], segment_id: UUID) -> Page[Contact]:
    """List who is in now."""
    session = current_scope().session
    return queries.list_in(session, queries.get_segment(session, segment_id).rules, **paging)


@blp.route("/segments/<uuid:segment_id>/contacts/<uuid:contact_id>")
@requires(Permission.SEGMENT_READ)
@blp.answer(200, schemas.SegmentWhyOut)
def why(segment_id: UUID, contact_id: UUID) -> dict[str, Any]:
    """Ask why a contact is in or not: every condition, and whether it holds."""
    session = current_scope().session
    is_in, conditions = queries.why_in(session, queries.get_segment(session, segment_id).rules, contact_id)
    return {"is_in": is_in, "conditions": [{"condition": condition, "holds": holds} for condition, holds in conditions]}
