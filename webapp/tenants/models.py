"""Tenants and their limits."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, Timestamps
from webapp.tenants.types import TenantStatus


class Tenant(HasId, Timestamps, Base):
    """One organisation. Starts in sandbox; staff approve it for live sending, or suspend it."""

    __tablename__ = "tenants"

    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(default=TenantStatus.SANDBOX, server_default=TenantStatus.SANDBOX)
    status_reason: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]
    #: Live recipients per UTC day; None: no limit.
    daily_limit: Mapped[int | None]
    max_recipients: Mapped[int | None]
