"""Pools, IP addresses and pool members."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOrShared, Timestamps


class Pool(HasId, TenantOrShared, Timestamps, Base):
    """A pool that bridges route through. ``tenant_id`` empty: shared, read-only for tenants."""

    __tablename__ = "pools"
    __table_args__ = (sa.Index(None, "tenant_id", "id"),)

    tenant_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str]
    description: Mapped[str | None]
    is_default: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    paused: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    #: Bridges that were deleted earlier still name it, and so does their mail: the row stays, for its name.
    deleted_at: Mapped[datetime | None]

    @property
    def shared(self) -> bool:
        """Whether it is the platform's own, read-only for tenants."""
        return self.tenant_id is None


class IpAddress(HasId, TenantOrShared, Timestamps, Base):
    """A sending address of ours: bound as source, with its own EHLO name. ``tenant_id`` set: dedicated to that tenant."""

    __tablename__ = "ip_addresses"

    tenant_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="SET NULL"))
    address: Mapped[str] = mapped_column(unique=True)
    helo_name: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    #: When it was last looked at, and what was wrong then, a sentence each.
    checked_at: Mapped[datetime | None]
    problems: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default="[]")

    @property
    def shared(self) -> bool:
        """Whether several tenants send from it."""
        return self.tenant_id is None


class PoolMember(HasId, TenantOrShared, Timestamps, Base):
    """An IP address or a sending account in a pool, with its weight. Exactly one of the two is set."""

    __tablename__ = "pool_members"
    __table_args__ = (
        sa.CheckConstraint("(ip_address_id is null) <> (sending_account_id is null)", name="one_kind"),
        sa.UniqueConstraint("pool_id", "ip_address_id"),
        sa.UniqueConstraint("pool_id", "sending_account_id"),
    )

    #: Same as the pool's, so that row-level security reads one column; empty for shared pools.
    tenant_id: Mapped[UUID | None]
    pool_id: Mapped[UUID] = mapped_column(sa.ForeignKey("pools.id", ondelete="CASCADE"))
    ip_address_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("ip_addresses.id", ondelete="CASCADE"))
    sending_account_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("sending_accounts.id", ondelete="CASCADE"))
    weight: Mapped[int] = mapped_column(default=100, server_default="100")
    active: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
