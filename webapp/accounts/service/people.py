"""Acts of and on people: sign-up, passwords, name and address."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.accounts.models import Membership, OneTimeToken, User
from webapp.accounts.passwords import check_password, hash_password, verify_password
from webapp.accounts.queries import find_token, find_user, get_user
from webapp.accounts.service.factors import drop_factors_since
from webapp.accounts.service.notices import tell
from webapp.accounts.service.sessions import end_sessions
from webapp.accounts.service.tokens import request_token
from webapp.accounts.types import MemberRole, NoticeKind, TokenPurpose
from webapp.activity.service import record
from webapp.kernel import clock
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import PRESETS
from webapp.kernel.scope import Actor, ActorKind, Scope
from webapp.tenants.models import Tenant
from webapp.tenants.service import create_tenant
from webapp.tenants.types import TenantStatus

_GONE = "The link was used already or is too old. Ask for a new one."


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a person gives to sign up. ``email`` is canonical (lower case)."""

    email: str
    name: str
    tenant_name: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class SignedUp:
    """Who and what came out of a sign-up."""

    user: User
    tenant: Tenant


def create_user(session: Session, email: str, name: str, password_hash: str | None, *, is_staff: bool = False) -> User:
    """A person without a tenant. Raises ``Conflict`` for a taken address."""
    user = User(
        id=uuid7(), email=email, name=name, password_hash=password_hash, is_staff=is_staff, security_stamp=secrets.token_hex(8)
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(user)
            session.flush()
    except IntegrityError:
        raise Conflict("There is an account with this address already.", param="email") from None
    return user


def create_account(
    session: Session, wish: NewAccount, *, address: str | None = None, request_id: str | None = None, status: TenantStatus = TenantStatus.SANDBOX,
    slug: str | None = None,
) -> SignedUp:  # fmt: skip
    """User, tenant and owner membership in one act. Needs an unscoped session. Raises ``Conflict`` for a taken address."""
    user = create_user(session, wish.email, wish.name, wish.password_hash)
    tenant = create_tenant(session, wish.tenant_name, slug=slug, status=status)
    actor = Actor(ActorKind.MEMBER, user.id, user.name)
    scope = Scope(session, tenant.id, actor, PRESETS[MemberRole.OWNER], request_id=request_id, address=address)
    add_member(scope, user, MemberRole.OWNER)
    record(scope, "tenant.created", "tenant", tenant.id, tenant.name, {"status": tenant.status})
    return SignedUp(user, tenant)


def sign_up(session: Session, wish: NewAccount, *, address: str | None = None, request_id: str | None = None) -> SignedUp | None:
    """Make an account; None when the address has one: its owner gets a mail, the visitor the same answer as ever."""
    if find_user(session, wish.email) is None:
        try:
            return create_account(session, wish, address=address, request_id=request_id)
        except Conflict:
            pass  # somebody else signed up with it this moment
    request_token(session, TokenPurpose.SIGN_UP_AGAIN, wish.email)
    return None


def add_member(scope: Scope, user: User, role: MemberRole) -> Membership:
    """Put a person into the scope's tenant. Raises ``Conflict`` for a member."""
    if scope.session.scalar(sa.select(Membership.id).where(Membership.tenant_id == scope.tenant_id, Membership.user_id == user.id)):
        raise Conflict(f"{user.email} is a member already.", param="email")
    membership = Membership(id=uuid7(), tenant_id=scope.tenant_id, user_id=user.id, role=role.value)
    scope.session.add(membership)
    scope.session.flush()
    record(scope, "member.joined", "member", user.id, user.email, {"role": role})
    return membership


def request_reset(session: Session, email: str) -> None:
    """Ask for a mail with a link to choose a new password. Does the same for known and unknown addresses."""
    request_token(session, TokenPurpose.RESET_PASSWORD, email)


def reset_password(session: Session, token: str, password: str) -> User:
    """Set a new password by a mailed token and end every session. Raises ``ValidationFailed`` (``token``: used or too old; ``password``: weak)."""
    row = find_token(session, token, TokenPurpose.RESET_PASSWORD, lock=True)
    user = session.get(User, row.user_id) if row is not None and row.user_id else None
    if row is None or user is None or user.disabled_at is not None:
        raise ValidationFailed(_GONE, param="token")
    check_password(password, (user.name, user.email))
    set_password(session, user, password)
    return user


def set_password(session: Session, user: User, password: str, *, keep_session: UUID | None = None) -> None:
    """Store a new password; ends all sessions but ``keep_session`` and makes every mailed link void."""
    user.password_hash, user.password_changed_at = hash_password(password), clock.now()
    user.security_stamp = secrets.token_hex(8)
    end_sessions(session, user.id, but=keep_session)
    void_links(session, user)
    tell(session, user, NoticeKind.PASSWORD_CHANGED)


def void_links(session: Session, user: User) -> None:
    """Every mailed link that could still change the account is over; the way back from a changed address stays, and so do notices under way."""
    mine = sa.or_(OneTimeToken.user_id == user.id, OneTimeToken.email == user.email)
    over = OneTimeToken.purpose.in_((TokenPurpose.RESET_PASSWORD, TokenPurpose.CHANGE_EMAIL))
    session.execute(sa.update(OneTimeToken).where(mine, over, OneTimeToken.used_at.is_(None)).values(used_at=clock.now()))


def change_password(session: Session, user_id: UUID, session_id: UUID, old: str, new: str, tenant_name: str | None = None) -> None:
    """Raises ``ValidationFailed`` for a wrong old or a weak new password. Ends all other sessions and tells the person by mail."""
    user = get_user(session, user_id)
    confirm_password(user, old, "current_password")
    check_password(new, (user.name, user.email, tenant_name or ""), "new_password")
    set_password(session, user, new, keep_session=session_id)


def confirm_password(user: User, password: str, param: str) -> None:
    """Raises ``ValidationFailed`` unless it is the person's password."""
    if not verify_password(user.password_hash, password):
        raise ValidationFailed("This is not your current password.", param=param)


def rename_user(session: Session, user_id: UUID, name: str) -> User:
    """Change the name others see."""
    user = get_user(session, user_id)
    user.name = name
    return user


def request_email_change(session: Session, user_id: UUID, email: str, password: str) -> None:
    """Mail a link to the new address; the change happens when it is followed. Says nothing about whether the address is taken."""
    user = get_user(session, user_id)
    confirm_password(user, password, "current_password")
    if email == user.email:
        raise ValidationFailed("This is your address already.", param="email")
    request_token(session, TokenPurpose.CHANGE_EMAIL, email, user_id=user.id)


def confirm_email_change(session: Session, token: str) -> User:
    """Follow the link: the address changes, every session ends. Raises ``ValidationFailed``."""
    row = find_token(session, token, TokenPurpose.CHANGE_EMAIL, lock=True)
    user = session.get(User, row.user_id) if row is not None and row.user_id else None
    if row is None or user is None or find_user(session, row.email) is not None:
        raise ValidationFailed(_GONE, param="token")
    row.used_at = clock.now()
    before = user.email
    user.email, user.security_stamp = row.email, secrets.token_hex(8)
    session.flush()
    end_sessions(session, user.id)
    void_links(session, user)
    request_token(session, TokenPurpose.UNDO_EMAIL, before, user_id=user.id, data={"new": row.email, "at": clock.now().timestamp()})
    return user


def undo_email_change(session: Session, token: str) -> User:
    """Give a person their address back, by the link that went there. Void with it: the password, factors added since, all sessions and links.

    The password, because whoever changed the address knew it. A letter to choose a new one is on its way. Raises ``ValidationFailed``.
    """
    row = find_token(session, token, TokenPurpose.UNDO_EMAIL, lock=True)
    user = session.get(User, row.user_id) if row is not None and row.user_id else None
    if row is None or user is None or find_user(session, row.email) not in (None, user):
        raise ValidationFailed(_GONE, param="token")
    row.used_at = clock.now()
    user.email, user.password_hash, user.security_stamp = row.email, None, secrets.token_hex(8)
    session.flush()
    since = datetime.fromtimestamp(float(row.data["at"]), UTC)
    drop_factors_since(session, user.id, since)
    end_sessions(session, user.id)
    void_links(session, user)
    later = sa.update(OneTimeToken).where(OneTimeToken.user_id == user.id, OneTimeToken.purpose == TokenPurpose.UNDO_EMAIL, OneTimeToken.id > row.id)
    session.execute(later.values(used_at=clock.now()))  # the one who took the address must not take it back again
    request_token(session, TokenPurpose.RESET_PASSWORD, user.email)
    return user


def make_staff(session: Session, email: str, is_staff: bool = True) -> User:
    """Give or take the staff console. Raises ``NotFound``. Ends the person's sessions: their rights changed."""
    user = find_user(session, email)
    if user is None:
        raise NotFound("user")
    user.is_staff = is_staff
    end_sessions(session, user.id)
    return user
