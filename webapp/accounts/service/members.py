"""Acts on the members of a tenant. Nobody gives a role that has more than they have, or touches somebody who has more."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts import throttle
from webapp.accounts.models import Membership, OneTimeToken, User
from webapp.accounts.passwords import check_password, hash_password
from webapp.accounts.queries import find_token, find_user, get_invitation, get_member, get_membership, open_invitations
from webapp.accounts.service.factors import reset_factors
from webapp.accounts.service.people import add_member, create_user
from webapp.accounts.service.sessions import end_sessions
from webapp.accounts.service.tokens import renew_token, request_token
from webapp.accounts.types import Member, MemberRole, TokenPurpose
from webapp.activity.service import record
from webapp.kernel import clock
from webapp.kernel.errors import Conflict, Forbidden, ValidationFailed
from webapp.kernel.permissions import PRESETS
from webapp.kernel.scope import Actor, ActorKind, Scope
from webapp.tenants.service import check_room, counts
from webapp.tenants.types import LimitName

_GONE = "The invitation was used already, taken back, or is too old. Ask for a new one."


@counts(LimitName.MEMBERS)
def count_members(scope: Scope) -> int:
    """How many members and open invitations the tenant has."""
    invited = sa.select(sa.func.count()).select_from(open_invitations(scope).subquery())
    return (scope.session.scalar(sa.select(sa.func.count()).select_from(Membership)) or 0) + (scope.session.scalar(invited) or 0)


def invite(scope: Scope, email: str, role: MemberRole) -> OneTimeToken:
    """Mail an invitation; a second one to the same address replaces the first. Answers the same whether the address has an account or not.

    Raises ``Forbidden`` for a role above one's own, ``Conflict`` for a member, ``LimitExceeded`` and ``RateLimited``.
    """
    _check_covers(scope, role)
    user = find_user(scope.session, email)
    if user is not None and scope.session.scalar(sa.select(Membership.id).where(Membership.user_id == user.id)):
        raise Conflict(f"{email} is a member already.", param="email")
    older = list(scope.session.scalars(open_invitations(scope).where(OneTimeToken.email == email)))
    if not older:
        check_room(scope, LimitName.MEMBERS)
    throttle.check(throttle.Attempt.INVITE, f"{scope.tenant_id}|{email}", str(scope.tenant_id))
    for replaced in older:
        replaced.used_at = clock.now()
    row = request_token(scope.session, TokenPurpose.INVITATION, email, tenant_id=scope.tenant_id, role=role)
    record(scope, "member.invited", "invitation", row.id, email, {"role": role})
    return row


def resend_invitation(scope: Scope, invitation_id: UUID) -> OneTimeToken:
    """Mail an invitation again with a new link, valid for another seven days; the link before ends. Raises ``NotFound``, ``RateLimited``."""
    row = get_invitation(scope, invitation_id)
    _check_covers(scope, MemberRole(row.role or MemberRole.VIEWER))
    throttle.check(throttle.Attempt.INVITE, f"{scope.tenant_id}|{row.email}", str(scope.tenant_id))
    before = row.expires_at
    renew_token(scope.session, row)
    record(scope, "invitation.resent", "invitation", row.id, row.email, {"expires_at": [before, row.expires_at]})
    return row


def withdraw_invitation(scope: Scope, invitation_id: UUID) -> None:
    """Make an invitation void. Raises ``NotFound``."""
    row = get_invitation(scope, invitation_id)
    row.used_at = clock.now()
    record(scope, "invitation.withdrawn", "invitation", row.id, row.email)


def accept_invitation(session: Session, token: str, *, name: str | None, password: str | None, user_id: UUID | None) -> User:
    """Join the tenant of a mailed invitation. Needs an unscoped session; the caller has proven who they are.

    ``user_id``: somebody whose password was checked, and who has the invited address; None: a new person, with ``name`` and ``password``.
    Raises ``ValidationFailed`` and ``Forbidden`` (the invitation is for another address).
    """
    row = find_token(session, token, TokenPurpose.INVITATION, lock=True)
    if row is None or row.tenant_id is None:
        raise ValidationFailed(_GONE, param="token")
    user = session.get(User, user_id) if user_id else _new_person(session, row.email, name or "", password or "")
    if user is None or user.email != row.email:
        raise Forbidden("The invitation is for another address than the one you are logged in with.")
    role = MemberRole(row.role or MemberRole.VIEWER)
    scope = Scope(session, row.tenant_id, Actor(ActorKind.MEMBER, user.id, user.name), PRESETS[role])
    add_member(scope, user, role)
    row.used_at = clock.now()
    return user


def change_role(scope: Scope, user_id: UUID, role: MemberRole) -> Member:
    """Give a member another role; logs them out of this tenant. Raises ``Conflict`` for the last owner, ``Forbidden`` above one's own rights."""
    membership = get_membership(scope, user_id)
    _check_covers(scope, MemberRole(membership.role))
    _check_covers(scope, role)
    if membership.role != role:
        _keep_an_owner(scope, membership)
        member = get_member(scope, user_id)
        record(scope, "member.role_changed", "member", user_id, member.email, {"role": [membership.role, role]})
        membership.role = role.value
        end_sessions(scope.session, user_id, tenant_id=scope.tenant_id)
    return get_member(scope, user_id)


