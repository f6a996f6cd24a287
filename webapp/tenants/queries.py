"""Reading tenants."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.kernel.errors import NotFound
from webapp.kernel.pagination import Page, page_of
from webapp.kernel.scope import Scope
from webapp.tenants.models import LimitRequest, Tenant
from webapp.tenants.types import LimitName, LimitRequestStatus, SuspensionKind, TenantState, TenantStatus


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
    kind = SuspensionKind(tenant.suspended_for) if tenant.suspended_for else None
    return TenantState(tenant.id, tenant.name, TenantStatus(tenant.status), tenant.status_reason, tenant.daily_limit, tenant.max_recipients, kind)


def get_limit_request(scope: Scope, request_id: UUID, *, lock: bool = False) -> LimitRequest:
    """Raises ``NotFound``, for other tenants' too. ``lock``: nobody else decides until this transaction ends."""
    wanted = sa.select(LimitRequest).where(LimitRequest.id == request_id)
    found = scope.session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFound("limit request")
    return found


def list_limit_requests(
    scope: Scope, *, status: LimitRequestStatus | None = None, limit_name: LimitName | None = None, limit: int = 50, cursor: str | None = None
) -> Page[LimitRequest]:
    """The tenant's requests, newest first."""
    wanted = sa.select(LimitRequest)
    if status:
        wanted = wanted.where(LimitRequest.status == status)
    if limit_name:
        wanted = wanted.where(LimitRequest.limit_name == limit_name)
    return page_of(scope.session, wanted, LimitRequest.id, limit=limit, cursor=cursor)


def list_open_requests(session: Session, *, limit: int = 100) -> list[tuple[LimitRequest, Tenant]]:
    """What waits for staff, of all tenants, oldest first. Needs an unscoped session."""
    wanted = sa.select(LimitRequest, Tenant).join(Tenant, Tenant.id == LimitRequest.tenant_id).where(LimitRequest.status == LimitRequestStatus.OPEN)
    return [(row, tenant) for row, tenant in session.execute(wanted.order_by(LimitRequest.id).limit(limit))]
