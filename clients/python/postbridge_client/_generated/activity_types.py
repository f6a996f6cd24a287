"""Types of the operations under 'Activity'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, TypedDict


class ActivityOut(TypedDict):
    """ActivityOut"""

    id: str
    action: str
    actor: dict[str, Any]
    object: dict[str, Any]
    changes: dict[str, Any]
    request_id: str | None
    address: str | None
    created_at: str
