"""The fixed cast of every test, and how its members reach the application.

`cast.owner` and `cast.teammate` (a viewer) belong to one approved tenant, `cast.stranger` owns another one, `cast.staff` belongs to none.
All of it is committed to the test database; asking for `cast` empties the database first.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from webapp.access import doors as access_doors
from webapp.access.service import KeyWish, create_key
from webapp.accounts.passwords import hash_password
from webapp.accounts.queries import find_user
from webapp.accounts.service import NewAccount, add_member, create_account, create_user, open_session
from webapp.accounts.types import MemberRole
from webapp.kernel import clock
from webapp.kernel.db import tenant_session, unscoped
from webapp.kernel.permissions import PRESETS, PermissionSet
from webapp.kernel.scope import Actor, ActorKind, Mode, Scope
from webapp.tenants import service as tenants
from webapp.tenants.types import TenantStatus

PASSWORD = "violet tractor among lighthouses"


class Browser(FlaskClient):
    """A test client that sends the CSRF token with every unsafe request, as the dashboard's pages do."""

    csrf = ""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send the request, with `htmx=True` as htmx would."""
        headers = dict(kwargs.pop("headers", None) or {})
        if kwargs.get("method", "GET").upper() not in ("GET", "HEAD", "OPTIONS"):
            headers.setdefault("X-CSRFToken", self.csrf_token())
        if kwargs.pop("htmx", False):
            headers["HX-Request"] = "true"
        return super().open(*args, headers=headers, **kwargs)

    def csrf_token(self) -> str:
        """A valid token for this browser's cookie."""
        app = self.application
        with self.session_transaction() as cookie:
            raw = cookie.setdefault("csrf_token", secrets.token_hex(20))
        return str(URLSafeTimedSerializer(str(app.secret_key) if isinstance(app.secret_key, str) else app.secret_key or b"", salt="wtf-csrf-token").dumps(raw))


class ApiClient(FlaskClient):
    """A test client that sends an API key."""

    key = ""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send the request with the key, unless it brings its own: where the door it goes to looks for one."""
        headers = dict(kwargs.pop("headers", None) or {})
        path = str(args[0]) if args else ""
        if path.startswith("/compat/postmark/"):
            headers.setdefault("X-Postmark-Server-Token", self.key)
        elif path.startswith("/compat/mailgun/"):
            headers.setdefault("Authorization", "Basic " + base64.b64encode(f"api:{self.key}".encode()).decode())
        else:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        return super().open(*args, headers=headers, **kwargs)


@dataclass(frozen=True)
class Person:
    """One member of the cast. `keys`: a `root:full` key of the tenant for each mode; empty for teammate and staff."""

    user_id: UUID
    email: str
    name: str
    tenant_id: UUID | None
    role: MemberRole | None
    keys: dict[Mode, str] = field(default_factory=dict)
    password: str = PASSWORD

    @property
    def actor(self) -> Actor:
        """As the activity log names them."""
        return Actor(ActorKind.STAFF if self.role is None else ActorKind.MEMBER, self.user_id, self.name)

    @contextlib.contextmanager
    def scope(self, mode: Mode = Mode.LIVE, permissions: PermissionSet | None = None) -> Iterator[Scope]:
        """One committed unit of work of this person in their tenant."""
        assert self.tenant_id is not None
        with tenant_session(self.tenant_id) as session:
            yield Scope(session, self.tenant_id, self.actor, permissions or PRESETS[self.role or "viewer"], mode)

    def browser(self, app: Flask) -> Browser:
        """A logged-in browser: with a real session row, but without paying for Argon2."""
        with unscoped("test login") as rows:
            user = find_user(rows, self.email)
            assert user is not None
            # Staff gave their second factor when they signed in, long ago: it is asked of them, and it is not fresh.
            given = clock.now() - timedelta(days=1) if self.role is None else None
            token = open_session(rows, user, "127.0.0.1", "pytest", factor_at=given)
        browser = Browser(app, app.response_class, use_cookies=True)
        with browser.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = token, True
        return browser

    def api(self, app: Flask, mode: Mode = Mode.LIVE) -> ApiClient:
        """A client with the tenant's key of that mode."""
        client = ApiClient(app, app.response_class, use_cookies=False)
        client.key = self.keys[mode]
        return client


@dataclass(frozen=True)
class Cast:
    """Everybody. The owner's and the stranger's tenants are approved; switch one back with `set_status`."""

    owner: Person
    teammate: Person
    stranger: Person
    staff: Person

    def set_status(self, person: Person, status: TenantStatus) -> None:
        """Put a person's tenant into another status, in the database and in this process's caches."""
        assert person.tenant_id is not None
        with unscoped("test") as rows:
            rows.execute(sa.text("update tenants set status = :status where id = :id"), {"status": status.value, "id": person.tenant_id})
        tenants.forget_state(person.tenant_id)
        access_doors.forget_everything()


@functools.cache
def _password_hash() -> str:
    return hash_password(PASSWORD)


def make_tenant(email: str, name: str, tenant_name: str, *, slug: str | None = None, status: TenantStatus = TenantStatus.APPROVED) -> Person:
    """A committed tenant with its owner and a `root:full` key of each mode."""
    with unscoped("cast") as rows:
        made = create_account(rows, NewAccount(email, name, tenant_name, _password_hash()), status=status, slug=slug)
        tenant_id, user_id = made.tenant.id, made.user.id
    with tenant_session(tenant_id) as session:
        scope = Scope(session, tenant_id, Actor(ActorKind.MEMBER, user_id, name), PRESETS["owner"])
        keys = {mode: create_key(scope, KeyWish(f"{mode.value} key", mode, "root:full")).plain for mode in Mode}
    return Person(user_id, email, name, tenant_id, MemberRole.OWNER, keys)


def make_member(email: str, name: str, tenant_id: UUID, role: MemberRole) -> Person:
    """A committed member of an existing tenant."""
    with unscoped("cast") as rows:
        user = create_user(rows, email, name, _password_hash())
        add_member(Scope(rows, tenant_id, Actor(ActorKind.MEMBER, user.id, name), PRESETS[role]), user, role)
        return Person(user.id, email, name, tenant_id, role)


def make_staff(email: str, name: str) -> Person:
    """A committed staff person without a tenant."""
    with unscoped("cast") as rows:
        user = create_user(rows, email, name, _password_hash(), is_staff=True)
        return Person(user.id, email, name, None, None)


@pytest.fixture
def cast(db_clean: sa.Engine) -> Iterator[Cast]:
    """Owner, teammate, stranger and staff in an otherwise empty database."""
    access_doors.forget_everything()
    tenants.forget_all_states()
    owner = make_tenant("olivia@acme.test", "Olivia Owner", "Acme", slug="acme")
    assert owner.tenant_id is not None
    teammate = make_member("tom@acme.test", "Tom Teammate", owner.tenant_id, MemberRole.VIEWER)
    stranger = make_tenant("stan@other.test", "Stan Stranger", "Other", slug="other")
    staff = make_staff("sue@postbridge.test", "Sue Staff")
    yield Cast(owner, teammate, stranger, staff)
    access_doors.forget_everything()
    tenants.forget_all_states()


@pytest.fixture(scope="session")
def app(engine: sa.Engine) -> Flask:
    """The application, as the web server runs it."""
    from webapp.app import create_app

    made = create_app()
    made.testing = True
    return made


@pytest.fixture
def visitor(app: Flask) -> Browser:
    """A browser in which nobody is logged in."""
    return Browser(app, app.response_class, use_cookies=True)
