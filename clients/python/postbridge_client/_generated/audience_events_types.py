"""Types of the operations under 'Audience events'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


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
