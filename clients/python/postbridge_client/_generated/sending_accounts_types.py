"""Types of the operations under 'Sending accounts'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class AccountOut(TypedDict):
    """AccountOut"""

    id: str
    type: str
    name: str
    host: str
    port: int
    tls: str
    username: str | None
    has_password: bool
    max_connections: int
    auth: Literal["auto", "plain", "login", "cram-md5", "xoauth2"]
    hourly_quota: int | None
    daily_quota: int | None
    return_path: str | None
    headers: dict[str, str]
    active: bool
    shared: bool
    created_at: str
    updated_at: str


class AccountIn(TypedDict):
    """AccountIn"""

    name: str
    host: str
    port: NotRequired[int]
    tls: NotRequired[Literal["none", "opportunistic", "required", "implicit"]]
    username: NotRequired[str | None]
    password: NotRequired[str | None]
    max_connections: NotRequired[int]
    auth: NotRequired[Literal["auto", "plain", "login", "cram-md5", "xoauth2"]]
    hourly_quota: NotRequired[int | None]
    daily_quota: NotRequired[int | None]
    return_path: NotRequired[str | None]
    headers: NotRequired[dict[str, str]]


class AccountChange(TypedDict):
    """AccountChange"""

    name: NotRequired[str]
    host: NotRequired[str]
    port: NotRequired[int]
    tls: NotRequired[Literal["none", "opportunistic", "required", "implicit"]]
    username: NotRequired[str | None]
    password: NotRequired[str | None]
    max_connections: NotRequired[int]
    auth: NotRequired[Literal["auto", "plain", "login", "cram-md5", "xoauth2"]]
    hourly_quota: NotRequired[int | None]
    daily_quota: NotRequired[int | None]
    return_path: NotRequired[str | None]
    headers: NotRequired[dict[str, str]]


class UsageHourOut(TypedDict):
    """UsageHourOut"""

    hour: str
    sent: int


class UsageOut(TypedDict):
    """UsageOut"""

    this_hour: int
    today: int
    hourly_quota: int | None
    daily_quota: int | None
    left: int | None
    resets_at: str | None
    hours: list[UsageHourOut]


class ProbeOut(TypedDict):
    """ProbeOut"""

    ok: bool
    summary: str
    transcript: list[str]


class LimitWish(TypedDict):
    """LimitWish"""

    wanted: int
    reason: str


class LimitWishOut(TypedDict):
    """LimitWishOut"""

    id: str
    limit_name: str
    present: int
    wanted: int
    reason: str
    status: str
    created_at: str
