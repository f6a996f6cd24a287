"""Reading the activity log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from webapp.activity.models import ActivityEntry
from webapp.kernel.ids import uuid7_floor
from webapp.kernel.pagination import Page, page_of
from webapp.kernel.scope import Scope


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """What to show; None and empty mean everything."""

    search: str | None = None
    action: str | None = None
    actor_kind: str | None = None
    object_kind: str | None = None
    actor_id: UUID | None = None
    object_id: UUID | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_entries(scope: Scope, wanted: ActivityFilter, *, limit: int = 50, cursor: str | None = None) -> Page[ActivityEntry]:
    """Newest first."""
    statement = sa.select(ActivityEntry)
    for column, value in (
        (ActivityEntry.actor_kind, wanted.actor_kind), (ActivityEntry.object_kind, wanted.object_kind), (ActivityEntry.object_id, wanted.object_id),
        (ActivityEntry.request_id, wanted.request_id),
    ):  # fmt: skip
        if value:
            statement = statement.where(column == value)
    if wanted.actor_id:  # a staff person too, by the member they acted for
        statement = statement.where(sa.or_(ActivityEntry.actor_id == wanted.actor_id, ActivityEntry.on_behalf_of == wanted.actor_id))
    if wanted.action:
        statement = statement.where(sa.or_(ActivityEntry.action == wanted.action, ActivityEntry.action.startswith(f"{wanted.action}.", autoescape=True)))
    if wanted.search:
        columns = (ActivityEntry.object_name, ActivityEntry.actor_name, ActivityEntry.action)
        statement = statement.where(sa.or_(*(column.icontains(wanted.search, autoescape=True) for column in columns)))
    if wanted.since:
        statement = statement.where(ActivityEntry.id >= uuid7_floor(wanted.since))
    if wanted.until:
        statement = statement.where(ActivityEntry.id < uuid7_floor(wanted.until))
    return page_of(scope.session, statement, ActivityEntry.id, limit=limit, cursor=cursor)


def list_object_kinds(scope: Scope) -> list[str]:
    """The kinds of object that occur, for the filter."""
    return list(scope.session.scalars(sa.select(ActivityEntry.object_kind).distinct().order_by(ActivityEntry.object_kind)))
