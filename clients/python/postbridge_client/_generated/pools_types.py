"""Types of the operations under 'Pools'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class PoolOut(TypedDict):
    """PoolOut"""

    id: str
    name: str
    description: str | None
    is_default: bool
    paused: bool
    shared: bool
    created_at: str
    updated_at: str


class PoolIn(TypedDict):
    """PoolIn"""

    name: str
    description: NotRequired[str | None]
    is_default: NotRequired[bool]


class PoolChange(TypedDict):
    """PoolChange"""

    name: NotRequired[str]
    description: NotRequired[str | None]
    is_default: NotRequired[bool]
    paused: NotRequired[bool]


class PoolMemberOut(TypedDict):
    """PoolMemberOut"""

    id: str
    kind: Literal["ip", "relay"]
    ip_address_id: str | None
    sending_account_id: str | None
    label: str
    weight: int
    active: bool
    created_at: str
    updated_at: str


class MemberIn(TypedDict):
    """MemberIn"""

    ip_address_id: NotRequired[str | None]
    sending_account_id: NotRequired[str | None]
    weight: NotRequired[int]


class MemberChange(TypedDict):
    """MemberChange"""

    weight: NotRequired[int]
    active: NotRequired[bool]


class IpOut(TypedDict):
    """IpOut"""

    id: str
    address: str
    helo_name: str
    active: bool
    shared: bool
    created_at: str
    updated_at: str


class IpChange(TypedDict):
    """IpChange"""

    active: bool
