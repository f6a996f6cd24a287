"""Tenants, their limits, and what they ask for more of."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps
from webapp.tenants.types import LimitRequestStatus, TenantStatus


class Plan(HasId, Timestamps, Base):
    """A named set of limits by ``LimitName``. A tenant keeps to those of its plan, except where it has one of its own."""

    __tablename__ = "plans"

    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str] = mapped_column(default="", server_default="")
    limits: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


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
    #: IANA name of the zone in which its days begin and end in figures; None: UTC.
    time_zone: Mapped[str | None]
    #: Limits of its own by ``LimitName``, except those in columns; what is not in it is the plan's, or the platform's default.
    limits: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    #: Live recipients per UTC month, and in any 60 seconds.
    monthly_limit: Mapped[int | None]
    minute_limit: Mapped[int | None]
    plan_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("plans.id"))
    #: Whether ``daily_limit`` is a new tenant's and doubles with each clean day, how many it had, and the day it was last looked at.
    limit_grows: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    clean_days: Mapped[int] = mapped_column(sa.SmallInteger(), default=0, server_default="0")
    grown_on: Mapped[date | None]
    #: What a suspension is for: decides whether links in mail already sent still lead anywhere. See ``SuspensionKind``.
    suspended_for: Mapped[str | None]
    #: Set while mail under way is held because the tenant is suspended; emptied when all of it was let go.
    queue_held_at: Mapped[datetime | None]
    #: Whether members reach nothing here before they gave a second factor.
    require_second_factor: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    #: Set by an owner who wants the tenant gone: everything of it is deleted then, unless an owner changes their mind.
    delete_at: Mapped[datetime | None]
    delete_asked_by: Mapped[str | None]


class LimitRequest(HasId, TenantOwned, Timestamps, Base):
    """A tenant asks for more of something; staff decide. At most one is open for each limit."""

    __tablename__ = "limit_requests"
    __table_args__ = (
        sa.Index(None, "tenant_id", "id"),
        sa.Index("uq_limit_requests_open", "tenant_id", "limit_name", unique=True, postgresql_where=sa.text("status = 'open'")),
        sa.Index("ix_limit_requests_open", "id", postgresql_where=sa.text("status = 'open'")),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    limit_name: Mapped[str]
    #: The limit when it was asked for.
    present: Mapped[int]
    wanted: Mapped[int]
    reason: Mapped[str]
    asked_by: Mapped[str]
    status: Mapped[str] = mapped_column(default=LimitRequestStatus.OPEN, server_default=LimitRequestStatus.OPEN)
    #: The new limit, when granted.
    granted: Mapped[int | None]
    #: What staff say about it; the tenant reads it.
    answer: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
