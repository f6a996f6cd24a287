"""Types of the operations under 'Incidents'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class IncidentOut(TypedDict):
    """IncidentOut"""

    id: str
    note: str
    by: str
    status: Literal["running", "done"]
    filters: dict[str, Any]
    recipients: int
    requeued: int
    suppressions_lifted: int
    kept: dict[str, Any]
    created_at: str
    finished_at: str | None


class UndoIn(TypedDict):
    """UndoIn"""

    since: str
    until: str
    provider: NotRequired[str | None]
    member_id: NotRequired[str | None]
    bridge_id: NotRequired[str | None]
    reply_class: NotRequired[str | None]
    text: NotRequired[str | None]
    key: NotRequired[str | None]
    note: str


class FilterIn(TypedDict):
    """FilterIn"""

    since: str
    until: str
    provider: NotRequired[str | None]
    member_id: NotRequired[str | None]
    bridge_id: NotRequired[str | None]
    reply_class: NotRequired[str | None]
    text: NotRequired[str | None]


class SampleOut(TypedDict):
    """SampleOut"""

    recipient_id: str
    message_id: str
    email: str
    subject: str
    at: str
    reply_class: str | None
    reply: str | None
    kept: str | None


class PreviewOut(TypedDict):
    """PreviewOut"""

    recipients: int
    requeued: int
    suppressions: int
    kept: dict[str, Any]
    samples: list[SampleOut]
