"""Plans and who has them. Needs an unscoped session."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.tenants.models import Plan, Tenant


def list_plans(session: Session) -> Sequence[Plan]:
    """Every plan by name."""
    return session.scalars(sa.select(Plan).order_by(Plan.name)).all()


def count_tenants(session: Session) -> dict[UUID, int]:
    """How many tenants have each plan."""
    rows = session.execute(sa.select(Tenant.plan_id, sa.func.count()).where(Tenant.plan_id.is_not(None)).group_by(Tenant.plan_id))
    return {plan_id: int(count) for plan_id, count in rows if plan_id is not None}
