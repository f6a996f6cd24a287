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
    #: To the old address after a change: takes it back.
    UNDO_EMAIL = "undo_email"
    #: Tells a person what happened to their account; its link proves nothing.
    NOTICE = "account_notice"


class SignInMethod(StrEnum):
    """How somebody signed in."""

    PASSWORD = "password"
    TOTP = "authenticator app"
    RECOVERY_CODE = "recovery code"
    PASSKEY = "passkey"
    SECURITY_KEY = "password and passkey"
    OIDC = "identity provider"
    INVITATION = "invitation"


class Outcome(StrEnum):
    """How a try to sign in ended."""

    SUCCESS = "success"
    WRONG_PASSWORD = "wrong password"
    WRONG_FACTOR = "wrong second factor"


class ChallengePurpose(StrEnum):
    """What a waiting challenge is for; an answer to one serves no other."""

    SECOND_FACTOR = "second_factor"
    PASSKEY_SIGN_IN = "passkey_sign_in"
    PASSKEY_CONFIRM = "passkey_confirm"
    PASSKEY_REGISTER = "passkey_register"
    OIDC = "oidc"
    OIDC_LINK = "oidc_link"
    OIDC_PROOF = "oidc_proof"


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
    #: Whether the tenant asks its members for a second factor.
    tenant_asks_factor: bool = False
    method: str | None = None
    factor_at: datetime | None = None
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Factors:
    """A person's second factors. ``codes_left``: recovery codes not used yet; they are none by themselves."""

    has_totp: bool
    passkeys: int
    codes_left: int

    def __bool__(self) -> bool:
        return self.has_totp or self.passkeys > 0


@dataclass(frozen=True, slots=True)
class Device:
    """Where a request comes from, as the sign-in history keeps it. ``network``: see ``throttle.network_of``."""

    address: str | None
    user_agent: str | None


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


class NoticeKind(StrEnum):
    """What a person is told by mail."""

    NEW_DEVICE = "new_device"
    PASSWORD_CHANGED = "password_changed"
    TOTP_ADDED = "totp_added"
    TOTP_REMOVED = "totp_removed"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    RECOVERY_CODE_USED = "recovery_code_used"
    FACTORS_RESET = "factors_reset"
    IDENTITY_ADDED = "identity_added"
    TENANT_ENDS = "tenant_ends"
    TENANT_STAYS = "tenant_stays"
    ACCOUNT_DELETED = "account_deleted"
