"""Letters to the owners of a tenant about a domain: noted in the transaction of the change, mailed by a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.models import owner_addresses
from webapp.domains.models import Domain, DomainNotice
from webapp.domains.types import NoticeKind
from webapp.kernel.clock import now
from webapp.kernel.jobs import QueueName, enqueue_after_commit


@dataclass(frozen=True, slots=True)
class WaitingNotice:
    """A notice that was not mailed yet. ``to``: the addresses of the tenant's owners."""

    id: UUID
    domain_id: UUID
    domain: str
    kind: NoticeKind
    facts: Mapping[str, Any]
    to: tuple[str, ...]


def notify(session: Session, domain: Domain, kind: NoticeKind, facts: Mapping[str, Any] | None = None) -> None:
    """Note that the owners are to be written to, and wake the job that does."""
    session.add(DomainNotice(tenant_id=domain.tenant_id, domain_id=domain.id, kind=kind, facts=dict(facts or {})))
    enqueue_after_commit(session, QueueName.DEFAULT, "worker.jobs.domains.send_notices", 0)


def was_notified(session: Session, domain: Domain, kind: NoticeKind) -> bool:
    """Whether a notice of this kind was written since the domain began to fail."""
    wanted = sa.select(DomainNotice.id).where(DomainNotice.domain_id == domain.id, DomainNotice.kind == kind)
    return session.scalar(wanted.where(DomainNotice.created_at >= domain.failing_since).limit(1)) is not None


def list_unmailed(session: Session, limit: int = 50) -> list[WaitingNotice]:
    """Notices of all tenants that wait, oldest first. Needs an unscoped session."""
    rows = session.execute(
        sa.select(DomainNotice, Domain.name).join(Domain, Domain.id == DomainNotice.domain_id)
        .where(DomainNotice.mailed_at.is_(None)).order_by(DomainNotice.created_at).limit(limit)
    ).all()  # fmt: skip
    return [
        WaitingNotice(notice.id, notice.domain_id, name, NoticeKind(notice.kind), notice.facts, owner_addresses(session, notice.tenant_id))
        for notice, name in rows
    ]


def mark_mailed(session: Session, notice_id: UUID) -> None:
    """The letters of one notice were handed over."""
    session.execute(sa.update(DomainNotice).where(DomainNotice.id == notice_id).values(mailed_at=now()))
