"""Types of the operations under 'Limits'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class LimitOut(TypedDict):
    """LimitOut"""

    name: Literal[
        "daily_recipients",
        "monthly_recipients",
        "minute_recipients",
        "message_recipients",
        "key_rate",
        "api_keys",
        "bridges",
        "domains",
        "members",
        "pools",
        "roles",
        "sending_accounts",
        "templates",
        "webhooks",
    ]
    description: str
    limit: int | None
    default: int | None
    used: int | None
    remaining: int | None


class LimitRequestOut(TypedDict):
    """LimitRequestOut"""

    id: str
    limit: Literal[
        "daily_recipients",
        "monthly_recipients",
        "minute_recipients",
        "message_recipients",
        "key_rate",
        "api_keys",
        "bridges",
        "domains",
        "members",
        "pools",
        "roles",
        "sending_accounts",
        "templates",
        "webhooks",
    ]
    present: int
    wanted: int
    reason: str
    status: Literal["open", "granted", "declined", "withdrawn"]
    granted: int | None
    answer: str | None
    asked_by: str
    decided_at: str | None
    created_at: str
    updated_at: str


class LimitRequestIn(TypedDict):
    """LimitRequestIn"""

    limit: Literal[
        "daily_recipients",
        "monthly_recipients",
        "minute_recipients",
        "message_recipients",
        "key_rate",
        "api_keys",
        "bridges",
        "domains",
        "members",
        "pools",
        "roles",
        "sending_accounts",
        "templates",
        "webhooks",
    ]
    wanted: int
    reason: str
