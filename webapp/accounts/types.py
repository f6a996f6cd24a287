"""Values of accounts that other slices use."""

from __future__ import annotations

from enum import StrEnum


class MemberRole(StrEnum):
    """What a member may do in a tenant; the permissions stand in ``kernel.permissions.PRESETS``."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"


class TokenPurpose(StrEnum):
    """What a mailed one-time token is for."""

    RESET_PASSWORD = "reset_password"
    INVITATION = "invitation"
