"""Suppressed addresses."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps


class Suppression(HasId, TenantOwned, Timestamps, Base):
    """An address (canonical form) that a tenant must not write to, in one scope, with the reason and where it came from."""

    __tablename__ = "suppressions"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "address", "scope"),)

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    address: Mapped[str]
    scope: Mapped[str]
    reason: Mapped[str]
    source: Mapped[str]
    recipient_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
