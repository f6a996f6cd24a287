"""Reading figures: hourly rows plus the deltas not folded yet, in one statement, so that the sum is exact at any moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.kernel.clock import now
from webapp.kernel.scope import Scope
from webapp.stats.models import COUNTERS, StatsDelta, StatsHour


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of recipients (opened and clicked: of events), and their rates as shares from 0 to 1."""

    accepted: int = 0
    sent: int = 0
    delivered: int = 0
    deferred: int = 0
    bounced: int = 0
    failed: int = 0
    suppressed: int = 0
    sandboxed: int = 0
    complained: int = 0
    unsubscribed: int = 0
    opened: int = 0
    unique_opened: int = 0
    clicked: int = 0
    unique_clicked: int = 0
    hard_bounced: int = 0

    @staticmethod
    def _share(part: int, whole: int) -> float:
        return round(part / whole, 4) if whole else 0.0

    @property
    def delivery_rate(self) -> float:
        """Delivered of sent."""
        return self._share(self.delivered, self.sent)

    @property
    def bounce_rate(self) -> float:
        """Bounced of sent."""
        return self._share(self.bounced, self.sent)

    @property
    def complaint_rate(self) -> float:
        """Complained of delivered."""
        return self._share(self.complained, self.delivered)

    @property
    def open_rate(self) -> float:
        """Recipients who opened, of delivered."""
        return self._share(self.unique_opened, self.delivered)

    @property
    def click_rate(self) -> float:
        """Recipients who clicked, of delivered."""
        return self._share(self.unique_clicked, self.delivered)


def _rows(scope: Scope, since: datetime | None, bridge_ids: Sequence[UUID] | None, extra: Sequence[str] = ()) -> sa.Subquery:
    """Both tables as one, of the scope's tenant and mode."""
    parts = []
    for table in (StatsHour, StatsDelta):
        statement = sa.select(table.hour, table.bridge_id, *(getattr(table, name) for name in (*extra, *COUNTERS))).where(
            table.tenant_id == scope.tenant_id, table.mode == scope.mode.value
        )
        if since is not None:
            statement = statement.where(table.hour >= since)
        if bridge_ids is not None:
            statement = statement.where(table.bridge_id.in_(bridge_ids))
        parts.append(statement)
    return sa.union_all(*parts).subquery()


def _sums(rows: sa.Subquery) -> list[sa.ColumnElement[int]]:
    return [sa.func.coalesce(sa.func.sum(rows.c[name]), 0).label(name) for name in COUNTERS]


def get_figures(scope: Scope, *, since: datetime | None = None, bridge_id: UUID | None = None) -> Figures:
    """The sums of the tenant, or of one bridge, since a full hour (None: ever)."""
    rows = _rows(scope, since, None if bridge_id is None else [bridge_id])
    return Figures(*(int(value) for value in scope.session.execute(sa.select(*_sums(rows))).one()))


def figures_by_bridge(scope: Scope, bridge_ids: Sequence[UUID], since: datetime | None = None) -> dict[UUID, Figures]:
    """The sums of several bridges in one query; bridges without any figure are absent."""
    rows = _rows(scope, since, bridge_ids)
    result = scope.session.execute(sa.select(rows.c.bridge_id, *_sums(rows)).group_by(rows.c.bridge_id))
    return {row[0]: Figures(*(int(value) for value in row[1:])) for row in result}


@dataclass(frozen=True, slots=True)
class Point:
    """Figures of one step of a series; ``at`` is its begin in UTC."""

    at: datetime
    figures: Figures


def series(scope: Scope, *, days: int, bridge_id: UUID | None = None) -> list[Point]:
    """One point an hour for up to two days, else one a day; empty steps are there with zeros, so that a chart has no gaps."""
    step = "hour" if days <= 2 else "day"
    width = timedelta(hours=1) if step == "hour" else timedelta(days=1)
    present = now()
    end = present.replace(minute=0, second=0, microsecond=0) if step == "hour" else present.replace(hour=0, minute=0, second=0, microsecond=0)
    count = days * 24 if step == "hour" else days
    start = end - width * (count - 1)
    rows = _rows(scope, start, None if bridge_id is None else [bridge_id])
    moment: Any = sa.func.date_trunc(step, rows.c.hour, "UTC").label("at")
    result = scope.session.execute(sa.select(moment, *_sums(rows)).group_by(moment))
    found = {row[0]: Figures(*(int(value) for value in row[1:])) for row in result}
    return [Point(start + width * i, found.get(start + width * i, Figures())) for i in range(count)]


def total(points: Sequence[Point]) -> Figures:
    """The sum over a series."""
    return Figures(*(sum(getattr(point.figures, name) for point in points) for name in COUNTERS))
