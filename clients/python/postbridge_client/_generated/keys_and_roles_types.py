"""Types of the operations under 'Keys and roles'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class KeyOut(TypedDict):
    """KeyOut"""

    id: str
    name: str
    mode: Literal["live", "sandbox"]
    role: str | None
    status: Literal["active", "expired", "revoked"]
    last_four: str
    allowed_networks: list[str]
    rate_limit: int | None
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    last_used_from: str | None
    rolled_at: str | None
    previous: dict[str, Any] | None
    created_by: str
    made_by: dict[str, Any]
    created_at: str
    updated_at: str


class KeyIn(TypedDict):
    """KeyIn"""

    name: str
    mode: NotRequired[Literal["live", "sandbox"]]
    role: str
    allowed_networks: NotRequired[list[str]]
    rate_limit: NotRequired[int | None]
    expires_at: NotRequired[str | None]


class NewKeyOut(TypedDict):
    """NewKeyOut"""

    id: str
    name: str
    mode: Literal["live", "sandbox"]
    role: str | None
    status: Literal["active", "expired", "revoked"]
    last_four: str
    allowed_networks: list[str]
    rate_limit: int | None
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    last_used_from: str | None
    rolled_at: str | None
    previous: dict[str, Any] | None
    created_by: str
    made_by: dict[str, Any]
    created_at: str
    updated_at: str
    key: str


class RevokeManyIn(TypedDict):
    """RevokeManyIn"""

    ids: NotRequired[list[str]]
    made_by: NotRequired[str | None]


class RevocationOut(TypedDict):
    """RevocationOut"""

    id: str
    result: Literal["revoked", "already_revoked", "not_found"]


class RevokedOut(TypedDict):
    """RevokedOut"""

    results: list[RevocationOut]


class CallerOut(TypedDict):
    """CallerOut"""

    kind: Literal["api_key", "bridge"]
    id: str
    name: str
    tenant_id: str
    mode: Literal["live", "sandbox"]
    permissions: list[str]


class KeyWithRightsOut(TypedDict):
    """KeyWithRightsOut"""

    id: str
    name: str
    mode: Literal["live", "sandbox"]
    role: str | None
    status: Literal["active", "expired", "revoked"]
    last_four: str
    allowed_networks: list[str]
    rate_limit: int | None
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    last_used_from: str | None
    rolled_at: str | None
    previous: dict[str, Any] | None
    created_by: str
    made_by: dict[str, Any]
    created_at: str
    updated_at: str
    permissions: list[str]


class KeyChange(TypedDict):
    """KeyChange"""

    name: NotRequired[str]
    role: NotRequired[str]
    allowed_networks: NotRequired[list[str]]
    rate_limit: NotRequired[int | None]
    expires_at: NotRequired[str | None]


class RevokeIn(TypedDict):
    """RevokeIn"""

    with_made: NotRequired[bool]


class RollIn(TypedDict):
    """RollIn"""

    overlap_seconds: NotRequired[int]


class PermissionOut(TypedDict):
    """PermissionOut"""

    name: str
    group: str
    description: str


class WildcardOut(TypedDict):
    """WildcardOut"""

    name: str
    description: str


class PresetOut(TypedDict):
    """PresetOut"""

    name: str
    permissions: list[str]


class PermissionsOut(TypedDict):
    """PermissionsOut"""

    permissions: list[PermissionOut]
    wildcards: list[WildcardOut]
    presets: list[PresetOut]
    member_roles: list[PresetOut]


class RoleOut(TypedDict):
    """RoleOut"""

    id: str
    name: str
    description: str | None
    permissions: list[str]
    created_at: str
    updated_at: str


class RoleIn(TypedDict):
    """RoleIn"""

    name: str
    description: NotRequired[str | None]
    permissions: list[str]


class RoleChange(TypedDict):
    """RoleChange"""

    name: NotRequired[str]
    description: NotRequired[str]
    permissions: NotRequired[list[str]]
