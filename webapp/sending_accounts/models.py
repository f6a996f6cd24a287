"""Sending accounts: outside SMTP relays."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOrShared, Timestamps


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

    @property
    def has_password(self) -> bool:
        """Whether a password is set; it is never shown."""
        return self.password is not None

    @property
    def shared(self) -> bool:
        """Whether it is the platform's own, read-only for tenants."""
        return self.tenant_id is None
