"""Bridges and their credentials."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.bridges.types import BridgeStatus, Stream
from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps


class Bridge(HasId, TenantOwned, Timestamps, Base):
    """One application's way in: SMTP login and token on top of a pool, with its own tracking and figures.

    Deleted bridges keep their row (messages name them) and lose their credentials.
    """

    __tablename__ = "bridges"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "id"),
        sa.Index("uq_bridges_name", "tenant_id", "name", unique=True, postgresql_where=sa.text("deleted_at is null")),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str]
    #: A shared pool belongs to no tenant, so the service checks ownership and row-level security hides other tenants' pools.
    pool_id: Mapped[UUID] = mapped_column(sa.ForeignKey("pools.id"))
    mode: Mapped[str] = mapped_column(default="live", server_default="live")
    stream: Mapped[str] = mapped_column(default=Stream.TRANSACTIONAL, server_default=Stream.TRANSACTIONAL)
    track_opens: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    track_clicks: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    #: Addresses or domains this bridge may send from; empty: every verified domain of the tenant.
    allowed_from: Mapped[list[str]] = mapped_column(server_default="{}", default=list)
    paused_at: Mapped[datetime | None]
    pause_reason: Mapped[str | None]
    deleted_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    @property
    def status(self) -> BridgeStatus:
        """Whether it takes mail."""
        return BridgeStatus.PAUSED if self.paused_at else BridgeStatus.ACTIVE


class BridgeCredential(HasId, TenantOwned, Timestamps, Base):
    """One pair of SMTP password and token secret. Two can be valid during a rotation; ``expires_at`` ends the old one.

    The username is the bridge's, the password and the token's secret are independent random values: neither tells the other.
    Both are sealed so that the dashboard can show them again, and found by their SHA-256.
    """

    __tablename__ = "bridge_credentials"
    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "bridge_id"], ["bridges.tenant_id", "bridges.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("bridge_id", "number"),
    )

    bridge_id: Mapped[UUID]
    username: Mapped[str] = mapped_column(index=True)
    number: Mapped[int]
    password_hash: Mapped[bytes]
    password_sealed: Mapped[bytes]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    token_sealed: Mapped[bytes]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
