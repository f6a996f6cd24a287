"""Sessions of browsers: opened at login with a new token, ended by deleting the row."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.models import Membership, User, UserSession
from webapp.accounts.types import SignInMethod
from webapp.kernel import clock
from webapp.kernel.errors import NotFound
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Mode
from webapp.kernel.secrets import digest, random_token
from webapp.settings import get_settings
from webapp.tenants.models import Tenant
from webapp.tenants.types import TenantStatus

_TOKEN_BITS = 200
_MAX_SESSIONS = 50


def open_session(
    session: Session, user: User, address: str | None, user_agent: str | None, *, tenant_id: UUID | None = None,
    method: SignInMethod = SignInMethod.PASSWORD, factor_at: datetime | None = None,
) -> str:  # fmt: skip
    """Log a person in: a new row, and the token for the cookie. Starts in ``tenant_id``, else in the tenant of the last session or the first one.

    ``factor_at``: when a second factor was given, if one was.
    """
    token = random_token(_TOKEN_BITS)
    tenant_id, mode = _where_to_start(session, user.id, tenant_id)
    user.last_login_at = clock.now()
    opened = UserSession(
        id=uuid7(), token_hash=digest(token), user_id=user.id, tenant_id=tenant_id, mode=mode.value, address=address,
        user_agent=_clean(user_agent), expires_at=clock.now() + timedelta(hours=get_settings().session_hours),
        method=method.value, factor_at=factor_at, confirmed_at=clock.now(),
    )  # fmt: skip
    session.add(opened)
    session.flush()
    _drop_surplus(session, user.id)
    return token


def rotate_session(session: Session, session_id: UUID) -> str:
    """A new token for the same session (its rights changed): the old cookie is worth nothing from now on."""
    token = random_token(_TOKEN_BITS)
    _get_session(session, session_id).token_hash = digest(token)
    return token


def note_use(session: Session, session_id: UUID) -> None:
    """Stamp the session as used now; called at most once a minute."""
    session.execute(sa.update(UserSession).where(UserSession.id == session_id).values(last_seen_at=clock.now()))


def switch_mode(session: Session, session_id: UUID, mode: Mode) -> None:
    """Show live or sandbox from now on, in this session."""
    _get_session(session, session_id).mode = mode.value


def switch_tenant(session: Session, session_id: UUID, user_id: UUID, tenant_id: UUID) -> str:
    """Work for another tenant from now on; returns the session's new token. Raises ``NotFound`` where the person is no member."""
    if session.scalar(sa.select(Membership.id).where(Membership.user_id == user_id, Membership.tenant_id == tenant_id)) is None:
        raise NotFound("tenant")
    _get_session(session, session_id).tenant_id = tenant_id
    return rotate_session(session, session_id)


def end_session(session: Session, user_id: UUID, session_id: UUID) -> None:
    """Log one browser of a person out. Raises ``NotFound`` for somebody else's session."""
    ended = session.execute(sa.delete(UserSession).where(UserSession.id == session_id, UserSession.user_id == user_id).returning(UserSession.id))
    if ended.first() is None:
        raise NotFound("session")


def end_sessions(session: Session, user_id: UUID, *, but: UUID | None = None, tenant_id: UUID | None = None) -> None:
    """Log a person out everywhere: except in the session ``but``, or only where they work for ``tenant_id``."""
    statement = sa.delete(UserSession).where(UserSession.user_id == user_id)
    if but is not None:
        statement = statement.where(UserSession.id != but)
    if tenant_id is not None:
        statement = statement.where(UserSession.tenant_id == tenant_id)
    session.execute(statement)


def _get_session(session: Session, session_id: UUID) -> UserSession:
    found = session.get(UserSession, session_id)
    if found is None:
        raise NotFound("session")
    return found


def _where_to_start(session: Session, user_id: UUID, wanted: UUID | None) -> tuple[UUID | None, Mode]:
    member_of = sa.select(Membership.tenant_id, Tenant.status).join(Tenant, Tenant.id == Membership.tenant_id).where(Membership.user_id == user_id)
    statuses = dict(session.execute(member_of.order_by(Membership.id)).all())
    last = session.scalar(sa.select(UserSession).where(UserSession.user_id == user_id).order_by(UserSession.id.desc()).limit(1))
    if wanted is None and last is not None and last.tenant_id in statuses:
        return last.tenant_id, Mode(last.mode)
    start = wanted if wanted in statuses else next(iter(statuses), None)
    return start, Mode.LIVE if start and statuses[start] == TenantStatus.APPROVED else Mode.SANDBOX


def _drop_surplus(session: Session, user_id: UUID) -> None:
    """A script that logs in for every request must not fill the table."""
    keep = sa.select(UserSession.id).where(UserSession.user_id == user_id).order_by(UserSession.id.desc()).limit(_MAX_SESSIONS)
    session.execute(sa.delete(UserSession).where(UserSession.user_id == user_id, UserSession.id.not_in(keep)), execution_options={"synchronize_session": False})


def _clean(user_agent: str | None) -> str | None:
    return "".join(c for c in user_agent if c.isprintable())[:400] if user_agent else None
