"""Acts on tenants: made by sign-up, judged by staff. Staff acts take a scope *of that tenant* whose actor is the staff person."""

from __future__ import annotations

import re
import unicodedata
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from webapp.activity.service import record
from webapp.kernel import clock
from webapp.kernel.db import after_commit
from webapp.kernel.errors import Conflict, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.jobs import QueueName, enqueue_after_commit
from webapp.kernel.scope import Scope
from webapp.kernel.secrets import random_token
from webapp.tenants.models import Tenant
from webapp.tenants.queries import get_tenant
from webapp.tenants.service.states import forget_state
from webapp.tenants.types import SuspensionKind, TenantStatus

#: The platform's own tenant: sends password resets and invitations. Nobody is a member, so nobody reads its mail.
SYSTEM_SLUG = "postbridge-system"
#: Holds and lets go the mail under way of suspended and resumed tenants.
_SETTLE = "worker.jobs.backoffice.settle_suspensions"
_RESERVED = {SYSTEM_SLUG, "admin", "api", "staff", "system", "www"}


def create_tenant(session: Session, name: str, *, slug: str | None = None, status: TenantStatus = TenantStatus.SANDBOX) -> Tenant:
    """A new tenant, in sandbox unless the caller (demo, command line) says otherwise. A taken slug gets a random tail."""
    cleaned = " ".join(name.split())
    if not 1 <= len(cleaned) <= 120:
        raise ValidationFailed("Give the organisation a name of 1 to 120 characters.", param="tenant_name")
    wanted = slugify(slug or cleaned)
    if slug is None and (wanted in _RESERVED or session.scalar(sa.select(Tenant.id).where(Tenant.slug == wanted))):
        wanted = f"{wanted[:40]}-{random_token(36).lower()}"
    tenant = Tenant(id=uuid7(), name=cleaned, slug=wanted, status=status, approved_at=clock.now() if status is TenantStatus.APPROVED else None)
    session.add(tenant)
    session.flush()
    return tenant


def slugify(text: str) -> str:
    """Lower-case letters, digits and hyphens, at most 48 of them; "tenant" when nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-") or "tenant"


def system_tenant_id(session: Session) -> UUID:
    """The platform's own tenant, made at the first call; safe when two processes call at once."""
    wanted = sa.select(Tenant.id).where(Tenant.slug == SYSTEM_SLUG)
    if found := session.scalar(wanted):
        return found
    values = {"id": uuid7(), "name": "Postbridge", "slug": SYSTEM_SLUG, "status": TenantStatus.APPROVED.value, "approved_at": clock.now()}
    session.execute(insert(Tenant).values(values).on_conflict_do_nothing(index_elements=["slug"]))
    return session.scalars(wanted).one()


def rename(scope: Scope, name: str) -> Tenant:
    """Change the tenant's name; its slug stays."""
    cleaned = " ".join(name.split())
    if not 1 <= len(cleaned) <= 120:
        raise ValidationFailed("Give the organisation a name of 1 to 120 characters.", param="name")
    tenant = get_tenant(scope.session, scope.tenant_id)
    if tenant.name != cleaned:
        record(scope, "tenant.renamed", "tenant", tenant.id, cleaned, {"name": [tenant.name, cleaned]})
        tenant.name = cleaned
    return tenant


def approve(scope: Scope, note: str | None = None) -> Tenant:
    """Let the tenant send live. Raises ``Conflict`` while it is suspended."""
    tenant = get_tenant(scope.session, scope.tenant_id)
    if tenant.status == TenantStatus.SUSPENDED:
        raise Conflict("The tenant is suspended; resume it first.")
    if tenant.status != TenantStatus.APPROVED:
        tenant.approved_at = clock.now()
        _change(scope, tenant, TenantStatus.APPROVED, note, "tenant.approved")
    return tenant


def suspend(scope: Scope, reason: str, kind: SuspensionKind = SuspensionKind.OTHER) -> Tenant:
    """Stop all sending and all changes within five seconds, and hold what waits. The reason is shown to the tenant."""
    if not reason.strip():
        raise ValidationFailed("Say why the tenant is suspended; its members will read it.", param="reason")
    tenant = get_tenant(scope.session, scope.tenant_id)
    if tenant.slug == SYSTEM_SLUG:
        raise Conflict("The platform's own tenant cannot be suspended.")
    if tenant.status != TenantStatus.SUSPENDED:
        tenant.suspended_at, tenant.suspended_for = clock.now(), kind.value
        _change(scope, tenant, TenantStatus.SUSPENDED, reason.strip(), "tenant.suspended")
        enqueue_after_commit(scope.session, QueueName.DEFAULT, _SETTLE, 0)
    return tenant


def resume(scope: Scope) -> Tenant:
    """End a suspension: back to approved if it was approved before, else to sandbox."""
    tenant = get_tenant(scope.session, scope.tenant_id)
    if tenant.status == TenantStatus.SUSPENDED:
        tenant.suspended_at = tenant.suspended_for = None
        _change(scope, tenant, TenantStatus.APPROVED if tenant.approved_at else TenantStatus.SANDBOX, None, "tenant.resumed")
        enqueue_after_commit(scope.session, QueueName.DEFAULT, _SETTLE, 0)
    return tenant


def _change(scope: Scope, tenant: Tenant, status: TenantStatus, reason: str | None, action: str) -> None:
    record(scope, action, "tenant", tenant.id, tenant.name, {"status": [tenant.status, status], "reason": reason})
    tenant.status, tenant.status_reason = status, reason
    after_commit(scope.session, lambda: forget_state(tenant.id))
