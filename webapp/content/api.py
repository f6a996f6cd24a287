"""/templates."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.content import queries, schemas, service
from webapp.content.models import EmailTemplate
from webapp.content.types import RenderedTemplate
from webapp.http.api import PageArgs, api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission

blp = api_blueprint("content", "Subject, HTML and text with variables", "Templates")


@blp.route("/templates")
class Templates(MethodView):
    """All templates."""

    @requires(Permission.TEMPLATE_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.TemplateQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.TemplateOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[EmailTemplate]:
        """List templates."""
        return queries.list_templates(current_scope().session, **query, **paging)

    @requires(Permission.TEMPLATE_CREATE)
    @blp.arguments(schemas.TemplateIn)
    @blp.answer(201, schemas.TemplateOut)
    def post(self, data: dict[str, Any]) -> EmailTemplate:
        """Create a template."""
        return service.create_template(current_scope(), service.TemplateInput(**{**data, "name": data["name"] or data["slug"]}))


@blp.route("/templates/<uuid:template_id>")
class OneTemplate(MethodView):
    """One template."""

    @requires(Permission.TEMPLATE_READ)
    @blp.answer(200, schemas.TemplateOut)
    def get(self, template_id: UUID) -> EmailTemplate:
        """Read a template."""
        return queries.get_template(current_scope().session, template_id)

    @requires(Permission.TEMPLATE_UPDATE)
    @blp.arguments(schemas.TemplateChange)
    @blp.answer(200, schemas.TemplateOut)
    def patch(self, data: dict[str, Any], template_id: UUID) -> EmailTemplate:
        """Change a template; sends use it at once."""
        return service.update_template(current_scope(), template_id, data)

    @requires(Permission.TEMPLATE_DELETE)
    @blp.answer(200)
    def delete(self, template_id: UUID) -> None:
        """Delete a template."""
        service.delete_template(current_scope(), template_id)


@blp.route("/templates/<uuid:template_id>/preview", methods=["POST"])
@requires(Permission.TEMPLATE_READ)
@blp.arguments(schemas.TemplatePreviewIn)
@blp.answer(200, schemas.TemplatePreviewOut)
def preview(data: dict[str, Any], template_id: UUID) -> RenderedTemplate:
    """Fill a template in; sends nothing."""
    template = queries.get_template(current_scope().session, template_id)
    return service.preview(template.subject, template.html, template.text, data["variables"])
