"""Values of accounts that other slices use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from webapp.kernel.scope import Mode
from webapp.tenants.types import TenantStatus


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
    #: Somebody signed up with an address that has an account: its owner is told, the visitor is not.
    SIGN_UP_AGAIN = "sign_up_again"
    CHANGE_EMAIL = "change_email"


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """One browser's session as the database has it now. The tenant fields are None for somebody who belongs to none."""

    session_id: UUID
    user_id: UUID
    name: str
    email: str
    is_staff: bool
    mode: Mode
    expires_at: datetime
    last_seen_at: datetime
    tenant_id: UUID | None = None
    tenant_name: str | None = None
    tenant_status: TenantStatus | None = None
    role: MemberRole | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a tenant."""

    user_id: UUID
    name: str
    email: str
    role: MemberRole
    created_at: datetime
    last_login_at: datetime | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of the platform to one person, ready to be handed to ``messages.service.accept``."""

    to: str
    subject: str
    text: str
    html: str
    kind: TokenPurpose
