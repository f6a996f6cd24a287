"""Single sign-on: to the identity provider and back, connecting and disconnecting it."""

from __future__ import annotations

from uuid import UUID

from flask import Response, redirect, request

from webapp.accounts import doors, oidc, service
from webapp.accounts.doors import current_person
from webapp.accounts.redirects import safe_next
from webapp.accounts.views.blueprint import fresh_proof, pages
from webapp.accounts.views.entrance import go_on
from webapp.accounts.views.notes import note
from webapp.http.guard import public, signed_in
from webapp.http.pages import flash, redirect_to, render
from webapp.http.unit_of_work import db
from webapp.kernel.errors import DomainError, NotFound
from webapp.settings import get_settings


def _require_on() -> None:
    if not oidc.is_on():
        raise NotFound("page")


@pages.get("/login/oidc")
@public
def oidc_login() -> Response:
    """To the provider."""
    _require_on()
    try:
        return redirect(doors.set_out(safe_next(request.args.get("next"))), 303)  # type: ignore[return-value]
    except DomainError as error:
        flash(error.message, "error")
        return redirect_to("accounts.login")


@pages.get("/login/oidc/callback")
@public
def oidc_callback() -> Response:
    """And back."""
    _require_on()
    try:
        came, wanted = doors.arrive(request.args.get("state", ""), request.args.get("code", ""))
    except DomainError as error:
        flash(error.message, "error")
        return redirect_to("accounts.login")
    if came == "prove":
        flash("There is an account with this address. Sign in to it once, and single sign-on is connected.", "info")
        return redirect_to("accounts.login", next=wanted)
    if came == "linked":
        flash("Single sign-on is connected.")
        return redirect_to("accounts.security")
    return go_on(wanted) if came == "in" else redirect_to("accounts.second_factor", next=wanted)


@pages.post("/settings/security/single-sign-on")
@signed_in
@fresh_proof()
def connect_oidc() -> Response:
    """A page with the link to the provider: forms of ours lead to no other host, says the content security policy."""
    _require_on()
    try:
        url = doors.set_out("/settings/security", link_to=current_person().user_id)
    except DomainError as error:
        flash(error.message, "error")
        return redirect_to("accounts.security")
    return render("accounts/connect_oidc.html", url=url, name=get_settings().oidc_name)


@pages.post("/settings/security/single-sign-on/<uuid:identity_id>/remove")
@signed_in
@fresh_proof()
def disconnect_oidc(identity_id: UUID) -> Response:
    """It signs nobody in any more."""
    try:
        service.unlink_identity(db.session(), current_person().user_id, identity_id)
    except NotFound:
        raise
    except DomainError as error:
        flash(error.message, "error")
        return redirect_to("accounts.security")
    note("user.identity_removed")
    flash("Single sign-on is disconnected.")
    return redirect_to("accounts.security")
