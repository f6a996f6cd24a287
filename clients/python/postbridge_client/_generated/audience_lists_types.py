"""Types of the operations under 'Audience lists'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class ListOut(TypedDict):
    """ListOut"""

    id: str
    name: str
    description: str | None
    double_opt_in: bool
    from_address: str | None
    problem: str | None
    created_at: str
    updated_at: str


class ListIn(TypedDict):
    """ListIn"""

    name: str
    description: NotRequired[str | None]
    double_opt_in: NotRequired[bool]
    from_address: NotRequired[str | None]


class ListChange(TypedDict):
    """ListChange"""

    name: NotRequired[str]
    description: NotRequired[str | None]
    double_opt_in: NotRequired[bool]
    from_address: NotRequired[str | None]


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