def remove_member(scope: Scope, user_id: UUID) -> None:
    """Take somebody out of the tenant, or leave it. Raises ``Conflict`` for the last owner, ``Forbidden`` above one's own rights."""
    membership = get_membership(scope, user_id)
    _check_covers(scope, MemberRole(membership.role))
    _keep_an_owner(scope, membership)
    member = get_member(scope, user_id)
    scope.session.delete(membership)
    end_sessions(scope.session, user_id, tenant_id=scope.tenant_id)
    record(scope, "member.removed", "member", user_id, member.email, {"role": member.role})


def reset_member_factors(scope: Scope, user_id: UUID, *, works_elsewhere: bool) -> Member:
    """An owner takes a member's second factors away, who lost them; the member is told by mail who did it, and signed out everywhere.

    ``works_elsewhere``: whether the person is a member of another tenant too, which this scope cannot see.

    Raises ``Forbidden`` for anybody but owners, for oneself, for staff, and for somebody who works for other tenants too: an owner here would open
    accounts there.
    """
    owner = scope.actor.id is not None and get_membership(scope, scope.actor.id).role == MemberRole.OWNER
    member = get_member(scope, user_id)
    user = scope.session.get_one(User, user_id)
    if not owner or scope.actor.id == user_id:
        raise Forbidden("Only another owner may remove a second factor." if owner else "Only an owner may remove a member's second factor.")
    if user.is_staff or works_elsewhere:
        raise Forbidden(f"{user.name} has rights beyond this organisation, so nobody here may weaken their account. A recovery code, or the operator, helps.")
    reset_factors(scope.session, user, scope.actor.name)
    record(scope, "member.factors_reset", "member", user_id, user.email)
    return member


def _new_person(session: Session, email: str, name: str, password: str) -> User:
    if find_user(session, email) is not None:
        raise Forbidden("There is an account with this address; log in to accept the invitation.")
    if not name:
        raise ValidationFailed("Tell us your name.", param="name")
    check_password(password, (name, email))
    return create_user(session, email, name, hash_password(password))


def _check_covers(scope: Scope, role: MemberRole) -> None:
    if not scope.permissions.covers(PRESETS[role]):
        raise Forbidden(f"The role {role.value} has more rights than you; only somebody who has them may give or take it.")


def _keep_an_owner(scope: Scope, membership: Membership) -> None:
    """Locks the owners' rows: two owners who remove each other at once must not both succeed."""
    if membership.role != MemberRole.OWNER:
        return
    owners = scope.session.scalars(sa.select(Membership.user_id).where(Membership.role == MemberRole.OWNER).with_for_update()).all()
    if len(owners) < 2:
        raise Conflict("A tenant keeps at least one owner; make somebody else owner first.")
