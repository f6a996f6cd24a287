"""Reads of domains, their DKIM keys and their history."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.domains.models import DkimKey, Domain, RecordCheck
from webapp.domains.types import DomainStatus
from webapp.kernel.errors import NotFound
from webapp.kernel.pagination import SORTS, Page, page_of


def get_domain(session: Session, domain_id: UUID, *, lock: bool = False) -> Domain:
    """One of the tenant's domains, ``lock``: as the database has it now, kept from others until the end. Raises ``NotFound``."""
    wanted = sa.select(Domain).where(Domain.id == domain_id)
    domain = session.scalar(wanted.with_for_update().execution_options(populate_existing=True) if lock else wanted)
    if domain is None:
        raise NotFound("domain")
    return domain


def list_domains(
    session: Session,
    *,
    search: str | None = None,
    status: DomainStatus | None = None,
    sort: str = SORTS[0],
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Domain]:
    """The tenant's domains, newest first."""
    statement = sa.select(Domain)
    if search:
        statement = statement.where(Domain.name.contains(search.strip().lower(), autoescape=True))
    if status:
        statement = statement.where(Domain.status == status)
    return page_of(session, statement, Domain.id, limit=limit, cursor=cursor, sort=sort, name=Domain.name)


def has_verified(session: Session) -> bool:
    """Whether any of the tenant's domains may be sent from."""
    return session.scalar(sa.select(Domain.id).where(Domain.verified_at.is_not(None)).limit(1)) is not None


def list_troubled(session: Session, limit: int = 5) -> Sequence[Domain]:
    """The tenant's domains that somebody should look at: failing, off, or sending mail that DMARC fails."""
    signs = sa.exists().where(DkimKey.domain_id == Domain.id, DkimKey.active_at.is_not(None), DkimKey.withdrawn_at.is_(None), DkimKey.retired_at.is_(None))
    unaligned = sa.and_(Domain.verified_at.is_not(None), Domain.checked_at.is_not(None), Domain.return_path_verified_at.is_(None), ~signs)
    wanted = sa.select(Domain).where(sa.or_(Domain.status.in_([DomainStatus.FAILING, DomainStatus.OFF]), unaligned))
    return session.scalars(wanted.order_by(Domain.id.desc()).limit(limit)).all()


def list_keys(session: Session, domain_id: UUID) -> Sequence[DkimKey]:
    """The keys of a domain that are not retired: the newest pair first, RSA before Ed25519."""
    return [key for key in list_all_keys(session, domain_id) if key.retired_at is None]


def list_all_keys(session: Session, domain_id: UUID) -> Sequence[DkimKey]:
    """The same with those that are destroyed."""
    wanted = sa.select(DkimKey).where(DkimKey.domain_id == domain_id)
    return session.scalars(wanted.order_by(DkimKey.number.desc(), DkimKey.algorithm.desc())).all()


def last_key_number(session: Session, domain_id: UUID) -> int:
    """The number of the newest key there ever was."""
    return session.scalar(sa.select(sa.func.max(DkimKey.number)).where(DkimKey.domain_id == domain_id)) or 0


def choose_signing(keys: Sequence[DkimKey]) -> list[DkimKey]:
    """Of a domain's keys, those that sign now: of each algorithm the newest that is published as it should be."""
    usable = [key for key in keys if key.active_at and not key.withdrawn_at and not key.retired_at]
    newest = {key.algorithm: key for key in sorted(usable, key=lambda key: key.number)}
    return [newest[algorithm] for algorithm in sorted(newest, reverse=True)]


def find_covering(session: Session, tenant_id: UUID, name: str) -> Domain | None:
    """The tenant's verified domain that covers ``name``: itself, or the nearest parent that covers its sub-domains."""
    labels = name.split(".")
    names = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    return session.scalar(
        sa.select(Domain)
        .where(
            Domain.tenant_id == tenant_id,
            Domain.verified_at.is_not(None),
            Domain.name.in_(names),
            sa.or_(Domain.name == name, Domain.covers_subdomains),
        )
        .order_by(sa.func.length(Domain.name).desc())
        .limit(1)
    )


def list_checks(session: Session, domain_id: UUID, *, limit: int = 50, cursor: str | None = None) -> Page[RecordCheck]:
    """What checks of a domain found, the stretch that began last first."""
    return page_of(session, sa.select(RecordCheck).where(RecordCheck.domain_id == domain_id), RecordCheck.id, limit=limit, cursor=cursor)
