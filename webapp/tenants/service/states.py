"""What the sending path knows of each tenant, from a cache of this process, and what a tenant's state leaves of rights."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from webapp.kernel.db import TenantSession, engine
from webapp.kernel.errors import NotFound
from webapp.kernel.permissions import Permission, PermissionSet
from webapp.kernel.ttl_cache import TtlCache
from webapp.tenants.models import Tenant
from webapp.tenants.queries import state_of
from webapp.tenants.types import SuspensionKind, TenantState, TenantStatus

#: Four seconds, so that a suspension made in another process acts here within five.
_states: TtlCache[UUID, TenantState] = TtlCache(4.0, 10_000)
_abusive: TtlCache[None, frozenset[UUID]] = TtlCache(4.0, 1)


def tenant_state(tenant_id: UUID) -> TenantState:
    """What sending must know, from a cache of this process that is at most four seconds old. Raises ``NotFound``."""
    if cached := _states.find(tenant_id):
        return cached[0]
    with TenantSession(engine()) as session:
        tenant = session.get(Tenant, tenant_id)
        if tenant is None:
            raise NotFound("tenant")
        state = state_of(tenant)
    _states.put(tenant_id, state)
    return state


def permissions_of_tenant(granted: PermissionSet, status: TenantStatus) -> PermissionSet:
    """What is left of ``granted`` in a tenant of that status: a suspended one keeps reading.

    Sending stays in the set, because ``messages.service.accept`` refuses it with words that say why.
    """
    if status is not TenantStatus.SUSPENDED:
        return granted
    kept = {permission.value for permission in Permission if permission.value.endswith(".read") and granted.allows(permission)}
    return PermissionSet(kept | ({Permission.EMAIL_SEND.value} if granted.allows(Permission.EMAIL_SEND) else set()))


def forget_state(tenant_id: UUID) -> None:
    """Drop the cached state in this process."""
    _states.forget(lambda state: state.id == tenant_id)
    _abusive.clear()


def suspended_for_abuse() -> frozenset[UUID]:
    """Tenants whose links must not be followed any more, from a cache of this process that is at most four seconds old."""
    if cached := _abusive.find(None):
        return cached[0]
    with TenantSession(engine()) as session:
        wanted = sa.select(Tenant.id).where(Tenant.status == TenantStatus.SUSPENDED, Tenant.suspended_for == SuspensionKind.ABUSE)
        found = frozenset(session.scalars(wanted))
    _abusive.put(None, found)
    return found


def forget_all_states() -> None:
    """Drop every cached state in this process; for tests that empty the database."""
    _states.clear()
    _abusive.clear()
