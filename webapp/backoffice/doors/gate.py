"""The door of support sessions: a cookie of its own beside the staff member's, and the gate every request of such a session passes.

The gate works on routes, before any view: it writes the request into the tenant's log, asks ``policy``, and refuses what is not allowed; afterwards it
covers addresses, keeps downloads back, puts the banner on every page and fragment, and writes the outcome. A session that is over never falls back to
the staff member's own rights: every address leads to the page that says so, until it is left by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from flask import Flask, Response, current_app, g, redirect, request, url_for

from webapp.accounts.doors import SessionDoor, load_session
from webapp.accounts.models import Membership
from webapp.accounts.types import MemberRole
from webapp.backoffice import policy
from webapp.backoffice.doors.answers import finish
from webapp.backoffice.models import SupportAction, SupportSession
from webapp.http import guard
from webapp.http.guard import Access, client_address
from webapp.kernel import clock
from webapp.kernel.db import tenant_session, unscoped
from webapp.kernel.errors import Forbidden, Unauthenticated
from webapp.kernel.ids import parse_uuid, uuid7
from webapp.kernel.permissions import PRESETS, PermissionSet
from webapp.kernel.scope import Actor, ActorKind, Mode, Scope
from webapp.kernel.secrets import digest
from webapp.settings import get_settings
from webapp.tenants.models import Tenant
from webapp.tenants.service import permissions_of_tenant
from webapp.tenants.types import TenantStatus

#: Outlives the session, so that its end is told and not forgotten.
_COOKIE_SECONDS = 24 * 3600
_LONGEST_PATH = 300


@dataclass(frozen=True, slots=True)
class SupportDoor:
    """A staff member on behalf of a member: what guard and layouts see of a support session in place of ``SessionDoor``."""

    session_id: UUID
    expires_at: Any
    reason: str
    name: str
    email: str
    member_name: str
    tenant_id: UUID
    tenant_name: str
    tenant_status: TenantStatus
    actor: Actor
    permissions: PermissionSet
    mode: Mode
    changes: bool
    unmasked: bool

    #: Nothing of the staff console may be reached from here: not another session, not another staff account.
    is_staff = False
    #: Controls of the frame: a mode of its own, and nothing of the staff member's account. See ``http.context``.
    shell: ClassVar[dict[str, str | None]] = {
        "mode_url": "backoffice.switch_mode", "logout_url": None, "account_url": None, "settings_url": None, "staff_url": None,
    }  # fmt: skip


def init(app: Flask) -> None:
    """Stand before every view."""
    guard.loaders.session = load_door
    app.before_request(_enter)
    app.after_request(_leave)
    app.context_processor(lambda: {"impersonation": find_support()})


def find_support() -> SupportDoor | None:
    """The support session of this request."""
    door: SupportDoor | None = g.get("support")
    return door


def load_door() -> SessionDoor | SupportDoor | None:
    """Who is behind this request: the support session's staff member on behalf of a member, else whoever is logged in."""
    return find_support() or load_session()


def current_support() -> SupportDoor:
    """The support session of this request. Raises ``Unauthenticated``."""
    door = find_support()
    if door is None:
        raise Unauthenticated("There is no support session here.")
    return door


@contextmanager
def staff_scope(tenant_id: UUID) -> Iterator[Scope]:
    """One committed unit of work of a staff member, in their own name, in one tenant. Raises ``Forbidden``."""
    person = guard.current_door()
    if not person.is_staff:
        raise Forbidden("This page is for staff.")
    with tenant_session(tenant_id) as session:
        actor = Actor(ActorKind.STAFF, person.actor.id, person.actor.name)
        yield Scope(session, tenant_id, actor, PermissionSet({"*"}), request_id=g.get("request_id"), address=client_address())


@contextmanager
def support_unit(door: SupportDoor) -> Iterator[tuple[Scope, SupportSession]]:
    """One committed unit of work on the support session itself."""
    with tenant_session(door.tenant_id) as session:
        row = session.get_one(SupportSession, door.session_id)
        yield Scope(session, door.tenant_id, door.actor, PermissionSet({"*"}), request_id=g.get("request_id"), address=client_address()), row


def cookie_name() -> str:
    """``__Host-`` binds the cookie to this host and to https."""
    return "__Host-postbridge-support" if get_settings().cookie_secure else "postbridge_support"


def set_cookie(response: Response, token: str) -> Response:
    """Hand the browser a session's token."""
    secure = get_settings().cookie_secure
    response.set_cookie(cookie_name(), token, max_age=_COOKIE_SECONDS, secure=secure, httponly=True, samesite="Strict", path="/")
    return response


def drop_cookie(response: Response) -> Response:
    """Take it away."""
    response.delete_cookie(cookie_name(), secure=get_settings().cookie_secure, httponly=True, samesite="Strict", path="/")
    return response


