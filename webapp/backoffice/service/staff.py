"""The people of the platform: who is staff, and in which role. Everything here needs an unscoped session; acts stand in the platform's own activity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.models import Membership, User
from webapp.accounts.service import create_user, end_sessions, request_reset
from webapp.activity.service import record
from webapp.backoffice.models import StaffMember, SupportSession
from webapp.backoffice.service.sessions import end_session
from webapp.backoffice.types import EndCause, StaffRole
from webapp.kernel.addresses import parse_address
from webapp.kernel.errors import Conflict, Forbidden, NotFound, ValidationFailed
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import Actor, Scope
from webapp.tenants.service import system_tenant_id


@dataclass(frozen=True, slots=True)
class Colleague:
    """One staff member. ``added_by`` None: made at the server's command line."""

    id: UUID
    name: str
    email: str
    role: StaffRole
    added_by: str | None
    since: datetime
    last_login_at: datetime | None


def platform_scope(session: Session, actor: Actor, *, request_id: str | None = None, address: str | None = None) -> Scope:
    """A scope of the platform's own tenant, for acts that concern no tenant: their activity stands there."""
    return Scope(session, system_tenant_id(session), actor, PermissionSet({"*"}), request_id=request_id, address=address)


def list_staff(session: Session) -> list[Colleague]:
    """Everybody, the oldest first."""
    rows = session.execute(sa.select(User, StaffMember).outerjoin(StaffMember, StaffMember.user_id == User.id).where(User.is_staff).order_by(User.id))
    return [_colleague(user, row) for user, row in rows]


def role_of(session: Session, user_id: UUID) -> StaffRole:
    """The role of a staff member; those made at the command line are owners."""
    row = session.get(StaffMember, user_id)
    return StaffRole(row.role) if row else StaffRole.OWNER


def add_staff(scope: Scope, email: str, name: str, role: StaffRole) -> Colleague:
    """Make a person staff; somebody new gets a letter with which to choose a password. Raises ``Forbidden`` (only owners), ``Conflict``, ``ValidationFailed``.

    A member of a tenant cannot be staff too: nobody may judge, or act for, themselves.
    """
    require_owner(scope)
    session, address = scope.session, parse_address(email).email
    user = session.scalar(sa.select(User).where(sa.func.lower(User.email) == address.lower()))
    if user is None:
        if not 1 <= len(" ".join(name.split())) <= 100:
            raise ValidationFailed("Give the name of the new staff member.", param="name")
        user = create_user(session, address, " ".join(name.split()), None, is_staff=True)
        request_reset(session, address)
    elif user.is_staff:
        raise Conflict(f"{user.email} is staff already.", param="email")
    elif session.scalar(sa.select(Membership.id).where(Membership.user_id == user.id).limit(1)):
        raise Conflict("This person is a member of a tenant; staff use an account of their own.", param="email")
    user.is_staff = True
    row = StaffMember(user_id=user.id, role=role.value, added_by=scope.actor.name)
    session.merge(row)
    session.flush()
    record(scope, "staff.added", "user", user.id, user.email, {"role": role})
    return _colleague(user, session.get(StaffMember, user.id))


def change_role(scope: Scope, user_id: UUID, role: StaffRole) -> Colleague:
    """Raises ``Forbidden``, ``NotFound``, and ``Conflict`` when no owner would be left."""
    require_owner(scope)
    user = _get(scope.session, user_id)
    if role is not StaffRole.OWNER:
        _keep_an_owner(scope, user)
    before = role_of(scope.session, user.id)
    row = scope.session.get(StaffMember, user.id) or StaffMember(user_id=user.id, role=role.value, added_by=scope.actor.name)
    row.role = role.value
    scope.session.add(row)
    record(scope, "staff.role_changed", "user", user.id, user.email, {"role": [before, role]})
    return _colleague(user, row)


def remove_staff(scope: Scope, user_id: UUID) -> None:
    """End a person's being staff, and every session of theirs. Raises ``Forbidden``, ``NotFound``, and ``Conflict`` for oneself and the last owner."""
    require_owner(scope)
    user = _get(scope.session, user_id)
    if user.id == scope.actor.id:
        raise Conflict("Have another owner remove you.")
    _keep_an_owner(scope, user)
    user.is_staff = False
    scope.session.execute(sa.delete(StaffMember).where(StaffMember.user_id == user.id))
    end_sessions(scope.session, user.id)
    running = sa.select(SupportSession).where(SupportSession.staff_id == user.id, SupportSession.ended_at.is_(None))
    for session in scope.session.scalars(running):
        end_session(Scope(scope.session, session.tenant_id, scope.actor, scope.permissions), session, EndCause.STAFF_GONE)
    record(scope, "staff.removed", "user", user.id, user.email)


def require_owner(scope: Scope) -> None:
    """Raises ``Forbidden`` unless the actor is a staff owner."""
    if scope.actor.id is None or role_of(scope.session, scope.actor.id) is not StaffRole.OWNER:
        raise Forbidden("Only owners among staff may do this.")


def _get(session: Session, user_id: UUID) -> User:
    user = session.get(User, user_id)
    if user is None or not user.is_staff:
        raise NotFound("staff member")
    return user


def _keep_an_owner(scope: Scope, user: User) -> None:
    owners = [other for other in list_staff(scope.session) if other.role is StaffRole.OWNER]
    if [other.id for other in owners] == [user.id]:
        raise Conflict("This is the last owner; make somebody else one first.")


def _colleague(user: User, row: StaffMember | None) -> Colleague:
    role = StaffRole(row.role) if row else StaffRole.OWNER
    return Colleague(user.id, user.name, user.email, role, row.added_by if row else None, row.created_at if row else user.created_at, user.last_login_at)
