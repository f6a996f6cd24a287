"""/tags."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.contacts import queries, schemas, service
from webapp.contacts.api.blueprint import blp
from webapp.contacts.models import Tag
from webapp.http.api import PageArgs
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission


@blp.route("/tags")
class Tags(MethodView):
    """All tags."""

    @requires(Permission.TAG_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.NameQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.TagOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[Tag]:
        """List tags."""
        return queries.list_tags(current_scope().session, **query, **paging)

    @requires(Permission.TAG_CREATE)
    @blp.arguments(schemas.TagIn)
    @blp.answer(201, schemas.TagOut)
    def post(self, data: dict[str, Any]) -> Tag:
        """Create a tag."""
        return service.create_tag(current_scope(), data["name"], data["color"])


@blp.route("/tags/<uuid:tag_id>")
class OneTag(MethodView):
    """One tag."""

    @requires(Permission.TAG_READ)
    @blp.answer(200, schemas.TagOut)
    def get(self, tag_id: UUID) -> Tag:
        """Read a tag."""
        return queries.get_tag(current_scope().session, tag_id)

    @requires(Permission.TAG_UPDATE)
    @blp.arguments(schemas.TagChange)
    @blp.answer(200, schemas.TagOut)
    def patch(self, data: dict[str, Any], tag_id: UUID) -> Tag:
        """Change a tag."""
        return service.update_tag(current_scope(), tag_id, data)

    @requires(Permission.TAG_DELETE)
    @blp.answer(200)
    def delete(self, tag_id: UUID) -> None:
        """Delete a tag; the contacts stay."""
        service.delete_tag(current_scope(), tag_id)
