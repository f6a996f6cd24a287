"""The dashboard's door: from the session cookie to the person behind it.

flask-login keeps the cookie. What it holds as user id is the token of a ``UserSession`` row, so that deleting the row ends the session at once,
everywhere; the row keeps the token's SHA-256 only.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask, session
from flask_login import LoginManager, current_user, login_user, logout_user  # type: ignore[import-untyped]

from webapp.accounts import queries, service
from webapp.accounts.types import LoggedIn, MemberRole
from webapp.kernel import clock
from webapp.kernel.db import unscoped
from webapp.kernel.errors import NotFound, Unauthenticated
from webapp.kernel.permissions import PRESETS, PermissionSet
from webapp.kernel.scope import Actor, ActorKind, Mode
from webapp.settings import get_settings
from webapp.tenants.service import permissions_of_tenant
from webapp.tenants.types import TenantStatus

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
    def factor_at(self) -> datetime | None:
        """When a second factor was last given in this browser."""
        return self.logged_in.factor_at

    @property
    def confirmed_at(self) -> datetime | None:
        """When the person last proved in this browser who they are, by password or second factor."""
        return self.logged_in.confirmed_at

    @property
    def must_give_factor(self) -> bool:
        """Whether the tenant, or being staff, asks for a second factor that was not given in this browser."""
        settings = get_settings()
        asked = self.logged_in.tenant_asks_factor or (self.is_staff and settings.staff_second_factor and not settings.demo)
        return asked and self.factor_at is None

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


def set_cookie(token: str, *keep: str) -> None:
    """Put a session's token into the cookie. Everything an earlier visitor left in it goes, but messages and what is named."""
    door = _load_door(token)
    kept = {name: session[name] for name in ("_flashes", *keep) if name in session}
    session.clear()
    session.update(kept)
    session.permanent = True
    if door is not None:
        login_user(door)


def log_out() -> None:
    """End the session of this browser; the cookie is worth nothing any more, wherever a copy lies."""
    door = load_session()
    if door is not None:
        end(door)
    logout_user()
    session.clear()


def end(door: SessionDoor) -> None:
    """End the session behind a door."""
    with contextlib.suppress(NotFound), unscoped("logout") as rows:
        service.end_session(rows, door.user_id, door.session_id)


def switch_tenant(tenant_id: UUID) -> None:
    """Work for another tenant, under a new cookie. Raises ``NotFound``."""
    person = current_person()
    with unscoped("switch of tenant") as rows:
        token = service.switch_tenant(rows, person.session_id, person.user_id, tenant_id)
    set_cookie(token)


def renew_cookie(*, confirmed: bool = False, with_factor: bool = False) -> None:
    """Give the session a new token after its rights changed (a new password). ``confirmed``, ``with_factor``: the person proved who they are just now."""
    session_id = current_person().session_id
    with unscoped("session rotation") as rows:
        if confirmed or with_factor:
            service.note_proof(rows, session_id, with_factor=with_factor)
        token = service.rotate_session(rows, session_id)
    set_cookie(token, "csrf_token")  # the same person: forms in their other tabs stay good


def delete_account(typed: str) -> None:
    """Delete the account of the person who is logged in. Raises ``ValidationFailed`` and ``Conflict``."""
    person = current_person()
    with unscoped("a person deletes their account") as rows:
        service.delete_account(rows, person.user_id, typed)
    logout_user()
    session.clear()


def has_many_tenants(user_id: UUID) -> bool:
    """Whether a person works for more than one tenant: yes or no, and no names."""
    with unscoped("whether a member works elsewhere too") as rows:
        return len(queries.list_tenants_of(rows, user_id)) > 1


def list_my_tenants() -> list[tuple[Any, MemberRole]]:
    """The tenants the person may switch to."""
    with unscoped("tenants of a person") as rows:
        return [(tenant, role) for tenant, role in queries.list_tenants_of(rows, current_person().user_id)]
