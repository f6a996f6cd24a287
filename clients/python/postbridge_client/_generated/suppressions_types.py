"""Types of the operations under 'Suppressions'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class SuppressionOut(TypedDict):
    """SuppressionOut"""

    id: str
    email: str
    scope: Literal["all", "transactional", "bulk", "list", "platform"]
    list: str
    reason: Literal["hard_bounce", "soft_bounce", "complaint", "unsubscribe", "manual", "platform"]
    source: str
    detail: str | None
    recipient_id: str | None
    message_id: str | None
    expires_at: str | None
    created_at: str
    updated_at: str


class SuppressionIn(TypedDict):
    """SuppressionIn"""

    scope: NotRequired[Literal["all", "transactional", "bulk", "list", "platform"]]
    reason: NotRequired[Literal["hard_bounce", "soft_bounce", "complaint", "unsubscribe", "manual", "platform"]]
    list: NotRequired[str | None]
    note: NotRequired[str | None]
    expires_at: NotRequired[str | None]
    email: str


class SuppressionBatch(TypedDict):
    """SuppressionBatch"""

    scope: NotRequired[Literal["all", "transactional", "bulk", "list", "platform"]]
    reason: NotRequired[Literal["hard_bounce", "soft_bounce", "complaint", "unsubscribe", "manual", "platform"]]
    list: NotRequired[str | None]
    note: NotRequired[str | None]
    expires_at: NotRequired[str | None]
    emails: list[str]


class SuppressionBatchOut(TypedDict):
    """SuppressionBatchOut"""

    added: int


class RemovalBatch(TypedDict):
    """RemovalBatch"""

    emails: list[str]
    reason: str


class RemovalBatchOut(TypedDict):
    """RemovalBatchOut"""

    removed: int


class CheckIn(TypedDict):
    """CheckIn"""

    emails: list[str]
    list: NotRequired[str | None]


class CheckedOut(TypedDict):
    """CheckedOut"""

    email: str
    transactional: Literal["hard_bounce", "soft_bounce", "complaint", "unsubscribe", "manual", "platform"] | None
    bulk: Literal["hard_bounce", "soft_bounce", "complaint", "unsubscribe", "manual", "platform"] | None


class CheckOut(TypedDict):
    """CheckOut"""

    results: list[CheckedOut]


class ImportOut(TypedDict):
    """ImportOut"""

    id: str
    filename: str
    rows: int
    added: int
    unchanged: int
    refused: int
    problems: list[list[Any]]
    created_at: str


class AddressOut(TypedDict):
    """AddressOut"""

    email: str
    transactional: str | None
    bulk: str | None
    suppressions: list[SuppressionOut]
