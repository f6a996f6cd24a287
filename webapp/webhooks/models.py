"""Reports that came by callback, kept until a worker has applied them, and for some weeks after that so that none is applied twice."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOwned


class InboundReport(HasId, TenantOwned, Base):
    """One report of one source. The tenant is its recipient's. ``outcome``: what it changed, once ``applied_at`` is set."""

    __tablename__ = "inbound_reports"
    __table_args__ = (
        sa.UniqueConstraint("source", "key"),
        sa.Index("ix_inbound_reports_waiting", "id", postgresql_where=sa.text("applied_at is null")),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    source: Mapped[str]
    key: Mapped[str]
    recipient_id: Mapped[UUID]
    event: Mapped[str]
    status: Mapped[str | None]
    reason: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    applied_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
