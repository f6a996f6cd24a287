"""Reading figures: rollups plus the deltas not folded yet, in one statement, so that the sum is exact at any moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.kernel.errors import ValidationFailed
from webapp.kernel.scope import Scope
from webapp.stats.figures import Figures, Point
from webapp.stats.models import COUNTERS, StatsDelta, StatsRollup
from webapp.stats.periods import Period
from webapp.stats.types import Dimension, Step

_NIL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class About:
    """What figures are about: all of the tenant, or one ``key`` of a dimension; within ``bridge_id`` when it is set.

    Bridge and dimension together are known for domain, provider and tag, by days of UTC.
    """

    dimension: Dimension = Dimension.ALL
    key: str | None = None
    bridge_id: UUID | None = None

    @property
    def place(self) -> tuple[Dimension, UUID, str | None]:
        """Where it stands among the rollups: dimension, bridge, key (None: every key)."""
        if self.dimension is Dimension.ALL and self.bridge_id is not None:
            return Dimension.BRIDGE, _NIL, str(self.bridge_id)
        if self.bridge_id is None:
            return self.dimension, _NIL, "" if self.dimension is Dimension.ALL else self.key
        if not self.dimension.is_kept_by_bridge:
            raise ValidationFailed("Within one bridge, figures can be cut by domain, provider or tag.", param="split")
        return self.dimension, self.bridge_id, self.key


def get_figures(scope: Scope, about: About | None = None, *, since: datetime | None = None, until: datetime | None = None) -> Figures:
    """The sums of the tenant, or of what ``about`` names, from a full hour on (None: ever) up to another."""
    rows = _rows(scope, about or About(), since=since, until=until, by_day=since is None)
    return _figures(scope.session.execute(sa.select(*_sums(rows))).one())


def figures_by_key(
    scope: Scope, about: About, *, since: datetime | None = None, until: datetime | None = None, keys: Iterable[str] | None = None
) -> dict[str, Figures]:
    """The sums of every key of ``about.dimension`` (or of ``keys``), in one query; keys without any figure are absent.

    Whole days of UTC: of days that the span only touches, all is counted. Raises ``ValidationFailed``.
    """
    rows = _rows(scope, about, since=_day(since), until=until, by_day=True, keys=keys)
    result = scope.session.execute(sa.select(rows.c.key, *_sums(rows)).group_by(rows.c.key))
    return {str(row[0]): _figures(row[1:]) for row in result}


def figures_by_bridge(scope: Scope, bridge_ids: Sequence[UUID], since: datetime | None = None) -> dict[UUID, Figures]:
    """The sums of several bridges in one query; bridges without any figure are absent."""
    found = figures_by_key(scope, About(Dimension.BRIDGE), since=since, keys=[str(bridge) for bridge in bridge_ids])
    return {UUID(key): figures for key, figures in found.items()}


def series(scope: Scope, period: Period, about: About | None = None) -> list[Point]:
    """One point a step; empty steps are there with zeros, so that a chart has no gaps."""
    return next(iter(_series(scope, period, about or About(), None).values()), [Point(at, Figures()) for at in period.starts()])


def series_by_key(scope: Scope, period: Period, about: About, keys: Sequence[str]) -> dict[str, list[Point]]:
    """The series of some keys of ``about.dimension``, every one without gaps."""
    found = _series(scope, period, about, keys)
    return {key: found.get(key) or [Point(at, Figures()) for at in period.starts()] for key in keys}


def check_step(about: About, period: Period) -> None:
    """Raises ``ValidationFailed`` for what is not kept that finely, or not together."""
    if about.place[1] != _NIL and period.step is Step.HOUR:
        raise ValidationFailed("Within one bridge, domain, provider and tag are counted by day.", param="interval")


def _series(scope: Scope, period: Period, about: About, keys: Sequence[str] | None) -> dict[str, list[Point]]:
    check_step(about, period)
    by_bridge = about.place[1] != _NIL
    rows = _rows(scope, about, since=period.since, until=period.until, by_day=by_bridge or period.is_of_utc_days, keys=keys)
    zone = "UTC" if by_bridge else period.zone.key
    # Rows of days stand at midnight of UTC, which is what a step of theirs begins with.
    moment: Any = sa.func.date_trunc(period.step.value, rows.c.at, zone).label("at")
    result = scope.session.execute(sa.select(rows.c.key, moment, *_sums(rows)).group_by(rows.c.key, moment))
    found: dict[str, dict[Any, Figures]] = defaultdict(dict)
    for row in result:
        found[str(row[0])][row[1].date() if by_bridge else row[1]] = _figures(row[2:])
    starts = period.starts()
    return {key: [Point(at, known.get(at.date() if by_bridge else at, Figures())) for at in starts] for key, known in found.items()}


def _rows(
    scope: Scope, about: About, *, since: datetime | None, until: datetime | None, by_day: bool, keys: Iterable[str] | None = None
) -> sa.Subquery:
    """Rollups and deltas as one, of the scope's tenant and mode, with columns ``key``, ``at`` and the counters."""
    dimension, bridge_id, key = about.place
    wanted = [key] if key is not None else None if keys is None else list(keys)
    r = StatsRollup
    rolled = sa.select(r.key.label("key"), r.at.label("at"), *(getattr(r, name) for name in COUNTERS)).where(
        r.tenant_id == scope.tenant_id, r.mode == scope.mode.value, r.dimension == dimension.value, r.bridge_id == bridge_id,
        r.width == ("day" if by_day else "hour"),
    )  # fmt: skip
    fresh = _deltas(scope, dimension, bridge_id).subquery()
    unfolded = sa.select(fresh)
    if wanted is not None:
        rolled, unfolded = rolled.where(_is_one_of(r.key, wanted)), unfolded.where(_is_one_of(fresh.c.key, wanted))
    if since is not None:
        rolled, unfolded = rolled.where(r.at >= since), unfolded.where(fresh.c.at >= since)
    if until is not None:
        rolled, unfolded = rolled.where(r.at < until), unfolded.where(fresh.c.at < until)
    return sa.union_all(rolled, unfolded).subquery()


