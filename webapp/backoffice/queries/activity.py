"""What staff did, in all tenants. Needs an unscoped session."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.activity.models import ActivityEntry
from webapp.kernel.pagination import Page, page_of
from webapp.kernel.scope import ActorKind
from webapp.tenants.models import Tenant


def list_staff_acts(session: Session, search: str | None = None, *, limit: int = 50, cursor: str | None = None) -> Page[ActivityEntry]:
    """Newest first; ``search`` in names and acts."""
    return page_of(session, _wanted(search), ActivityEntry.id, limit=limit, cursor=cursor)


def latest(session: Session, search: str | None, limit: int) -> Sequence[ActivityEntry]:
    """The newest ``limit`` acts."""
    return session.scalars(_wanted(search).order_by(ActivityEntry.id.desc()).limit(limit)).all()


def tenant_names(session: Session, entries: Sequence[ActivityEntry]) -> dict[UUID, str]:
    """The tenants in which they were done."""
    rows = session.execute(sa.select(Tenant.id, Tenant.name).where(Tenant.id.in_({entry.tenant_id for entry in entries})))
    return {row[0]: row[1] for row in rows}


def _wanted(search: str | None) -> sa.Select[ActivityEntry]:
    wanted = sa.select(ActivityEntry).where(ActivityEntry.actor_kind == ActorKind.STAFF.value)
    if search:
        columns = (ActivityEntry.actor_name, ActivityEntry.action, ActivityEntry.object_name)
        wanted = wanted.where(sa.or_(*(column.icontains(search, autoescape=True) for column in columns)))
    return wanted
