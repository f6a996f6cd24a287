"""A question about figures: of what, when, in which steps, split by what. The API, the reports page and report jobs ask the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from webapp.kernel.clock import now
from webapp.kernel.errors import ValidationFailed
from webapp.kernel.scope import Scope
from webapp.stats.figures import RATES, Figures, Point, total
from webapp.stats.naming import names_of
from webapp.stats.periods import Period, between, find_zone, last_days, zone_of
from webapp.stats.queries import About, check_step, figures_by_key, series, series_by_key
from webapp.stats.types import SPLITS, Dimension, Step
from webapp.tenants.models import Tenant

_NARROWING = {"pool": Dimension.POOL, "ip": Dimension.MEMBER, "domain": Dimension.DOMAIN, "provider": Dimension.PROVIDER, "tag": Dimension.TAG}


@dataclass(frozen=True, slots=True)
class Cut:
    """A question. ``split``: one answer for each key of it besides the whole."""

    period: Period
    about: About
    split: Dimension | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The answer of one key of a split."""

    key: str
    name: str
    points: list[Point]

    @property
    def total(self) -> Figures:
        """The sum of its points."""
        return total(self.points)


def zone_for(scope: Scope, asked: str | None = None, viewer: str | None = None) -> ZoneInfo:
    """The zone of days: the one asked for (raises ``ValidationFailed``), else the tenant's, else the viewer's, else UTC."""
    if asked:
        return zone_of(asked)
    own = scope.session.scalar(sa.select(Tenant.time_zone).where(Tenant.id == scope.tenant_id))
    return find_zone(own) or find_zone(viewer) or ZoneInfo("UTC")


def cut_of(scope: Scope, args: Mapping[str, Any], zone: ZoneInfo) -> Cut:
    """The question in the arguments of ``schemas.MetricsArgs``. A bridge's token asks about its own bridge only. Raises ``ValidationFailed``."""
    step = Step(args["interval"]) if args.get("interval") else None
    if args.get("since") or args.get("until"):
        if not args.get("since"):
            raise ValidationFailed("`to` needs a `from`.", param="from")
        period = between(args["since"], args.get("until") or now(), zone, step)
    else:
        period = last_days(args.get("days") or 30, zone, step)
    bridge: UUID | None = scope.bridge_id or args.get("bridge")
    narrowed = [(dimension, str(args[name])) for name, dimension in _NARROWING.items() if args.get(name)]
    split = SPLITS[args["split"]] if args.get("split") else None
    if len(narrowed) > 1 or (narrowed and split):
        raise ValidationFailed("Figures are known for one of pool, ip, domain, provider and tag at a time, split by none, or for a bridge together with one.")
    if bridge and split is Dimension.BRIDGE:
        raise ValidationFailed("One bridge cannot be split by bridge.", param="split")
    about = About(narrowed[0][0], narrowed[0][1], bridge) if narrowed else About(bridge_id=bridge)
    check_step(about if split is None else About(split, None, bridge), period)
    return Cut(period, about, split)


def answer(scope: Scope, cut: Cut) -> list[Point]:
    """The whole, step by step."""
    return series(scope, cut.period, cut.about)


def groups(scope: Scope, cut: Cut, measure: str, most: int) -> list[Group]:
    """The answers of the keys that have most of ``measure`` (a rate: of what it is a share of), most first."""
    assert cut.split is not None
    about = About(cut.split, None, cut.about.bridge_id)
    by = RATES[measure][1] if measure in RATES else measure
    found = figures_by_key(scope, about, since=cut.period.since, until=cut.period.until)
    keys = [key for key, figures in sorted(found.items(), key=lambda item: (-getattr(item[1], by), item[0])) if getattr(figures, by)][:most]
    if not keys:
        return []
    names, known = names_of(scope, cut.split, keys), series_by_key(scope, cut.period, about, keys)
    return [Group(key, names[key], known[key]) for key in keys]
