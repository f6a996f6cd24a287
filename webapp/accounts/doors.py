"""The dashboard's door: from the session cookie to the person behind it, and the acts of people who are not logged in yet.

flask-login keeps the cookie. What it holds as user id is the token of a ``UserSession`` row, so that deleting the row ends the session at once,
everywhere; the row keeps the token's SHA-256 only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask, session
from flask_login import LoginManager, current_user, login_user, logout_user  # type: ignore[import-untyped]
from sqlalchemy.orm import Session

from webapp.accounts import queries, service, throttle
from webapp.accounts.passwords import check_password, hash_password, needs_rehash, verify_password
from webapp.accounts.throttle import Attempt
from webapp.accounts.types import LoggedIn, MemberRole, TokenPurpose
from webapp.http.guard import client_address
from webapp.kernel import clock
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Forbidden, NotFound, Unauthenticated
from webapp.kernel.permissions import PRESETS, PermissionSet
from webapp.kernel.scope import Actor, ActorKind, Mode
from webapp.settings import get_settings
from webapp.tenants.service import permissions_of_tenant
from webapp.tenants.types import TenantStatus

T = TypeVar("T")
_WRONG = "The address or the password is wrong."
_USE_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SessionDoor:
    """The person behind a request, as guard, layouts and flask-login read them."""

    logged_in: LoggedIn
    token: str = field(repr=False)

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """What flask-login puts into the cookie: the session's token."""
        return self.token

    @property
    def session_id(self) -> UUID:
        """The session's id; its token is a secret, this is not."""
        return self.logged_in.session_id

    @property
    def user_id(self) -> UUID:
        """The person."""
        return self.logged_in.user_id

    @property
    def name(self) -> str:
        """The person's name."""
        return self.logged_in.name

    @property
    def email(self) -> str:
        """The person's address."""
        return self.logged_in.email

    @property
    def is_staff(self) -> bool:
        """Whether the person may enter the staff console."""
        return self.logged_in.is_staff

    @property
    def mode(self) -> Mode:
        """What the dashboard shows."""
        return self.logged_in.mode

    @property
    def tenant_id(self) -> UUID | None:
        """The tenant the person works for at the moment."""
        return self.logged_in.tenant_id

    @property
    def tenant_name(self) -> str | None:
        """Its name."""
        return self.logged_in.tenant_name

    @property
    def tenant_status(self) -> TenantStatus | None:
        """Its status."""
        return self.logged_in.tenant_status

    @property
    def role(self) -> MemberRole | None:
        """The person's role there."""
        return self.logged_in.role

    @property
    def actor(self) -> Actor:
        """The name in the activity log."""
        return Actor(ActorKind.MEMBER, self.user_id, self.name)

    @property
    def permissions(self) -> PermissionSet:
        """What role and tenant allow; nothing without a tenant."""
        if self.role is None or self.tenant_status is None:
            return PermissionSet()
        return permissions_of_tenant(PRESETS[self.role], self.tenant_status)


def init_login(app: Flask) -> None:
    """Install flask-login. Sessions are bound to their row, not to a network address: people move between networks."""
    manager = LoginManager()
    manager.session_protection = None
    manager.user_loader(_load_door)
    manager.init_app(app, add_context_processor=False)
    app.permanent_session_lifetime = timedelta(hours=get_settings().session_hours)


def load_session() -> SessionDoor | None:
    """The person behind this request; None when nobody is logged in. One look-up a request."""
    door = current_user._get_current_object()
    return door if isinstance(door, SessionDoor) else None


def _load_door(token: str) -> SessionDoor | None:
    with unscoped("session login") as rows:
        found = queries.find_logged_in(rows, token)
        if found is not None and clock.now() - found.last_seen_at >= _USE_STEP:
            service.note_use(rows, found.session_id)
    return SessionDoor(found, token) if found else None


def current_person() -> SessionDoor:
    """The person who is logged in. Raises ``Unauthenticated``."""
    door = load_session()
    if door is None:
        raise Unauthenticated("Log in to go on.")
    return door


def log_in(email: str, password: str, user_agent: str | None) -> None:
    """Open a session and set its cookie. Raises ``Unauthenticated`` (the same for every reason) and ``RateLimited``."""
    user_id = check_login(email, password, client_address())
    with unscoped("login") as rows:
        user = queries.get_user(rows, user_id)
        token = service.open_session(rows, user, client_address(), user_agent)
    old = load_session()
    if old is not None:  # this browser had a session: it ends, nobody may have planted it
        _end(old)
    set_cookie(token)


