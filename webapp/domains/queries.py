"""Reads of domains and their DKIM keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.domains.models import DkimKey, Domain
from webapp.domains.types import DomainStatus
from webapp.kernel.errors import NotFound
from webapp.kernel.pagination import Page, page_of


def get_domain(session: Session, domain_id: UUID) -> Domain:
    """One of the tenant's domains. Raises ``NotFound``."""
    domain = session.scalar(sa.select(Domain).where(Domain.id == domain_id))
    if domain is None:
        raise NotFound("domain")
    return domain


def list_domains(
    session: Session, *, search: str | None = None, status: DomainStatus | None = None, limit: int = 50, cursor: str | None = None
) -> Page[Domain]:
    """The tenant's domains, newest first."""
    statement = sa.select(Domain)
    if search:
        statement = statement.where(Domain.name.contains(search.strip().lower(), autoescape=True))
    if status:
        statement = statement.where(Domain.status == status)
    return page_of(session, statement, Domain.id, limit=limit, cursor=cursor)


def list_keys(session: Session, domain_id: UUID) -> Sequence[DkimKey]:
    """The keys of a domain that are not retired, oldest first."""
    return session.scalars(
        sa.select(DkimKey).where(DkimKey.domain_id == domain_id, DkimKey.retired_at.is_(None)).order_by(DkimKey.algorithm.desc(), DkimKey.id)
    ).all()


def find_covering(session: Session, tenant_id: UUID, name: str) -> Domain | None:
    """The tenant's verified domain that covers ``name``: itself, or the nearest parent that covers its sub-domains."""
    labels = name.split(".")
    names = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    return session.scalar(
        sa.select(Domain)
        .where(
            Domain.tenant_id == tenant_id,
            Domain.status == DomainStatus.VERIFIED,
            Domain.name.in_(names),
            sa.or_(Domain.name == name, Domain.covers_subdomains),
        )
        .order_by(sa.func.length(Domain.name).desc())
        .limit(1)
    )


def list_active_keys(session: Session, domain_ids: Iterable[UUID]) -> Sequence[DkimKey]:
    """The keys mail is signed with now."""
    return session.scalars(
        sa.select(DkimKey)
        .where(DkimKey.domain_id.in_(list(domain_ids)), DkimKey.active_at.is_not(None), DkimKey.retired_at.is_(None))
        .order_by(DkimKey.algorithm.desc(), DkimKey.id)
    ).all()
