"""Reading people, sessions, members and invitations."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.models import Identity, Membership, OneTimeToken, Passkey, RecoveryCode, SignIn, TotpSecret, User, UserSession
from webapp.accounts.types import Factors, LoggedIn, Member, MemberRole, Outcome, TokenPurpose
from webapp.kernel import clock
from webapp.kernel.errors import NotFound
from webapp.kernel.pagination import Page, page_of
from webapp.kernel.scope import Mode, Scope
from webapp.kernel.secrets import digest
from webapp.tenants.models import Tenant
from webapp.tenants.types import TenantStatus


def find_user(session: Session, email: str) -> User | None:
    """By canonical (lower-case) address."""
    return session.scalar(sa.select(User).where(User.email == email))


def list_users(session: Session) -> list[User]:
    """Everybody, by address; for the command line."""
    return list(session.scalars(sa.select(User).order_by(User.email)))


def get_user(session: Session, user_id: UUID) -> User:
    """Raises ``NotFound``."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("user")
    return user


def find_logged_in(session: Session, token: str) -> LoggedIn | None:
    """The session that a cookie's token names, unless it ended or its user is disabled. Needs an unscoped session: one look-up for all."""
    row = session.execute(
        sa.select(UserSession, User, Tenant, Membership.role)
        .join(User, User.id == UserSession.user_id)
        .outerjoin(Membership, sa.and_(Membership.tenant_id == UserSession.tenant_id, Membership.user_id == UserSession.user_id))
        .outerjoin(Tenant, Tenant.id == Membership.tenant_id)
        .where(UserSession.token_hash == digest(token), UserSession.expires_at > clock.now(), User.disabled_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    opened, user, tenant, role = row
    return LoggedIn(
        session_id=opened.id, user_id=user.id, name=user.name, email=user.email, is_staff=user.is_staff, mode=Mode(opened.mode),
        expires_at=opened.expires_at, last_seen_at=opened.last_seen_at,
        tenant_id=tenant.id if tenant else None, tenant_name=tenant.name if tenant else None,
        tenant_status=TenantStatus(tenant.status) if tenant else None, role=MemberRole(role) if role else None,
        tenant_asks_factor=bool(tenant and tenant.require_second_factor), method=opened.method, factor_at=opened.factor_at,
        confirmed_at=opened.confirmed_at,
    )  # fmt: skip


def count_factors(session: Session, user_id: UUID) -> Factors:
    """The person's second factors."""
    totp = sa.exists().where(TotpSecret.user_id == user_id, TotpSecret.confirmed_at.is_not(None)).select()
    passkeys = sa.select(sa.func.count()).select_from(Passkey).where(Passkey.user_id == user_id)
    codes = sa.select(sa.func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    row = session.execute(sa.select(totp.scalar_subquery(), passkeys.scalar_subquery(), codes.scalar_subquery())).one()
    return Factors(*row)


def list_passkeys(session: Session, user_id: UUID) -> list[Passkey]:
    """A person's passkeys, the oldest first."""
    return list(session.scalars(sa.select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)))


def list_identities(session: Session, user_id: UUID) -> list[Identity]:
    """A person's identities at the provider, the oldest first."""
    return list(session.scalars(sa.select(Identity).where(Identity.user_id == user_id).order_by(Identity.id)))


def list_sign_ins(session: Session, user_id: UUID, *, only_failed: bool = False, limit: int = 50, cursor: str | None = None) -> Page[SignIn]:
    """A person's tries to sign in, the newest first."""
    wanted = sa.select(SignIn).where(SignIn.user_id == user_id)
    if only_failed:
        wanted = wanted.where(SignIn.outcome != Outcome.SUCCESS)
    return page_of(session, wanted, SignIn.id, limit=limit, cursor=cursor)


def list_sessions(session: Session, user_id: UUID) -> list[UserSession]:
    """A person's open sessions, the last used first."""
    wanted = sa.select(UserSession).where(UserSession.user_id == user_id, UserSession.expires_at > clock.now())
    return list(session.scalars(wanted.order_by(UserSession.last_seen_at.desc())))


def list_tenants_of(session: Session, user_id: UUID) -> list[tuple[Tenant, MemberRole]]:
    """The tenants a person works for, by name. Needs an unscoped session."""
    wanted = sa.select(Tenant, Membership.role).join(Membership, Membership.tenant_id == Tenant.id).where(Membership.user_id == user_id)
    return [(tenant, MemberRole(role)) for tenant, role in session.execute(wanted.order_by(Tenant.name, Tenant.id))]


def list_members(
    scope: Scope, *, search: str | None = None, role: MemberRole | None = None, limit: int = 50, cursor: str | None = None
) -> Page[Member]:
    """The tenant's people, the newest first. ``search``: in name and address."""
    wanted = sa.select(Membership)
    if role:
        wanted = wanted.where(Membership.role == role)
    if search:
        found = sa.or_(User.name.icontains(search, autoescape=True), User.email.icontains(search, autoescape=True))
        wanted = wanted.join(User, User.id == Membership.user_id).where(found)
    page = page_of(scope.session, wanted, Membership.id, limit=limit, cursor=cursor)
    users = {user.id: user for user in scope.session.scalars(sa.select(User).where(User.id.in_([m.user_id for m in page.items])))}
    return Page([_member(membership, users[membership.user_id]) for membership in page.items], page.next_cursor)


def get_membership(scope: Scope, user_id: UUID) -> Membership:
    """Raises ``NotFound`` for somebody who is no member."""
    found = scope.session.scalar(sa.select(Membership).where(Membership.user_id == user_id))
    if found is None:
        raise NotFound("member")
    return found


def get_member(scope: Scope, user_id: UUID) -> Member:
    """Raises ``NotFound`` for somebody who is no member."""
    return _member(get_membership(scope, user_id), get_user(scope.session, user_id))


def _member(membership: Membership, user: User) -> Member:
    return Member(user.id, user.name, user.email, MemberRole(membership.role), membership.created_at, user.last_login_at)


def open_invitations(scope: Scope) -> sa.Select[OneTimeToken]:
    """The statement for invitations of the tenant that can still be accepted. The table is guarded by hand: logins read it without a tenant."""
    return sa.select(OneTimeToken).where(
        OneTimeToken.tenant_id == scope.tenant_id, OneTimeToken.purpose == TokenPurpose.INVITATION, OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > clock.now(),
    )  # fmt: skip


def list_invitations(scope: Scope, *, limit: int = 50, cursor: str | None = None) -> Page[OneTimeToken]:
    """Invitations that wait for an answer, newest first."""
    return page_of(scope.session, open_invitations(scope), OneTimeToken.id, limit=limit, cursor=cursor)


def get_invitation(scope: Scope, invitation_id: UUID) -> OneTimeToken:
    """Raises ``NotFound``, for other tenants' too."""
    found = scope.session.scalar(open_invitations(scope).where(OneTimeToken.id == invitation_id))
    if found is None:
        raise NotFound("invitation")
    return found


def find_token(session: Session, token: str, purpose: TokenPurpose, *, lock: bool = False) -> OneTimeToken | None:
    """The mailed token, unless it is used or too old. ``lock``: nobody else may use it until this transaction ends."""
    wanted = sa.select(OneTimeToken).where(
        OneTimeToken.token_hash == digest(token[:256]), OneTimeToken.purpose == purpose, OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > clock.now(),
    )  # fmt: skip
    return session.scalar(wanted.with_for_update() if lock else wanted)
