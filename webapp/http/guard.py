"""Who may call a view. Every view carries exactly one mark of this module; a test walks the routes and fails on one without.

The loaders are injected by ``webapp.app``, so that this package knows no slice.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from uuid import UUID

from flask import g, request

from webapp.http import ratelimit
from webapp.http.envelope import NO_KEY
from webapp.http.unit_of_work import db
from webapp.kernel.errors import Forbidden, Unauthenticated
from webapp.kernel.permissions import Permission, PermissionSet
from webapp.kernel.scope import Actor, Mode, Scope

View = TypeVar("View", bound=Callable[..., Any])


class Credential(Protocol):
    """What a key loader answers: see ``webapp.access.types.Credential``."""

    @property
    def tenant_id(self) -> UUID: ...
    @property
    def actor(self) -> Actor: ...
    @property
    def permissions(self) -> PermissionSet: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def bridge_id(self) -> UUID | None: ...
    @property
    def rate_limit(self) -> int | None: ...


class SessionDoor(Protocol):
    """What a session loader answers: see ``webapp.accounts.doors``."""

    @property
    def tenant_id(self) -> UUID | None: ...
    @property
    def actor(self) -> Actor: ...
    @property
    def permissions(self) -> PermissionSet: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def is_staff(self) -> bool: ...


@dataclass(slots=True)
class Loaders:
    """Filled by ``webapp.app``."""

    key: Callable[[str, str], Credential] | None = None
    session: Callable[[], SessionDoor | None] | None = None


loaders = Loaders()

#: Where the JSON API lives, and the doors for clients of other services.
_PROGRAMS = ("/api/v1/", "/compat/")


#: The Sending API, which has a limit of its own.
_SENDING = ("/api/v1/email/", "/api/v1/send", "/compat/")


@dataclass(frozen=True, slots=True)
class Access:
    """The mark on a view: a permission, or one of the three words."""

    permission: Permission | None = None
    word: str | None = field(default=None)


def requires(permission: Permission) -> Callable[[View], View]:
    """The view needs this permission."""

    def mark(view: View) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            current_scope().require(permission)
            return view(*args, **kwargs)

        guarded.__access__ = Access(permission)  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return mark


def signed_in(view: View) -> View:
    """Anybody who is logged in, with or without a tenant, or any valid key: what the view shows is the caller's own."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if is_api() or current_door().tenant_id is not None:
            current_scope()  # before the first statement: it tells the transaction its tenant
        return view(*args, **kwargs)

    guarded.__access__ = Access(word="signed_in")  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


def staff_only(view: View) -> View:
    """Support staff in their own name."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not current_door().is_staff:
            raise Forbidden("This page is for staff.")
        return view(*args, **kwargs)

    guarded.__access__ = Access(word="staff_only")  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


def public(view: View) -> View:
    """Anybody."""
    view.__access__ = Access(word="public")  # type: ignore[attr-defined]
    return view


def is_api() -> bool:
    """Whether a program calls, with a key; tracking and unsubscribe addresses under /api/ are for people."""
    return request.path.startswith(_PROGRAMS)


def client_address() -> str:
    """The caller's network address; proxies are believed only as far as the setting says."""
    return request.remote_addr or "unknown"


def bearer_token() -> str | None:
    """The token of ``Authorization: Bearer`` or ``X-API-Key``."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return request.headers.get("X-API-Key")


def current_scope() -> Scope:
    """The scope of this request, made at the first call. Raises ``Unauthenticated``."""
    scope: Scope | None = g.get("scope")
    if scope is None:
        scope = g.scope = _scope_of_key() if is_api() else _scope_of_session()
    return scope


def current_door() -> SessionDoor:
    """The logged-in session. Raises ``Unauthenticated``."""
    door = loaders.session() if loaders.session else None
    if door is None:
        raise Unauthenticated("Log in to go on.")
    return door


def current_credential() -> Credential:
    """The credential of this API request, with its rate limit counted once. Raises ``Unauthenticated`` and ``RateLimited``."""
    credential: Credential | None = g.get("credential")
    if credential is None:
        token = bearer_token()
        if not token or loaders.key is None:
            raise ratelimit.stranger_refused(client_address(), Unauthenticated(NO_KEY))
        credential = loaders.key(token, client_address())
        usage = ratelimit.count(*ratelimit.meter_of(credential.actor.id, credential.rate_limit, sending=request.path.startswith(_SENDING)))
        g.rate_headers = usage.headers
        usage.check()
        g.credential = credential
    return credential


def _scope_of_key() -> Scope:
    credential = current_credential()
    session = db.session()
    session.info["tenant_id"] = credential.tenant_id
    return Scope(
        session, credential.tenant_id, credential.actor, credential.permissions, credential.mode,
        request_id=g.get("request_id"), address=client_address(), bridge_id=credential.bridge_id,
    )  # fmt: skip


def _scope_of_session() -> Scope:
    door = current_door()
    if door.tenant_id is None:
        raise Forbidden("You belong to no tenant.")
    session = db.session()
    session.info["tenant_id"] = door.tenant_id
    return Scope(
        session, door.tenant_id, door.actor, door.permissions, door.mode, request_id=g.get("request_id"), address=client_address()
    )
