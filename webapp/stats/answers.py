"""Answers to questions about figures, in the form of ``schemas``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from webapp.kernel.scope import Scope
from webapp.stats.cuts import Cut, answer, cut_of, groups, zone_for
from webapp.stats.figures import RATES, Point, total


def stats_of(scope: Scope, args: Mapping[str, Any]) -> dict[str, Any]:
    """Totals and their course. Raises ``ValidationFailed``."""
    cut = cut_of(scope, args, zone_for(scope, args.get("timezone")))
    points = answer(scope, cut)
    told: dict[str, Any] = {"span": _span(cut), "totals": total(points), "series": points}
    return told | {"previous": total(_before(scope, cut))} if args.get("compare") else told


def metric_of(scope: Scope, measure: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """One measure, with its split and the span before when asked. Raises ``ValidationFailed``."""
    cut = cut_of(scope, args, zone_for(scope, args.get("timezone")))
    parts = groups(scope, cut, measure, args["top"]) if cut.split else []
    told = {
        "metric": measure, "unit": "share" if measure in RATES else "count", "span": _span(cut), "split": args.get("split"),
        **_values(answer(scope, cut), measure),
        "groups": [{"key": part.key, "name": part.name, **_values(part.points, measure)} for part in parts],
    }  # fmt: skip
    return told | {"previous": _values(_before(scope, cut), measure)} if args.get("compare") else told


def _before(scope: Scope, cut: Cut) -> list[Point]:
    return answer(scope, replace(cut, period=cut.period.before))


def _span(cut: Cut) -> dict[str, Any]:
    period = cut.period
    return {"since": period.since, "until": period.until, "interval": period.step.value, "timezone": period.zone.key}


def _values(points: Sequence[Point], measure: str) -> dict[str, Any]:
    return {"total": total(points).get(measure), "points": [{"at": point.at, "value": point.figures.get(measure)} for point in points]}
