"""Work on domains that nobody asked for: those whose check is due, over all tenants."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.domains.models import Domain, RecordCheck
from webapp.kernel.clock import now

#: A check takes seconds; a worker that was lost in one gives the domain back after this.
_LEASE = timedelta(minutes=10)


def take_due(session: Session, limit: int) -> list[tuple[UUID, UUID]]:
    """``(tenant, domain)`` of checks that are due, the longest waiting first; nobody else gets them for some minutes. Needs an unscoped session."""
    wanted = sa.select(Domain).where(Domain.next_check_at <= now()).order_by(Domain.next_check_at).limit(limit)
    domains = session.scalars(wanted.with_for_update(skip_locked=True)).all()
    for domain in domains:
        domain.next_check_at = now() + _LEASE
    return [(domain.tenant_id, domain.id) for domain in domains]


def forget_old_checks(session: Session, days: int) -> None:
    """Drop stretches of the history that ended long ago. Needs an unscoped session."""
    session.execute(sa.delete(RecordCheck).where(RecordCheck.last_at < now() - timedelta(days=days)))
