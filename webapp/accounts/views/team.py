"""The people of a tenant: members and invitations."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request

from webapp.accounts import doors, queries, service
from webapp.accounts.doors import current_person
from webapp.accounts.schemas import InvitationIn, RoleForm
from webapp.accounts.types import MemberRole
from webapp.accounts.views.blueprint import Errors, errors_of, fresh_proof, pages
from webapp.http.guard import current_scope, requires, signed_in
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.kernel.errors import DomainError, NotFound
from webapp.kernel.permissions import PRESETS, Permission


def _page(data: dict[str, object] | None = None, errors: Errors | None = None, status: int = 200) -> Response:
    scope = current_scope()
    return render(
        "accounts/team.html", status=422 if errors and status == 200 else status, data=data or {}, errors=errors or {}, me=scope.actor.id,
        i_own=current_person().role is MemberRole.OWNER,
        members=queries.list_members(scope, cursor=request.args.get("cursor")), invitations=queries.list_invitations(scope, limit=100).items,
        roles=[role for role in reversed(MemberRole) if scope.permissions.covers(PRESETS[role])],
    )  # fmt: skip


@pages.get("/team")
@requires(Permission.TEAM_READ)
def team() -> Response:
    """Members and open invitations."""
    return _page()


@pages.post("/team/invitations")
@requires(Permission.TEAM_INVITE)
def invite() -> Response:
    """Mail an invitation."""
    data, errors = load_form(InvitationIn)
    if errors:
        return _page(data, errors)
    try:
        service.invite(current_scope(), data["email"], data["role"])
    except DomainError as error:
        return _page(data, errors_of(error), error.status)
    flash(f"An invitation is on its way to {data['email']}.")
    return redirect_to("accounts.team")


@pages.post("/team/invitations/<uuid:invitation_id>/withdraw")
@requires(Permission.TEAM_INVITE)
def withdraw(invitation_id: UUID) -> Response:
    """Take an invitation back."""
    service.withdraw_invitation(current_scope(), invitation_id)
    flash("The invitation is withdrawn.")
    return redirect_to("accounts.team")


@pages.post("/team/invitations/<uuid:invitation_id>/resend")
@requires(Permission.TEAM_INVITE)
def resend(invitation_id: UUID) -> Response:
    """Mail an invitation again."""
    try:
        row = service.resend_invitation(current_scope(), invitation_id)
    except NotFound:
        raise
    except DomainError as error:
        return _page(errors=errors_of(error), status=error.status)
    flash(f"The invitation is on its way to {row.email} again; the link before works no longer.")
    return redirect_to("accounts.team")


@pages.post("/team/<uuid:user_id>/role")
@requires(Permission.TEAM_UPDATE)
def change_role(user_id: UUID) -> Response:
    """Give a member another role."""
    data, errors = load_form(RoleForm)
    try:
        member = service.change_role(current_scope(), user_id, data["role"]) if not errors else None
    except DomainError as error:
        return _page(errors=errors_of(error), status=error.status)
    if member is None:
        return _page(errors=errors)
    flash(f"{member.name} is {member.role.value} now.")
    return redirect_to("accounts.team")


@pages.post("/team/<uuid:user_id>/remove")
@requires(Permission.TEAM_UPDATE)
def remove(user_id: UUID) -> Response:
    """Take a member out."""
    try:
        service.remove_member(current_scope(), user_id)
    except DomainError as error:
        return _page(errors=errors_of(error), status=error.status)
    flash("The member is removed.")
    return redirect_to("accounts.team")


@pages.post("/team/<uuid:user_id>/reset-factors")
@requires(Permission.TEAM_UPDATE)
@fresh_proof("accounts.team")
def reset_factors(user_id: UUID) -> Response:
    """Take the second factors of a member away who lost them."""
    try:
        member = service.reset_member_factors(current_scope(), user_id, works_elsewhere=doors.has_many_tenants(user_id))
    except NotFound:
        raise
    except DomainError as error:
        return _page(errors=errors_of(error), status=error.status)
    flash(f"{member.name} signs in with the password alone, once, and was told by mail.")
    return redirect_to("accounts.team")


@pages.post("/team/leave")
@signed_in
def leave() -> Response:
    """Leave the tenant oneself."""
    try:
        service.remove_member(current_scope(), current_person().user_id)
    except DomainError as error:
        return _page(errors=errors_of(error), status=error.status)
    flash("You have left the tenant.")
    return redirect_to("accounts.login")
