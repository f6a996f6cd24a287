"""Types of the operations under 'Reports'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class ReportOut(TypedDict):
    """ReportOut"""

    id: str
    kind: Literal["figures", "log"]
    title: str
    status: Literal["waiting", "running", "ready", "failed"]
    problem: NotRequired[str | None]
    rows: int
    rows_expected: NotRequired[int | None]
    size: int
    asked_by: str
    created_at: str
    finished_at: NotRequired[str | None]
    expires_at: str


ReportIn = TypedDict(
    "ReportIn",
    {
        "days": NotRequired["int"],
        "to": NotRequired["str | None"],
        "timezone": NotRequired["str | None"],
        "interval": NotRequired['Literal["hour", "day", "week", "month"] | None'],
        "split": NotRequired['Literal["bridge", "pool", "ip", "domain", "provider", "tag"] | None'],
        "bridge": NotRequired["str | None"],
        "pool": NotRequired["str | None"],
        "ip": NotRequired["str | None"],
        "domain": NotRequired["str | None"],
        "provider": NotRequired["str | None"],
        "tag": NotRequired["str | None"],
        "kind": 'Literal["figures", "log"]',
        "title": NotRequired["str"],
        "search": NotRequired["str | None"],
        "status": NotRequired[
            'Literal["scheduled", "held", "queued", "deferred", "sent", "delivered", "bounced", "failed", "suppressed", "cancelled", "sandboxed", "opened", "clicked", "complained", "unsubscribed"] | None'
        ],
        "sender": NotRequired["str | None"],
        "recipient": NotRequired["str | None"],
        "subject": NotRequired["str | None"],
        "template": NotRequired["str | None"],
        "error_class": NotRequired["str | None"],
        "from": NotRequired["str | None"],
    },
)
