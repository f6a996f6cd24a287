"""Reads of templates."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.content.models import EmailTemplate
from webapp.kernel.errors import NotFound
from webapp.kernel.pagination import Page, page_of


def get_template(session: Session, template_id: UUID) -> EmailTemplate:
    """One template. Raises ``NotFound``."""
    template = session.scalar(sa.select(EmailTemplate).where(EmailTemplate.id == template_id))
    if template is None:
        raise NotFound("template")
    return template


def find_active(session: Session, tenant_id: UUID, slug: str) -> EmailTemplate | None:
    """The template that sends with this slug use."""
    wanted = sa.select(EmailTemplate).where(EmailTemplate.tenant_id == tenant_id, EmailTemplate.slug == slug, EmailTemplate.active)
    return session.scalar(wanted)


def list_templates(
    session: Session, *, search: str | None = None, active: bool | None = None, limit: int = 50, cursor: str | None = None
) -> Page[EmailTemplate]:
    """Templates, newest first. ``search``: part of name, slug or subject."""
    statement = sa.select(EmailTemplate)
    if search:
        columns = (EmailTemplate.name, EmailTemplate.slug, EmailTemplate.subject)
        statement = statement.where(sa.or_(*(column.icontains(search.strip(), autoescape=True) for column in columns)))
    if active is not None:
        statement = statement.where(EmailTemplate.active.is_(active))
    return page_of(session, statement, EmailTemplate.id, limit=limit, cursor=cursor)
