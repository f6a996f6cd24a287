"""Series in the shape of the chart component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from webapp.kernel.scope import Mode
from webapp.stats.figures import RATES, Point
from webapp.stats.periods import Period
from webapp.stats.types import Step

#: Lines of the charts: label, counter, colour.
MAIL = (("Delivered", "delivered", 1), ("Deferred", "deferred", 6), ("Bounced", "bounced", 2))
CAPTURED = (("Captured", "sandboxed", 1),)
READING = (("Opened", "unique_opened", 4), ("Clicked", "unique_clicked", 5))

Line = tuple[str, int, Sequence[float]]


def mail_lines(mode: Mode) -> tuple[tuple[str, str, int], ...]:
    """What the chart of mail shows in a mode."""
    return MAIL if mode is Mode.LIVE else CAPTURED


def chart_of(points: Sequence[Point], period: Period, lines: Sequence[tuple[str, str, int]]) -> dict[str, Any]:
    """Several measures of the same points."""
    return chart(period, [(label, colour, [point.figures.get(name) for point in points]) for label, name, colour in lines])


def chart(period: Period, lines: Sequence[Line], previous: Line | None = None) -> dict[str, Any]:
    """Lines of equal length over a period. ``previous``: the period before, drawn beneath them."""
    starts = period.starts()
    told: dict[str, Any] = {
        "labels": [label_of(start, period.step) for start in starts], "x": [int(start.timestamp()) for start in starts], "zone": period.zone.key,
        "step": period.step.value, "series": [{"label": label, "key": colour, "values": list(values)} for label, colour, values in lines],
    }  # fmt: skip
    if previous is not None:
        told["series"].append({"label": previous[0], "key": previous[1], "values": list(previous[2])[: len(starts)], "before": True})
    return told


def label_of(start: Any, step: Step) -> str:
    """A step in words."""
    return {Step.HOUR: f"{start:%Y-%m-%d %H:%M %Z}", Step.MONTH: f"{start:%Y-%m}", Step.WEEK: f"Week of {start:%Y-%m-%d}"}.get(step, f"{start:%Y-%m-%d}")


def is_share(measure: str) -> bool:
    """Whether a measure is a rate."""
    return measure in RATES