def _is_one_of(column: Any, wanted: list[str]) -> sa.ColumnElement[bool]:
    return column == wanted[0] if len(wanted) == 1 else column.in_(wanted)  # type: ignore[no-any-return]


def _deltas(scope: Scope, dimension: Dimension, bridge_id: UUID) -> sa.Select[Any]:
    d = StatsDelta
    keys: dict[Dimension, Any] = {
        Dimension.ALL: sa.literal(""), Dimension.BRIDGE: sa.cast(d.bridge_id, sa.Text), Dimension.POOL: sa.cast(d.pool_id, sa.Text),
        Dimension.MEMBER: sa.cast(d.member_id, sa.Text), Dimension.DOMAIN: d.domain, Dimension.PROVIDER: d.provider,
        Dimension.TAG: sa.func.unnest(d.tags),
    }  # fmt: skip
    key = keys[dimension]
    found = sa.select(key.label("key"), d.hour.label("at"), *(getattr(d, name) for name in COUNTERS))
    found = found.where(d.tenant_id == scope.tenant_id, d.mode == scope.mode.value)
    if dimension not in (Dimension.ALL, Dimension.TAG):
        found = found.where(key.is_not(None))
    return found if bridge_id == _NIL else found.where(d.bridge_id == bridge_id)


def _sums(rows: sa.Subquery) -> list[sa.ColumnElement[int]]:
    return [sa.func.coalesce(sa.func.sum(rows.c[name]), 0).label(name) for name in COUNTERS]


def _figures(values: Iterable[Any]) -> Figures:
    return Figures(*(int(value) for value in values))


def _day(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(hour=0, minute=0, second=0, microsecond=0)
