"""How much of its limits of mail a tenant has used, counted as accept counts: live recipients that were taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from webapp.kernel import clock
from webapp.kernel.scope import Mode, Scope
from webapp.stats.models import StatsDelta, StatsHour
from webapp.tenants.service import counts
from webapp.tenants.types import LimitName


@dataclass(frozen=True, slots=True)
class UsedDay:
    """Live recipients taken on one UTC day; ``at`` is its begin."""

    at: datetime
    recipients: int


@counts(LimitName.DAILY_RECIPIENTS)
def used_today(scope: Scope) -> int:
    """Live recipients taken since 00:00 UTC."""
    return _taken_since(scope, clock.now().replace(hour=0, minute=0, second=0, microsecond=0))


@counts(LimitName.MONTHLY_RECIPIENTS)
def used_this_month(scope: Scope) -> int:
    """Live recipients taken since the first of the month, 00:00 UTC."""
    return _taken_since(scope, clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0))


def list_days(scope: Scope, days: int = 30) -> list[UsedDay]:
    """The last days, oldest first; days without mail are there with 0."""
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    start = today - timedelta(days=days - 1)
    rows = _rows(scope, start)
    day = sa.func.date_trunc("day", rows.c.hour, "UTC")
    found = {row[0]: int(row[1]) for row in scope.session.execute(sa.select(day, sa.func.sum(rows.c.accepted)).group_by(day))}
    return [UsedDay(start + timedelta(days=n), found.get(start + timedelta(days=n), 0)) for n in range(days)]


def _taken_since(scope: Scope, start: datetime) -> int:
    rows = _rows(scope, start)
    return int(scope.session.scalar(sa.select(sa.func.coalesce(sa.func.sum(rows.c.accepted), 0))) or 0)


def _rows(scope: Scope, start: datetime) -> sa.Subquery:
    parts = [
        sa.select(table.hour, table.accepted).where(table.tenant_id == scope.tenant_id, table.mode == Mode.LIVE.value, table.hour >= start)
        for table in (StatsHour, StatsDelta)
    ]
    return sa.union_all(*parts).subquery()
