"""Acts on templates, and their rendering for a send."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.activity.service import record
from webapp.content import queries, rendering
from webapp.content.models import EmailTemplate
from webapp.content.types import RenderedTemplate
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.tenants.service import check_room, counts
from webapp.tenants.types import LimitName

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,78}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class TemplateInput:
    """What a person or key says about a template."""

    slug: str
    name: str
    subject: str
    html: str | None = None
    text: str | None = None
    active: bool = True


@counts(LimitName.TEMPLATES)
def count_templates(scope: Scope) -> int:
    """How many templates the tenant has."""
    return scope.session.scalar(sa.select(sa.func.count()).select_from(EmailTemplate)) or 0


def create_template(scope: Scope, data: TemplateInput) -> EmailTemplate:
    """Add a template. Raises ``ValidationFailed`` for a part that cannot be read, ``Conflict`` for a slug in use."""
    scope.require(Permission.TEMPLATE_CREATE)
    _check(data)
    check_room(scope, LimitName.TEMPLATES)
    template = EmailTemplate(
        tenant_id=scope.tenant_id, slug=data.slug, name=data.name, subject=data.subject, html=data.html, text=data.text, active=data.active, version=1
    )
    with refuse_on(scope.session, "uq_email_templates_tenant_id_slug", _slug_taken(data.slug)):
        scope.session.add(template)
    record(scope, "template.created", "template", template.id, template.name)
    return template


def update_template(scope: Scope, template_id: UUID, changes: dict[str, Any]) -> EmailTemplate:
    """Change fields of ``TemplateInput``; each change of content counts ``version`` up. Sends use the new content at once."""
    scope.require(Permission.TEMPLATE_UPDATE)
    template = queries.get_template(scope.session, template_id)
    fields = {name: getattr(template, name) for name in ("slug", "name", "subject", "html", "text", "active")}
    data = TemplateInput(**{**fields, **changes})
    _check(data)
    changed = [name for name, old in fields.items() if getattr(data, name) != old]
    with refuse_on(scope.session, "uq_email_templates_tenant_id_slug", _slug_taken(data.slug)):
        for name in changed:
            setattr(template, name, getattr(data, name))
        if {"subject", "html", "text"} & set(changed):
            template.version += 1
    if changed:
        noted = {name: [fields[name], getattr(data, name)] for name in changed}
        record(scope, "template.updated", "template", template.id, template.name, {**noted, "version": template.version})
    return template


def delete_template(scope: Scope, template_id: UUID) -> None:
    """Remove a template; messages already accepted keep what was rendered."""
    scope.require(Permission.TEMPLATE_DELETE)
    template = queries.get_template(scope.session, template_id)
    scope.session.delete(template)
    scope.session.flush()
    record(scope, "template.deleted", "template", template.id, template.name)


def render_template(subject: str, html: str | None, text: str | None, variables: Mapping[str, Any]) -> RenderedTemplate:
    """A template's parts with their variables filled in; for ``accept``, which reads the row itself.

    Raises ``ValidationFailed`` naming every missing variable as ``variables.<name>``.
    """
    return rendering.render_parts(subject, html, text, variables)


def render_by_slug(session: Session, tenant_id: UUID, slug: str, variables: Mapping[str, Any]) -> RenderedTemplate:
    """The active template ``slug`` of a tenant with its variables filled in. Raises as ``render_template``, and ``NotFound`` (param ``template``)."""
    template = queries.find_active(session, tenant_id, slug)
    if template is None:
        refusal = NotFound("active template with this slug")
        refusal.param = "template"
        raise refusal
    return render_template(template.subject, template.html, template.text, variables)


def render_source(subject: str, html: str | None, text: str | None, variables: Mapping[str, Any]) -> RenderedTemplate:
    """The same for a template whose parts the caller has read already. Raises ``ValidationFailed`` as ``render_template`` does."""
    return rendering.render_parts(subject, html, text, variables)


def preview(subject: str, html: str | None, text: str | None, variables: Mapping[str, Any] | None = None) -> RenderedTemplate:
    """How a template looks, saved or not; missing variables stand as their name in brackets. Raises ``ValidationFailed``."""
    return rendering.render_parts(subject, html, text, variables or {}, stand_in=lambda name: f"[{name}]")


def _slug_taken(slug: str) -> Conflict:
    return Conflict(f"There is a template with the slug {slug} already.", param="slug")


def _check(data: TemplateInput) -> None:
    if not _SLUG.fullmatch(data.slug):
        raise ValidationFailed("A slug has 1 to 80 lower-case letters, digits, hyphens and underscores.", param="slug")
    if not data.subject.strip():
        raise ValidationFailed("A template needs a subject.", param="subject")
    rendering.check_parts(data.subject, data.html, data.text)
