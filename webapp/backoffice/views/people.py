"""Staff: the staff."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from webapp.accounts.doors import current_person
from webapp.backoffice import schemas, service
from webapp.backoffice.types import StaffRole
from webapp.backoffice.views.blueprint import pages, submit
from webapp.backoffice.views.scopes import platform_unit
from webapp.http.forms import Errors
from webapp.http.guard import staff_only
from webapp.http.pages import flash, redirect_to, render
from webapp.kernel.db import unscoped


def _page(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    me = current_person().user_id
    with unscoped("staff looks at the staff") as session:
        people, role = service.list_staff(session), service.role_of(session, me)
    context = {"people": people, "roles": StaffRole, "may_change": role is StaffRole.OWNER, "me": me, "data": data or {}, "errors": errors or {}}
    return render("backoffice/people.html", None, 422 if errors else 200, **context)


@pages.get("/staff/people")
@staff_only
def staff_list() -> Response:
    """Who is staff, and in which role."""
    return _page()


@pages.post("/staff/people")
@staff_only
def add_colleague() -> Response:
    """Make somebody staff."""

    def act(data: dict[str, Any]) -> Response:
        with platform_unit("an owner adds staff") as scope:
            colleague = service.add_staff(scope, data["email"], data["name"], data["role"])
        flash(f"{colleague.email} is staff now. Somebody new gets a letter to choose a password.")
        return redirect_to("backoffice.staff_list")

    return submit(schemas.StaffForm, act, _page)


@pages.post("/staff/people/<uuid:user_id>/role")
@staff_only
def change_colleague(user_id: UUID) -> Response:
    """Another role."""

    def act(data: dict[str, Any]) -> Response:
        with platform_unit("an owner changes a staff role") as scope:
            colleague = service.change_role(scope, user_id, data["role"])
        flash(f"{colleague.name} is {colleague.role} now.")
        return redirect_to("backoffice.staff_list")

    return submit(schemas.StaffRoleForm, act, _page)


@pages.post("/staff/people/<uuid:user_id>/remove")
@staff_only
def remove_colleague(user_id: UUID) -> Response:
    """End somebody's being staff, and every session of theirs."""
    with platform_unit("an owner removes staff") as scope:
        service.remove_staff(scope, user_id)
    flash("Removed; every session of theirs has ended.")
    return redirect_to("backoffice.staff_list")
