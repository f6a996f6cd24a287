"""Types of the operations under 'Audience contacts'.

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


class TagOut(TypedDict):
    """TagOut"""

    id: str
    name: str
    color: str
    created_at: str
    updated_at: str


class ContactTagsIn(TypedDict):
    """ContactTagsIn"""

    tag_ids: list[str]


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
