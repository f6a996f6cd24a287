"""People, their sessions, and their membership in tenants."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.accounts.types import MemberRole
from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps


class User(HasId, Timestamps, Base):
    """A person who can log in. Belongs to no tenant by itself: memberships say where they work."""

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    is_staff: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    #: Changes with the password; sessions made before it are void.
    security_stamp: Mapped[str]
    password_changed_at: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class Membership(HasId, TenantOwned, Timestamps, Base):
    """A user's role in a tenant."""

    __tablename__ = "memberships"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "user_id"),
        sa.UniqueConstraint("tenant_id", "user_id", "role"),  # for API keys, which follow the role of whoever made them
        sa.Index(None, "user_id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    role: Mapped[str]


class UserSession(HasId, Timestamps, Base):
    """One browser that is logged in. Only the SHA-256 of its token is kept; deleting the row ends it."""

    __tablename__ = "user_sessions"

    token_hash: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    tenant_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    mode: Mapped[str] = mapped_column(default="live", server_default="live")
    address: Mapped[str | None]
    user_agent: Mapped[str | None]
    last_seen_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    expires_at: Mapped[datetime]
    #: How the person signed in, as ``SignInMethod``.
    method: Mapped[str | None]
    #: When a second factor was last given in this browser; empty: never.
    factor_at: Mapped[datetime | None]
    #: When the person last proved who they are, by password or second factor.
    confirmed_at: Mapped[datetime | None]


class OneTimeToken(HasId, Timestamps, Base):
    """A mailed token. Used once; only its SHA-256 is kept.

    The plain token is made by the job that writes the mail, so it never lies in the broker; until then ``token_hash`` is a random value.
    """

    __tablename__ = "one_time_tokens"
    __table_args__ = (sa.Index("ix_one_time_tokens_unmailed", "expires_at", postgresql_where=sa.text("mailed_at is null")),)

    token_hash: Mapped[bytes] = mapped_column(unique=True)
    purpose: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    tenant_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    email: Mapped[str]
    role: Mapped[str | None]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    #: What the letter tells besides the link: see ``letters``. Holds no secret.
    data: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    #: When the mail was handed to the platform; empty: the ticker tries again.
    mailed_at: Mapped[datetime | None]


class TotpSecret(Timestamps, Base):
    """A person's authenticator app (RFC 6238). Sealed with the key ring; not in force until the first code was right."""

    __tablename__ = "totp_secrets"

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[bytes]
    confirmed_at: Mapped[datetime | None]
    #: The thirty-second step of the last code that was taken: no code counts twice (RFC 6238, 5.2).
    last_step: Mapped[int] = mapped_column(sa.BigInteger(), default=0, server_default="0")


class RecoveryCode(HasId, Base):
    """One of a person's codes for the day the second factor is lost. Only a hash is kept."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[bytes] = mapped_column(unique=True)
    used_at: Mapped[datetime | None]


class Passkey(HasId, Timestamps, Base):
    """A WebAuthn credential of a person. The private key never leaves their device."""

    __tablename__ = "passkeys"

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(sa.BigInteger())
    name: Mapped[str]
    transports: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    #: Whether it is kept in an account of its maker and so on several devices.
    synced: Mapped[bool]
    last_used_at: Mapped[datetime | None]


class SignInChallenge(HasId, Base):
    """One step of a sign-in or of a proof that waits for its answer. The browser holds the token; deleted when answered."""

    __tablename__ = "sign_in_challenges"

    token_hash: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str]
    #: What was asked of the authenticator or the identity provider.
    challenge: Mapped[bytes | None]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    expires_at: Mapped[datetime]


class SignIn(HasId, Base):
    """One try to sign in, as the person reads it. Tries with an unknown address stand here without a person: the same work for both."""

    __tablename__ = "sign_ins"
    __table_args__ = (sa.Index("ix_sign_ins_user_id_id", "user_id", "id"), sa.Index(None, "at"))

    user_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    method: Mapped[str]
    outcome: Mapped[str]
    address: Mapped[str | None]
    network: Mapped[str | None]
    device: Mapped[str]
    #: Neither this device nor this network had signed in before.
    is_new: Mapped[bool] = mapped_column(default=False, server_default=sa.false())


class Identity(HasId, Timestamps, Base):
    """A person at an identity provider (OpenID Connect), bound to their account after proof of both."""

    __tablename__ = "identities"
    __table_args__ = (sa.UniqueConstraint("issuer", "subject"), sa.Index(None, "user_id"))

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    issuer: Mapped[str]
    subject: Mapped[str]
    email: Mapped[str]
    last_used_at: Mapped[datetime | None]


def owner_addresses(session: Session, tenant_id: UUID) -> tuple[str, ...]:
    """Where letters to a tenant's owners go. Here, and not among the reads, so that the SMTP servers load no more of accounts than this."""
    wanted = sa.select(User.email).join(Membership, Membership.user_id == User.id)
    wanted = wanted.where(Membership.tenant_id == tenant_id, Membership.role == MemberRole.OWNER, User.disabled_at.is_(None))
    return tuple(session.scalars(wanted.order_by(User.email)))