def _enter() -> Any:
    """``before_request``: nothing for those without the cookie; the gate for the others."""
    token = request.cookies.get(cookie_name())
    endpoint = request.endpoint or ""
    if not token or endpoint == "static" or endpoint in policy.WAY_OUT:
        return None
    door = _find_door(token)
    if door is None:
        return _over()
    g.support = door
    refusal = policy.judge_api(endpoint) if guard.is_api() else policy.judge(endpoint, request.method, _access(endpoint), changes=door.changes)
    if not endpoint:
        refusal = None  # there is nothing at this address; the log says that it was tried
    g.support_action = _log(door, endpoint, refusal)
    if refusal is not None:
        raise Forbidden(refusal)
    return None


def _over() -> Any:
    if guard.is_api():
        raise Unauthenticated("The support session is over; leave it in the dashboard first.")
    target = url_for("backoffice.over")
    return Response("", 401, {"HX-Redirect": target}) if request.headers.get("HX-Request") else redirect(target, 303)


def _access(endpoint: str) -> Access | None:
    """The mark of the view that would answer; None for an unmarked one, which is refused."""
    view: Callable[..., Any] | None = current_app.view_functions.get(endpoint)
    of_class = getattr(view, "view_class", None)
    method = "get" if request.method == "HEAD" else request.method.lower()
    found: Access | None = getattr(getattr(of_class, method, None) if of_class else view, "__access__", None)
    return found


def _find_door(token: str) -> SupportDoor | None:
    """The live session of that token, in the browser in which its staff member is logged in. One look-up a request."""
    person = load_session()
    if person is None or not person.is_staff:
        return None
    wanted = (
        sa.select(SupportSession, Tenant, Membership.role)
        .join(Tenant, Tenant.id == SupportSession.tenant_id)
        .join(Membership, sa.and_(Membership.tenant_id == SupportSession.tenant_id, Membership.user_id == SupportSession.member_id))
        .where(
            SupportSession.token_hash == digest(token[:256]), SupportSession.ended_at.is_(None), SupportSession.expires_at > clock.now(),
            SupportSession.staff_id == person.user_id, SupportSession.login_id == person.session_id,
        )
    )  # fmt: skip
    with unscoped("the token of a support session says for which tenant") as rows:
        found = rows.execute(wanted).one_or_none()
    return _door(*found) if found else None


def _door(row: SupportSession, tenant: Tenant, role: str) -> SupportDoor:
    status, changes = TenantStatus(tenant.status), row.write_since is not None
    member = permissions_of_tenant(PRESETS.get(role, PRESETS[MemberRole.VIEWER]), status)
    return SupportDoor(
        session_id=row.id, expires_at=row.expires_at, reason=row.reason, name=row.staff_name, email=row.staff_email, member_name=row.member_name,
        tenant_id=tenant.id, tenant_name=tenant.name, tenant_status=status, actor=Actor(ActorKind.STAFF, row.staff_id, row.staff_name, row.member_id),
        permissions=policy.permissions_in_session(member, changes=changes), mode=Mode(row.mode), changes=changes, unmasked=row.unmasked_at is not None,
    )  # fmt: skip


def _log(door: SupportDoor, endpoint: str, refusal: str | None) -> UUID:
    """Write the request down before it is served: what cannot be logged is not done."""
    ids = (parse_uuid(str(value)) for value in (request.view_args or {}).values())
    row = SupportAction(
        id=uuid7(), tenant_id=door.tenant_id, session_id=door.session_id, staff_name=door.name, member_name=door.member_name, method=request.method,
        endpoint=endpoint, path=request.path[:_LONGEST_PATH], object_id=next((found for found in ids if found), None),
        writes=request.method not in policy.READS and endpoint not in policy.LOOKS, refused=refusal, status=403 if refusal else None,
        request_id=g.get("request_id"), address=client_address(),
    )  # fmt: skip
    with tenant_session(door.tenant_id) as session:
        session.add(row)
    return row.id


def _leave(response: Response) -> Response:
    """``after_request``: the answer as a support session may see it, and its outcome in the log."""
    door = find_support()
    if door is None:
        return response
    response = finish(response, door, _is_live)
    if action_id := g.get("support_action"):
        unrefused = sa.update(SupportAction).where(SupportAction.id == action_id, SupportAction.status.is_(None))
        with tenant_session(door.tenant_id) as session:
            session.execute(unrefused.values(status=response.status_code, refused=g.get("support_refused")))
    return response


def _is_live(door: SupportDoor) -> bool:
    """Whether the session still runs: asked while an answer streams."""
    if clock.now() >= door.expires_at:
        return False
    with tenant_session(door.tenant_id) as session:
        return session.scalar(sa.select(SupportSession.id).where(SupportSession.id == door.session_id, SupportSession.ended_at.is_(None))) is not None
