"""Types of the operations under 'Audience segments'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class SegmentOut(TypedDict):
    """SegmentOut"""

    id: str
    name: str
    description: str | None
    rules: dict[str, Any]
    created_at: str
    updated_at: str


class SegmentIn(TypedDict):
    """SegmentIn"""

    name: str
    description: NotRequired[str | None]
    rules: dict[str, Any]


class SegmentChange(TypedDict):
    """SegmentChange"""

    name: NotRequired[str]
    description: NotRequired[str | None]
    rules: NotRequired[dict[str, Any]]


class SegmentRulesIn(TypedDict):
    """SegmentRulesIn"""

    rules: dict[str, Any]


class SegmentCountOut(TypedDict):
    """SegmentCountOut"""

    count: int


class SegmentConditionOut(TypedDict):
    """SegmentConditionOut"""

    condition: dict[str, Any]
    holds: bool


class SegmentWhyOut(TypedDict):
    """SegmentWhyOut"""

    is_in: bool
    conditions: list[SegmentConditionOut]
