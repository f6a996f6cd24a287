"""Types of the operations under 'Audience'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class ContactOut(TypedDict):
    """ContactOut"""

    id: str
    email: str
    first_name: str | None
    last_name: str | None
    language: str | None
    time_zone: str | None
    status: Literal["subscribed", "unsubscribed", "bounced", "complained"]
    metadata: dict[str, Any]
    consent_source: str | None
    consent_at: str | None
    last_sent_at: str | None
    last_opened_at: str | None
    last_clicked_at: str | None
    created_at: str
    updated_at: str


class ContactIn(TypedDict):
    """ContactIn"""

    first_name: NotRequired[str | None]
    last_name: NotRequired[str | None]
    language: NotRequired[str | None]
    time_zone: NotRequired[str | None]
    metadata: NotRequired[dict[str, Any]]
    consent_source: NotRequired[str | None]
    consent_at: NotRequired[str | None]
    email: str


class ContactBatch(TypedDict):
    """ContactBatch"""

    contacts: list[ContactIn]


class ContactBatchOut(TypedDict):
    """ContactBatchOut"""

    created: int
    updated: int
    ids: list[str]


class ContactChange(TypedDict):
    """ContactChange"""

    first_name: NotRequired[str | None]
    last_name: NotRequired[str | None]
    language: NotRequired[str | None]
    time_zone: NotRequired[str | None]
    metadata: NotRequired[dict[str, Any]]
    consent_source: NotRequired[str | None]
    consent_at: NotRequired[str | None]
    email: NotRequired[str]
    status: NotRequired[Literal["subscribed", "unsubscribed", "bounced", "complained"]]


class ContactMergeIn(TypedDict):
    """ContactMergeIn"""

    into: str


class ContactEventOut(TypedDict):
    """ContactEventOut"""

    id: str
    contact_id: str
    name: str
    properties: dict[str, Any]
    occurred_at: str


class ContactTagsIn(TypedDict):
    """ContactTagsIn"""

    tag_ids: list[str]


class ContactEventIn(TypedDict):
    """ContactEventIn"""

    name: str
    contact_id: NotRequired[str | None]
    email: NotRequired[str | None]
    properties: NotRequired[dict[str, Any]]
    occurred_at: NotRequired[str | None]


class ContactEventBatch(TypedDict):
    """ContactEventBatch"""

    events: list[ContactEventIn]


class ContactEventBatchOut(TypedDict):
    """ContactEventBatchOut"""

    accepted: int


class ContactImportOut(TypedDict):
    """ContactImportOut"""

    id: str
    list_id: str | None
    filename: str
    state: Literal["mapping", "running", "done", "cancelled", "failed"]
    columns: list[str]
    mapping: list[str | None]
    size: int
    position: int
    rows: int
    created: int
    updated: int
    unchanged: int
    refused: int
    problem: str | None
    started_at: str | None
    finished_at: str | None
    created_at: str
    updated_at: str


class ListOut(TypedDict):
    """ListOut"""

    id: str
    name: str
    description: str | None
    double_opt_in: bool
    is_public: bool
    created_at: str
    updated_at: str


class ListIn(TypedDict):
    """ListIn"""

    name: str
    description: NotRequired[str | None]
    double_opt_in: NotRequired[bool]
    is_public: NotRequired[bool]


class ListChange(TypedDict):
    """ListChange"""

    name: NotRequired[str]
    description: NotRequired[str | None]
    double_opt_in: NotRequired[bool]
    is_public: NotRequired[bool]


class ListMemberIn(TypedDict):
    """ListMemberIn"""

    first_name: NotRequired[str | None]
    last_name: NotRequired[str | None]
    language: NotRequired[str | None]
    time_zone: NotRequired[str | None]
    metadata: NotRequired[dict[str, Any]]
    consent_source: NotRequired[str | None]
    consent_at: NotRequired[str | None]
    email: str


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


class TagOut(TypedDict):
    """TagOut"""

    id: str
    name: str
    color: str
    created_at: str
    updated_at: str


class TagIn(TypedDict):
    """TagIn"""

    name: str
    color: NotRequired[str]


class TagChange(TypedDict):
    """TagChange"""

    name: NotRequired[str]
    color: NotRequired[str]
