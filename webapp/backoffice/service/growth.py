"""Limits of new tenants: the daily limit doubles after each clean day, until the plan's (or the settings' last step) is reached and it is lifted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.activity.service import record
from webapp.bridges.models import GuardAlarm
from webapp.bridges.types import GuardAction
from webapp.kernel.scope import Mode, Scope
from webapp.settings import get_settings
from webapp.stats.models import StatsDelta, StatsHour
from webapp.tenants import service as tenants
from webapp.tenants.models import Plan, Tenant
from webapp.tenants.types import LimitName, TenantStatus


@dataclass(frozen=True, slots=True)
class Day:
    """Live recipients of one UTC day of a tenant, and how often its bridges were stopped by their guard."""

    sent: int
    bounced: int
    complained: int
    delivered: int
    stopped: int


def is_clean(day: Day) -> bool:
    """Whether a day shows that more can be borne: enough mail to tell, few bounces, few complaints, no bridge stopped."""
    settings = get_settings()
    if day.sent < settings.growth_minimum or day.stopped:
        return False
    return day.bounced <= settings.growth_bounces * day.sent and day.complained <= settings.growth_complaints * max(1, day.delivered)


def list_growing(session: Session, today: date) -> list[UUID]:
    """Tenants whose limit grows and was not looked at today. Needs an unscoped session."""
    due = sa.or_(Tenant.grown_on.is_(None), Tenant.grown_on < today)
    wanted = sa.select(Tenant.id).where(Tenant.limit_grows, Tenant.status == TenantStatus.APPROVED, due)
    return list(session.scalars(wanted.order_by(Tenant.id)))


def grow(scope: Scope, today: date) -> bool:
    """Look at yesterday, and double the daily limit when it was clean. Once a day, however often it is called. Returns whether it grew."""
    tenant = scope.session.scalar(sa.select(Tenant).where(Tenant.id == scope.tenant_id).with_for_update())
    if tenant is None or not tenant.limit_grows or tenant.grown_on is None or tenant.grown_on >= today:
        return False
    tenant.grown_on = today
    if not is_clean(read_day(scope, today - timedelta(days=1))):
        return False
    tenant.clean_days += 1
    most = _most(scope, tenant)
    higher = (tenant.daily_limit or get_settings().approval_daily) * 2
    if higher < most:
        tenants.set_limit(scope, LimitName.DAILY_RECIPIENTS, higher)
        return True
    tenant.limit_grows = False
    tenants.set_limit(scope, LimitName.DAILY_RECIPIENTS, None)
    tenants.set_limit(scope, LimitName.MINUTE_RECIPIENTS, None)
    record(scope, "tenant.fully_grown", "tenant", tenant.id, tenant.name, {"clean_days": tenant.clean_days})
    return True


def _most(scope: Scope, tenant: Tenant) -> int:
    """Where growing ends: the plan's daily limit, else the settings' last step."""
    plan = scope.session.get(Plan, tenant.plan_id) if tenant.plan_id else None
    found = plan.limits.get(LimitName.DAILY_RECIPIENTS.value) if plan else None
    return int(found) if found is not None else get_settings().growth_until


def read_day(scope: Scope, day: date) -> Day:
    """The figures of one UTC day of the scope's tenant."""
    start = datetime.combine(day, time(), UTC)
    names = ("sent", "hard_bounced", "complained", "delivered")
    sums = [0] * len(names)
    for table in (StatsHour, StatsDelta):
        columns = [sa.func.coalesce(sa.func.sum(getattr(table, name)), 0) for name in names]
        within = (table.mode == Mode.LIVE.value, table.hour >= start, table.hour < start + timedelta(days=1))
        row = scope.session.execute(sa.select(*columns).select_from(table).where(table.tenant_id == scope.tenant_id, *within)).one()
        sums = [total + int(value) for total, value in zip(sums, row, strict=True)]
    stopped = sa.select(sa.func.count()).select_from(GuardAlarm).where(
        GuardAlarm.action == GuardAction.PAUSE, GuardAlarm.created_at >= start, GuardAlarm.created_at < start + timedelta(days=1)
    )  # fmt: skip
    sent, bounced, complained, delivered = sums
    return Day(sent, bounced, complained, delivered, scope.session.scalar(stopped) or 0)