def check_login(email: str, password: str, address: str) -> UUID:
    """Who has this address and password. Raises ``Unauthenticated`` and ``RateLimited``. No connection is held while Argon2 works."""
    throttle.check(Attempt.LOGIN, email, address)
    with unscoped("login look-up") as rows:
        user = queries.find_user(rows, email)
    right = verify_password(user.password_hash if user else None, password)
    if user is None or not right or user.disabled_at is not None:
        throttle.blame(Attempt.LOGIN, address)
        raise Unauthenticated(_WRONG)
    throttle.forgive(Attempt.LOGIN, email)
    if needs_rehash(user.password_hash or ""):
        renewed = hash_password(password)
        with unscoped("password rehash") as rows:
            queries.get_user(rows, user.id).password_hash = renewed
    return user.id


def set_cookie(token: str) -> None:
    """Put a session's token into the cookie. Everything an earlier visitor left in it goes."""
    door = _load_door(token)
    kept = session.get("_flashes")
    session.clear()
    if kept:
        session["_flashes"] = kept
    session.permanent = True
    if door is not None:
        login_user(door)


def log_out() -> None:
    """End the session of this browser; the cookie is worth nothing any more, wherever a copy lies."""
    door = load_session()
    if door is not None:
        _end(door)
    logout_user()
    session.clear()


def _end(door: SessionDoor) -> None:
    with contextlib.suppress(NotFound), unscoped("logout") as rows:
        service.end_session(rows, door.user_id, door.session_id)


def sign_up(email: str, name: str, tenant_name: str, password: str, request_id: str | None) -> None:
    """Make user, tenant and membership. The same answer and work for an address that has an account. Raises ``ValidationFailed``, ``RateLimited``."""
    if not get_settings().signup_open:
        raise Forbidden("Sign-up is closed on this server; ask its operator for an invitation.")
    check_password(password, (email, name, tenant_name))
    throttle.check(Attempt.SIGN_UP, email, client_address())
    wish = service.NewAccount(email, name, tenant_name, hash_password(password))
    with unscoped("sign-up") as rows:
        service.sign_up(rows, wish, address=client_address(), request_id=request_id)


def request_reset(email: str) -> None:
    """Ask for a reset mail. Raises ``RateLimited``."""
    throttle.check(Attempt.RESET, email, client_address())
    with unscoped("password reset") as rows:
        service.request_reset(rows, email)


def with_token(token: str, reason: str, act: Callable[[Session], T]) -> T:
    """Run an act that a mailed token allows, in a transaction over all tenants. Raises what ``act`` raises, and ``RateLimited``."""
    throttle.check(Attempt.TOKEN, token[:64], client_address())
    with unscoped(reason) as rows:
        return act(rows)


def switch_tenant(tenant_id: UUID) -> None:
    """Work for another tenant, under a new cookie. Raises ``NotFound``."""
    person = current_person()
    with unscoped("switch of tenant") as rows:
        token = service.switch_tenant(rows, person.session_id, person.user_id, tenant_id)
    set_cookie(token)


def renew_cookie() -> None:
    """Give the session a new token after its rights changed (a new password)."""
    with unscoped("session rotation") as rows:
        token = service.rotate_session(rows, current_person().session_id)
    set_cookie(token)


def list_my_tenants() -> list[tuple[Any, MemberRole]]:
    """The tenants the person may switch to."""
    with unscoped("tenants of a person") as rows:
        return [(tenant, role) for tenant, role in queries.list_tenants_of(rows, current_person().user_id)]


def join(token: str, name: str | None, password: str, user_agent: str | None) -> None:
    """Accept an invitation and log in: a person with an account by its password, a new one by choosing name and password.

    Raises ``ValidationFailed`` (the link is over, weak password), ``Unauthenticated`` (wrong password), ``Conflict`` and ``RateLimited``.
    """
    throttle.check(Attempt.TOKEN, token[:64], client_address())
    with unscoped("invitation") as rows:
        row = queries.find_token(rows, token, TokenPurpose.INVITATION)
        email = row.email if row else None
        known = email is not None and queries.find_user(rows, email) is not None
    user_id = check_login(email, password, client_address()) if known and email else None
    with unscoped("invitation") as rows:
        user = service.accept_invitation(rows, token, name=name, password=password, user_id=user_id)
        cookie = service.open_session(rows, user, client_address(), user_agent, tenant_id=row.tenant_id if row else None)
    set_cookie(cookie)
