"""Pages of templates: list, editor, preview."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.content import queries, schemas, service
from webapp.content.rendering import variables_of
from webapp.content.types import RenderedTemplate
from webapp.http.forms import Errors, errors_of, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.mail_view import plain, sandboxed_html
from webapp.http.pages import flash, load_form, page_blueprint, redirect_to, render
from webapp.kernel.errors import DomainError, ValidationFailed
from webapp.kernel.permissions import Permission

pages = page_blueprint("content", "/templates")

_STARTER = {
    "subject": "Your order {{ order.number }} is on its way",
    "html": "<h1>Thank you, {{ first_name }}</h1>\n<p>Your order {{ order.number }} left our house today.</p>\n",
    "text": "Thank you, {{ first_name }}.\nYour order {{ order.number }} left our house today.\n",
}


@pages.get("/")
@requires(Permission.TEMPLATE_READ)
def index() -> Response:
    """The tenant's templates."""
    page = queries.list_templates(current_scope().session, search=search_text(), cursor=request.args.get("cursor"))
    return render("content/index.html", "content/_table.html", page=page, kept=kept_query())


def _editor(data: dict[str, Any], errors: Errors, template_id: UUID | None = None) -> Response:
    template = queries.get_template(current_scope().session, template_id) if template_id else None
    used = variables_of(data.get("subject") or "", data.get("html"), data.get("text"))
    return render("content/editor.html", status=422 if errors else 200, data=data, errors=errors, template=template, used=used)


@pages.get("/new")
@requires(Permission.TEMPLATE_CREATE)
def new() -> Response:
    """The editor with a starter."""
    return _editor({**_STARTER, "active": True}, {})


@pages.post("/new")
@requires(Permission.TEMPLATE_CREATE)
def create() -> Response:
    """Save a new template."""
    data, errors = load_form(schemas.TemplateForm)
    try:
        template = service.create_template(current_scope(), service.TemplateInput(**data)) if not errors else None
    except DomainError as error:
        errors, template = errors_of(error), None
    if template is None:
        return _editor(data, errors)
    flash(f'Saved. Send with it by "template": "{template.slug}".')
    return redirect_to("content.edit", template_id=template.id)


@pages.get("/<uuid:template_id>")
@requires(Permission.TEMPLATE_READ)
def edit(template_id: UUID) -> Response:
    """The editor."""
    template = queries.get_template(current_scope().session, template_id)
    return _editor({name: getattr(template, name) for name in ("slug", "name", "subject", "html", "text", "active")}, {}, template_id)


@pages.post("/<uuid:template_id>")
@requires(Permission.TEMPLATE_UPDATE)
def update(template_id: UUID) -> Response:
    """Save changes; sends use them at once."""
    data, errors = load_form(schemas.TemplateForm)
    try:
        if not errors:
            service.update_template(current_scope(), template_id, data)
    except DomainError as error:
        errors = errors_of(error)
    if errors:
        return _editor(data, errors, template_id)
    flash("Saved. Sends use it from now on.")
    return redirect_to("content.edit", template_id=template_id)


@pages.post("/<uuid:template_id>/delete")
@requires(Permission.TEMPLATE_DELETE)
def delete(template_id: UUID) -> Response:
    """Delete a template."""
    service.delete_template(current_scope(), template_id)
    flash("The template is deleted.")
    return redirect_to("content.index")


@pages.get("/<uuid:template_id>/preview")
@requires(Permission.TEMPLATE_READ)
def preview(template_id: UUID) -> Response:
    """A saved template, filled in with the names of its variables, for the editor's frame."""
    template = queries.get_template(current_scope().session, template_id)
    return _shown(service.preview(template.subject, template.html, template.text))


@pages.post("/preview")
@requires(Permission.TEMPLATE_READ)
def preview_draft() -> Response:
    """What stands in the editor now, for its frame: the form is posted into it."""
    data, errors = load_form(schemas.DraftForm)
    try:
        if errors:
            raise ValidationFailed(next(iter(errors.values()))[0])
        return _shown(service.preview(data["subject"], data["html"], data["text"], _values(data["variables"])))
    except ValidationFailed as error:
        return plain(error.message)


def _values(text: str) -> dict[str, Any]:
    """The test values of the editor. Raises ``ValidationFailed``."""
    try:
        values = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise ValidationFailed("The test values are not a JSON object.", param="variables")
    return values


def _shown(rendered: RenderedTemplate) -> Response:
    return plain(rendered.text or "") if request.values.get("part") == "text" or rendered.html is None else sandboxed_html(rendered.html)
