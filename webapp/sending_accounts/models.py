"""Sending accounts: outside SMTP relays."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOrShared, TenantOwned, Timestamps


class SendingAccount(HasId, TenantOrShared, Timestamps, Base):
    """An SMTP relay. ``tenant_id`` empty: the platform's own, shared and protected. ``password`` is sealed."""

    __tablename__ = "sending_accounts"
    __table_args__ = (sa.Index(None, "tenant_id", "id"),)

    tenant_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str]
    host: Mapped[str]
    port: Mapped[int]
    #: none, opportunistic, required (STARTTLS, verified) or implicit
    tls: Mapped[str]
    username: Mapped[str | None]
    password: Mapped[bytes | None]
    active: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    max_connections: Mapped[int] = mapped_column(default=20, server_default="20")
    #: How to log in: auto, plain, login, cram-md5 or xoauth2 (then the password is the access token)
    auth: Mapped[str] = mapped_column(default="auto", server_default="auto")
    #: Messages it may take in an hour and in a day of the clock (UTC); empty: no bound.
    hourly_quota: Mapped[int | None]
    daily_quota: Mapped[int | None]
    #: Envelope sender of all mail through it, where the relay takes no other; empty: the platform's return path, which bounces find.
    return_path: Mapped[str | None]
    #: Fields that the relay wants to see in each mail, by name.
    headers: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict, server_default="{}")

    @property
    def has_password(self) -> bool:
        """Whether a password is set; it is never shown."""
        return self.password is not None

    @property
    def shared(self) -> bool:
        """Whether it is the platform's own, read-only for tenants."""
        return self.tenant_id is None


class SendingAccountUsage(TenantOwned, Base):
    """Messages an account took for a tenant in an hour (UTC), a row a writer: counters that nobody waits for. A sum is the figure."""

    __tablename__ = "sending_account_usage"
    __table_args__ = (sa.Index(None, "tenant_id", "hour"),)

    sending_account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("sending_accounts.id", ondelete="CASCADE"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    writer: Mapped[int] = mapped_column(sa.SmallInteger(), primary_key=True)
    sent: Mapped[int]
