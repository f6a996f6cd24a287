"""Figures as values: counts, and the rates that are made of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from webapp.stats.models import COUNTERS

#: Rate: the counter it is a share of, and of what.
RATES = {
    "delivery_rate": ("delivered", "sent"), "bounce_rate": ("bounced", "sent"), "complaint_rate": ("complained", "delivered"),
    "open_rate": ("unique_opened", "delivered"), "click_rate": ("unique_clicked", "delivered"), "unsubscribe_rate": ("unsubscribed", "delivered"),
}  # fmt: skip


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

    def rate(self, name: str) -> float:
        """A rate of ``RATES``; 0.0 of nothing."""
        part, whole = RATES[name]
        return round(getattr(self, part) / getattr(self, whole), 4) if getattr(self, whole) else 0.0

    def get(self, measure: str) -> float:
        """A counter or a rate by its name."""
        return self.rate(measure) if measure in RATES else int(getattr(self, measure))

    @property
    def delivery_rate(self) -> float:
        """Delivered of sent."""
        return self.rate("delivery_rate")

    @property
    def bounce_rate(self) -> float:
        """Bounced of sent."""
        return self.rate("bounce_rate")

    @property
    def complaint_rate(self) -> float:
        """Complained of delivered."""
        return self.rate("complaint_rate")

    @property
    def open_rate(self) -> float:
        """Recipients who opened, of delivered."""
        return self.rate("open_rate")

    @property
    def click_rate(self) -> float:
        """Recipients who clicked, of delivered."""
        return self.rate("click_rate")

    @property
    def unsubscribe_rate(self) -> float:
        """Recipients who unsubscribed, of delivered."""
        return self.rate("unsubscribe_rate")


@dataclass(frozen=True, slots=True)
class Point:
    """Figures of one step of a series; ``at`` is its begin."""

    at: datetime
    figures: Figures


def total(points: Iterable[Point]) -> Figures:
    """The sum over a series."""
    every = list(points)
    return Figures(*(sum(getattr(point.figures, name) for point in every) for name in COUNTERS))
