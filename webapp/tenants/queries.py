"""Reading tenants."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.kernel.errors import NotFound
from webapp.tenants.models import Tenant
from webapp.tenants.types import TenantState, TenantStatus


def get_tenant(session: Session, tenant_id: UUID) -> Tenant:
    """Raises ``NotFound``."""
    tenant = session.get(Tenant, tenant_id)
    if tenant is None:
        raise NotFound("tenant")
    return tenant


def find_by_slug(session: Session, slug: str) -> Tenant | None:
    """The tenant with that slug."""
    return session.scalar(sa.select(Tenant).where(Tenant.slug == slug))


def list_all(session: Session) -> list[Tenant]:
    """Every tenant, newest first; for staff and the command line."""
    return list(session.scalars(sa.select(Tenant).order_by(Tenant.id.desc())))


def state_of(tenant: Tenant) -> TenantState:
    """The row as a value that outlives its session."""
    return TenantState(tenant.id, tenant.name, TenantStatus(tenant.status), tenant.status_reason, tenant.daily_limit, tenant.max_recipients)
