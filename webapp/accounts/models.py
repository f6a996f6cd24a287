"""People, their sessions, and their membership in tenants."""

from __future__ import annotations

from datetime import datetime
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
    #: When the mail was handed to the platform; empty: the ticker tries again.
    mailed_at: Mapped[datetime | None]


def owner_addresses(session: Session, tenant_id: UUID) -> tuple[str, ...]:
    """Where letters to a tenant's owners go. Here, and not among the reads, so that the SMTP servers load no more of accounts than this."""
    wanted = sa.select(User.email).join(Membership, Membership.user_id == User.id)
    wanted = wanted.where(Membership.tenant_id == tenant_id, Membership.role == MemberRole.OWNER, User.disabled_at.is_(None))
    return tuple(session.scalars(wanted.order_by(User.email)))
