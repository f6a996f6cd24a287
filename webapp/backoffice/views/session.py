"""The support session itself: begin, what its banner offers, and its end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.accounts.doors import current_person, my_factors
from webapp.backoffice import doors, schemas, service
from webapp.backoffice.queries import tenants as queries
from webapp.backoffice.types import EndCause, SupportWish
from webapp.backoffice.views.blueprint import pages, submit
from webapp.http.forms import Errors, find_url
from webapp.http.guard import public, signed_in, staff_only
from webapp.http.pages import flash, redirect_to, render
from webapp.kernel.db import unscoped
from webapp.kernel.errors import DomainError
from webapp.tenants.service import get_tenant

_START = "/staff/tenants/<uuid:tenant_id>/support"


def _start_page(tenant_id: UUID, data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    with unscoped("staff looks whom to act for") as session:
        tenant, members = get_tenant(session, tenant_id), queries.list_members(session, tenant_id)
    context = {"tenant": tenant, "members": members, "data": data or {}, "errors": errors or {}, "fresh": doors.has_fresh_factor()}
    context["factor_url"] = find_url("accounts.confirm", next=request.path) if my_factors() else find_url("accounts.security")
    return render("backoffice/start_session.html", None, 422 if errors else 200, **context)


@pages.get(_START)
@staff_only
def start_form(tenant_id: UUID) -> Response:
    """What is asked before a session: for whom, why, and which ticket."""
    return _start_page(tenant_id)


@pages.post(_START)
@staff_only
def start(tenant_id: UUID) -> Response:
    """Begin a session: with a fresh second factor, on the tenant's consent."""

    def act(data: dict[str, Any]) -> Response:
        doors.require_fresh_factor()
        person, wish = current_person(), SupportWish(data["reason"], data["ticket"])
        with doors.staff_scope(tenant_id) as scope:
            _, token = service.start_session(scope, data["member"], wish, login_id=person.session_id, staff_email=person.email)
        return doors.set_cookie(redirect_to("stats.overview"), token)

    return submit(schemas.StartForm, act, lambda data, errors: _start_page(tenant_id, data, errors))


@pages.get("/support-session")
@signed_in
def controls() -> Response:
    """The session, and its next steps: addresses in full, changes."""
    return _controls_page()


def _controls_page(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    door = doors.current_support()
    return render("backoffice/session.html", None, 422 if errors else 200, door=door, data=data or {}, errors=errors or {})


@pages.post("/support-session/addresses")
@signed_in
def show_addresses() -> Response:
    """See addresses in full, for a reason."""

    def act(data: dict[str, Any]) -> Response:
        with doors.support_unit(doors.current_support()) as (scope, session):
            service.unmask(scope, session, data["reason"])
        return redirect_to("backoffice.controls")

    return submit(schemas.UnmaskForm, act, _controls_page)


@pages.post("/support-session/changes")
@signed_in
def begin_changes() -> Response:
    """The second step, on the tenant's grant."""
    try:
        with doors.support_unit(doors.current_support()) as (scope, session):
            service.start_writing(scope, session)
    except DomainError as error:
        return _controls_page({}, {"changes": [error.message]})
    return redirect_to("backoffice.controls")


@pages.post("/support-session/mode")
@signed_in
def switch_mode() -> Response:
    """Show live or sandbox: of this session, not of the staff member's own."""

    def act(data: dict[str, Any]) -> Response:
        with doors.support_unit(doors.current_support()) as (_, session):
            session.mode = data["mode"].value
        return redirect_to("stats.overview")

    return submit(schemas.SessionModeForm, act, _controls_page)


@pages.post("/support-session/stop")
@signed_in
def stop() -> Response:
    """End the session, and go back to the staff console in one's own name."""
    door = doors.current_support()
    with doors.support_unit(door) as (scope, session):
        service.end_session(scope, session, EndCause.STOPPED)
    flash(f"The support session in {door.tenant_name} is over.")
    return doors.drop_cookie(redirect_to("backoffice.tenant", tenant_id=door.tenant_id))


@pages.get("/support-session/over")
@public
def over() -> Response:
    """The session is over, and nothing else may be done until that is seen."""
    return render("backoffice/over.html", left=not request.cookies.get(doors.cookie_name()))


@pages.post("/support-session/leave")
@public
def leave() -> Response:
    """Put the session's token away, and go on in one's own name."""
    return doors.drop_cookie(redirect_to("backoffice.index"))
