"""Facts about a tenant's own things, kept as long as events of mail."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, TenantOwned
from webapp.kernel.ids import uuid7


class TenantEvent(TenantOwned, Base):
    """A fact about a domain, bridge, contact ... of a tenant, never changed. ``mode`` and ``bridge_id`` are set where the fact belongs to one."""

    __tablename__ = "tenant_events"
    __table_args__ = (sa.Index(None, "tenant_id", "id"), {"postgresql_partition_by": "RANGE (id)"})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    type: Mapped[str]
    mode: Mapped[str | None]
    bridge_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
