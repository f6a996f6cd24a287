"""Types of the operations under 'Reports in'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class PostfixReport(TypedDict):
    """PostfixReport"""

    event: Literal["bounce", "delivered", "deferred", "complaint"]
    recipient: str
    message_id: NotRequired[str]
    sender: NotRequired[str]
    reason: NotRequired[str]
    status: NotRequired[str | None]
    id: NotRequired[str]


class ReportReceived(TypedDict):
    """ReportReceived"""

    id: str
    event: Literal["bounce", "delivered", "deferred", "complaint"]
    replayed: bool


class TakenOut(TypedDict):
    """TakenOut"""

    received: int
    stored: int
    replayed: int
    ignored: int
