"""Types of the operations under 'Team'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class MemberOut(TypedDict):
    """MemberOut"""

    id: str
    name: str
    email: str
    role: Literal["owner", "admin", "developer", "viewer"]
    created_at: str
    last_login_at: str | None


class InvitationOut(TypedDict):
    """InvitationOut"""

    id: str
    email: str
    role: Literal["owner", "admin", "developer", "viewer"]
    created_at: str
    updated_at: str
    expires_at: str


class InvitationIn(TypedDict):
    """InvitationIn"""

    email: str
    role: NotRequired[Literal["owner", "admin", "developer", "viewer"]]


class RoleForm(TypedDict):
    """RoleForm"""

    role: Literal["owner", "admin", "developer", "viewer"]
