"""Endings: a person deletes their account, an owner the whole tenant, which has days of grace.

A tenant's rows are deleted in batches by a job, the great tables first; the tenant itself goes last and takes the rest along.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.models import Membership, User
from webapp.accounts.queries import get_user
from webapp.accounts.service.notices import tell
from webapp.accounts.service.tokens import request_token
from webapp.accounts.types import MemberRole, NoticeKind, TokenPurpose
from webapp.activity.service import record
from webapp.kernel import clock
from webapp.kernel.errors import Conflict, Forbidden, ValidationFailed
from webapp.kernel.scope import Scope
from webapp.settings import get_settings
from webapp.tenants.models import Tenant
from webapp.tenants.service import SYSTEM_SLUG, get_tenant


def require_factor(scope: Scope, on: bool) -> None:
    """Ask every member for a second factor from now on, or no longer. Those without one set it up before they go on."""
    tenant = get_tenant(scope.session, scope.tenant_id)
    if tenant.require_second_factor != on:
        record(scope, "tenant.second_factor_asked", "tenant", tenant.id, tenant.name, {"required": [tenant.require_second_factor, on]})
        tenant.require_second_factor = on


def ask_for_end(scope: Scope, role: MemberRole | None, typed: str) -> datetime:
    """An owner wants the tenant deleted; when it will be. Every owner is told. Raises ``Forbidden``, ``Conflict``, ``ValidationFailed`` (wrong name)."""
    tenant = _own(scope, role)
    if typed.strip() != tenant.name:
        raise ValidationFailed(f"Type the name exactly as it is: {tenant.name}", param="tenant_name")
    if tenant.slug == SYSTEM_SLUG:
        raise Conflict("The platform's own tenant cannot be deleted.")
    if tenant.delete_at is not None:
        raise Conflict("It will be deleted already.")
    tenant.delete_at = clock.now() + timedelta(days=get_settings().tenant_grace_days)
    tenant.delete_asked_by = scope.actor.name
    _tell_owners(scope, NoticeKind.TENANT_ENDS, tenant, f"{tenant.delete_at:%Y-%m-%d %H:%M}")
    record(scope, "tenant.deletion_asked", "tenant", tenant.id, tenant.name, {"delete_at": tenant.delete_at})
    return tenant.delete_at


def keep(scope: Scope, role: MemberRole | None) -> None:
    """An owner changes their mind, or another's. Raises ``Forbidden`` and ``Conflict``."""
    tenant = _own(scope, role)
    if tenant.delete_at is None:
        raise Conflict("Nobody asked for its deletion.")
    tenant.delete_at = tenant.delete_asked_by = None
    _tell_owners(scope, NoticeKind.TENANT_STAYS, tenant, "")
    record(scope, "tenant.deletion_stopped", "tenant", tenant.id, tenant.name)


def _own(scope: Scope, role: MemberRole | None) -> Tenant:
    if role is not MemberRole.OWNER:
        raise Forbidden("Only an owner may do this.")
    return get_tenant(scope.session, scope.tenant_id)


def _tell_owners(scope: Scope, kind: NoticeKind, tenant: Tenant, when: str) -> None:
    owners = sa.select(User).join(Membership, Membership.user_id == User.id).where(Membership.role == MemberRole.OWNER)
    for owner in scope.session.scalars(owners.where(User.disabled_at.is_(None))):
        tell(scope.session, owner, kind, tenant=tenant.name, by=scope.actor.name, when=when)


def delete_account(session: Session, user_id: UUID, typed: str) -> None:
    """A person and everything that is theirs alone: sessions, factors, history, memberships. Their acts stay in the tenants' activity by name.

    Needs an unscoped session. Raises ``ValidationFailed`` (wrong address) and ``Conflict`` for the last owner of a tenant.
    """
    user = get_user(session, user_id)
    if typed.strip().lower() != user.email:
        raise ValidationFailed(f"Type your address exactly as it is: {user.email}", param="confirm_email")
    if user.is_staff:
        raise Conflict("You are staff: have a colleague end that first.", param="confirm_email")
    owned = sa.select(Membership.tenant_id).where(Membership.user_id == user_id, Membership.role == MemberRole.OWNER)
    rows = session.execute(sa.select(Membership.tenant_id, Membership.user_id).where(
        Membership.tenant_id.in_(owned), Membership.role == MemberRole.OWNER).with_for_update()).all()  # fmt: skip
    alone = {tenant for tenant, _ in rows} - {tenant for tenant, owner in rows if owner != user_id}
    if alone:
        names = ", ".join(session.scalars(sa.select(Tenant.name).where(Tenant.id.in_(alone)).order_by(Tenant.name)))
        raise Conflict(f"You are the only owner of {names}: make somebody else owner, or delete it first.", param="confirm_email")
    request_token(session, TokenPurpose.NOTICE, user.email, data={"kind": NoticeKind.ACCOUNT_DELETED.value})
    session.delete(user)


def due_for_end(session: Session) -> list[UUID]:
    """Tenants whose days of grace are over. Needs an unscoped session."""
    return list(session.scalars(sa.select(Tenant.id).where(Tenant.delete_at <= clock.now()).order_by(Tenant.delete_at)))


def find_tables_of_tenants(connection: Any) -> list[str]:
    """Every table, and every part of a divided one, that holds rows of tenants; the ones that grow without end first. ``connection``: psycopg."""
    rows = connection.execute(
        "select c.oid::regclass::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped "
        "where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname not in ('user_sessions', 'one_time_tokens') "
        "order by not c.relispartition, c.relname"
    )
    return [row[0] for row in rows.fetchall()]
