"""Types of the operations under 'Pace'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class ThrottleOut(TypedDict):
    """ThrottleOut"""

    id: str
    source_id: str | None
    source: str
    provider: str
    action: Literal["slow", "pause", "move", "out"]
    rate: float | None
    reason: str
    strikes: int
    until: str
    shared: bool
    created_at: str
    ended_at: str | None
    ended_why: str | None


class BudgetOut(TypedDict):
    """BudgetOut"""

    id: str
    provider: str
    connections: int | None
    messages_per_connection: int | None
    rate: float | None
    shared: bool


class BudgetIn(TypedDict):
    """BudgetIn"""

    provider: str
    connections: NotRequired[int | None]
    messages_per_connection: NotRequired[int | None]
    rate: NotRequired[float | None]


class WarmupOut(TypedDict):
    """WarmupOut"""

    id: str
    ip_id: str
    address: str
    provider: str
    day: int
    steps: list[int]
    state: Literal["running", "paused", "finished"]
    started_on: str
    finished_on: str | None


class WarmupIn(TypedDict):
    """WarmupIn"""

    providers: NotRequired[list[str]]
    steps: NotRequired[list[int]]


class WarmupChange(TypedDict):
    """WarmupChange"""

    state: NotRequired[Literal["running", "paused", "finished"]]
    day: NotRequired[int]


class HoldOut(TypedDict):
    """HoldOut"""

    id: str
    kind: Literal["hold", "drain"]
    subject: Literal["tenant", "bridge", "pool", "provider"]
    subject_id: str | None
    provider: str | None
    label: str
    reason: str
    by_staff: bool
    created_at: str
    released_at: str | None


class HoldIn(TypedDict):
    """HoldIn"""

    kind: NotRequired[Literal["hold", "drain"]]
    subject: Literal["tenant", "bridge", "pool", "provider"]
    subject_id: NotRequired[str | None]
    provider: NotRequired[str | None]
    reason: str
