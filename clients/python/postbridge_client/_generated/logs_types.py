"""Types of the operations under 'Logs'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

LogEntry = TypedDict(
    "LogEntry",
    {
        "id": "str",
        "email_id": "str",
        "message_id": "str",
        "status": 'Literal["scheduled", "held", "queued", "deferred", "delivered", "bounced", "failed", "suppressed", "cancelled", "sandboxed"]',
        "sandbox": "bool",
        "from_name": NotRequired["str | None"],
        "recipient": "str",
        "name": NotRequired["str | None"],
        "kind": 'Literal["to", "cc", "bcc"]',
        "subject": "str",
        "bridge": NotRequired["str | None"],
        "template": NotRequired["str | None"],
        "tags": "list[str]",
        "stream": "str",
        "door": "str",
        "provider": NotRequired["str | None"],
        "attempts": "int",
        "reason": NotRequired["str | None"],
        "last_code": NotRequired["int | None"],
        "last_reply": NotRequired["str | None"],
        "error_class": NotRequired["str | None"],
        "created_at": "str",
        "sent_at": NotRequired["str | None"],
        "delivered_at": NotRequired["str | None"],
        "bounced_at": NotRequired["str | None"],
        "opened_at": NotRequired["str | None"],
        "clicked_at": NotRequired["str | None"],
        "complained_at": NotRequired["str | None"],
        "unsubscribed_at": NotRequired["str | None"],
        "from": "str",
    },
)
