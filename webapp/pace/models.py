"""Throttles, budgets, warm-up plans with their days, and holds.

A *source* is what a pool member points at, an IP address or a sending account: one that is in several pools has one reputation. It is named without
a foreign key because it is either of two tables; the job of the pace removes what is left of sources that are gone.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOrShared, Timestamps
from webapp.pace.types import PlanState

_IN_FORCE = sa.text("ended_at is null")


class Throttle(HasId, TenantOrShared, Timestamps, Base):
    """One way out kept from one provider, or slowed towards it. Rows that ended are the history. ``tenant_id``: of the source; empty when shared."""

    __tablename__ = "throttles"
    __table_args__ = (
        sa.Index(None, "tenant_id", "id"),
        sa.Index("uq_throttles_in_force", "source_id", "provider", unique=True, postgresql_where=_IN_FORCE, postgresql_nulls_not_distinct=True),
    )

    tenant_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    #: Empty: every source, set by a person.
    source_id: Mapped[UUID | None]
    source_label: Mapped[str]
    provider: Mapped[str]
    action: Mapped[str]
    #: Messages a second over all delivery processes, of ``slow``.
    rate: Mapped[float | None] = mapped_column(sa.Double())
    rule: Mapped[str]
    reason: Mapped[str]
    #: What the other side said, without addresses.
    reply: Mapped[str | None]
    strikes: Mapped[int] = mapped_column(server_default="1", default=1)
    #: How often it was made longer: each time doubles the wait.
    level: Mapped[int] = mapped_column(server_default="0", default=0)
    until: Mapped[datetime]
    changed_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    #: Messages that got through since ``changed_at``.
    good: Mapped[int] = mapped_column(server_default="0", default=0)
    made_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None]


class ProviderBudget(HasId, TenantOrShared, Timestamps, Base):
    """Limits towards a provider in place of the built-in ones; an empty column leaves the built-in value. ``tenant_id`` set: for its own sources only."""

    __tablename__ = "provider_budgets"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "source_id", "provider", postgresql_nulls_not_distinct=True),)

    tenant_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    source_id: Mapped[UUID | None]
    provider: Mapped[str]
    connections: Mapped[int | None]
    messages_per_connection: Mapped[int | None]
    rate: Mapped[float | None] = mapped_column(sa.Double())
    total_connections: Mapped[int | None]
    total_rate: Mapped[float | None] = mapped_column(sa.Double())


class WarmupPlan(HasId, TenantOrShared, Timestamps, Base):
    """How a source gets to its full volume at one provider; ``steps``: recipients a day, ``day``: which step is today's, from 1."""

    __tablename__ = "warmup_plans"
    __table_args__ = (sa.UniqueConstraint("source_id", "provider"), sa.Index(None, "tenant_id", "id"))

    tenant_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    source_id: Mapped[UUID]
    source_label: Mapped[str]
    provider: Mapped[str]
    steps: Mapped[list[int]] = mapped_column(pg.ARRAY(sa.Integer()))
    day: Mapped[int] = mapped_column(server_default="1", default=1)
    state: Mapped[str] = mapped_column(server_default=PlanState.RUNNING, default=PlanState.RUNNING)
    started_on: Mapped[date]
    finished_on: Mapped[date | None]


class WarmupDay(TenantOrShared, Base):
    """One day of a plan. ``reserved``: taken by delivery processes so far, never more than ``allowance``; ``verdict``: why it counted or did not."""

    __tablename__ = "warmup_days"

    plan_id: Mapped[UUID] = mapped_column(sa.ForeignKey("warmup_plans.id", ondelete="CASCADE"), primary_key=True)
    on_date: Mapped[date] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID | None]
    day: Mapped[int]
    allowance: Mapped[int]
    reserved: Mapped[int] = mapped_column(server_default="0", default=0)
    sent: Mapped[int] = mapped_column(server_default="0", default=0)
    bounced: Mapped[int] = mapped_column(server_default="0", default=0)
    blocked: Mapped[int] = mapped_column(server_default="0", default=0)
    verdict: Mapped[str | None]


class SendingHold(HasId, TenantOrShared, Timestamps, Base):
    """A tenant, bridge, pool or provider that a person holds back or drains. ``tenant_id``: whose mail it is about; empty for shared pools and for a
    provider held for everybody. ``by_staff``: the tenant cannot release it."""

    __tablename__ = "sending_holds"
    __table_args__ = (
        sa.Index(None, "tenant_id", "id"),
        sa.Index(
            "uq_sending_holds_in_force", "tenant_id", "kind", "subject", "subject_id", "provider", unique=True,
            postgresql_where=sa.text("released_at is null"), postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip

    tenant_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    kind: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[UUID | None]
    provider: Mapped[str | None]
    label: Mapped[str]
    reason: Mapped[str]
    made_by: Mapped[str]
    by_staff: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None]
