"""Types of the operations under 'Stats'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class SpanOut(TypedDict):
    """SpanOut"""

    since: str
    until: str
    interval: Literal["hour", "day", "week", "month"]
    timezone: str


class Figures(TypedDict):
    """Figures"""

    accepted: int
    sent: int
    delivered: int
    deferred: int
    bounced: int
    failed: int
    suppressed: int
    sandboxed: int
    complained: int
    unsubscribed: int
    opened: int
    unique_opened: int
    clicked: int
    unique_clicked: int
    hard_bounced: int
    delivery_rate: float
    bounce_rate: float
    complaint_rate: float
    open_rate: float
    click_rate: float
    unsubscribe_rate: float


class PointOut(TypedDict):
    """PointOut"""

    at: str
    figures: Figures


class StatsOut(TypedDict):
    """StatsOut"""

    span: SpanOut
    totals: Figures
    series: list[PointOut]
    previous: NotRequired[Figures]


class ValueOut(TypedDict):
    """ValueOut"""

    at: str
    value: float


class GroupOut(TypedDict):
    """GroupOut"""

    key: str
    name: str
    total: float
    points: list[ValueOut]


class PreviousOut(TypedDict):
    """PreviousOut"""

    total: float
    points: list[ValueOut]


class MetricOut(TypedDict):
    """MetricOut"""

    metric: Literal[
        "accepted",
        "sent",
        "delivered",
        "deferred",
        "bounced",
        "failed",
        "suppressed",
        "sandboxed",
        "complained",
        "unsubscribed",
        "opened",
        "unique_opened",
        "clicked",
        "unique_clicked",
        "hard_bounced",
        "delivery_rate",
        "bounce_rate",
        "complaint_rate",
        "open_rate",
        "click_rate",
        "unsubscribe_rate",
    ]
    unit: Literal["count", "share"]
    span: SpanOut
    total: float
    points: list[ValueOut]
    split: NotRequired[str | None]
    groups: list[GroupOut]
    previous: NotRequired[PreviousOut]
