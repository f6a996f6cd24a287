"""Pages for people who are not logged in: login, sign-up, reset, invitation. The same answer for known and unknown addresses."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, g, redirect, request, session

from webapp.accounts import doors, oidc, queries, service
from webapp.accounts.doors import load_session
from webapp.accounts.redirects import HOME, safe_next
from webapp.accounts.schemas import AddressForm, JoinForm, LoginForm, NewPasswordForm, SignUpForm, TokenForm
from webapp.accounts.types import TokenPurpose
from webapp.accounts.views.blueprint import pages, show
from webapp.http.guard import public
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.http.unit_of_work import db
from webapp.kernel.errors import DomainError, ValidationFailed
from webapp.settings import get_settings
from webapp.tenants.models import Tenant


def go_on(target: str | None) -> Response:
    """To where the visitor wanted, if that is here; somebody without a tenant to a page they can see."""
    person, path = load_session(), safe_next(target)
    if path == HOME and person is not None and person.tenant_id is None:
        return redirect_to("backoffice.index" if person.is_staff and "backoffice.index" in current_app.view_functions else "accounts.settings")
    return redirect(path, 303)  # type: ignore[return-value]


def _offers() -> dict[str, Any]:
    """What the sign-in page offers besides the password."""
    settings = get_settings()
    return {"signup": settings.signup_open, "oidc_name": settings.oidc_name if oidc.is_on() else ""}


@pages.get("/login")
@public
def login() -> Response:
    """The login form; people who are logged in go on to where they wanted."""
    if load_session() is not None:
        return go_on(request.args.get("next"))
    return show("accounts/login.html", data={"email": session.pop("email_hint", "")}, next=request.args.get("next", ""), **_offers())


@pages.post("/login")
@public
def log_in() -> Response:
    """Check the password and open a session."""
    data, errors = load_form(LoginForm)
    again: dict[str, Any] = {"data": data, "next": request.form.get("next", ""), **_offers()}
    if errors:
        return show("accounts/login.html", errors=errors, **again)
    try:
        is_in = doors.log_in(data["email"], data["password"])
    except DomainError as error:
        return show("accounts/login.html", error=error, **again)
    wanted = request.form.get("next")
    return go_on(wanted) if is_in else redirect_to("accounts.second_factor", next=safe_next(wanted))


@pages.post("/logout")
@public
def logout() -> Response:
    """End this browser's session."""
    doors.log_out()
    flash("You are signed out.")
    return redirect_to("accounts.login")


@pages.get("/sign-up")
@public
def sign_up() -> Response:
    """The sign-up form."""
    return render("accounts/sign_up.html", data={}, errors={}, open=get_settings().signup_open)


@pages.post("/sign-up")
@public
def make_account() -> Response:
    """Make user and tenant; then to the login, whether the address was free or not."""
    data, errors = load_form(SignUpForm)
    if errors:
        return show("accounts/sign_up.html", data=data, errors=errors, open=True)
    try:
        doors.sign_up(data["email"], data["name"], data["tenant_name"], data["password"], g.get("request_id"))
    except DomainError as error:
        return show("accounts/sign_up.html", data=data, error=error, open=get_settings().signup_open)
    session["email_hint"] = data["email"]
    flash("Your account is ready: sign in. If this address had an account before, that one stays as it was, and we have mailed you how to get in.")
    return redirect_to("accounts.login")


@pages.get("/forgot-password")
@public
def forgot_password() -> Response:
    """Ask for the address."""
    return show("accounts/forgot_password.html", data={"email": request.args.get("email", "")}, sent=False)


@pages.post("/forgot-password")
@public
def request_reset() -> Response:
    """Have a mail sent, if the address is known; the page does not say whether it is."""
    data, errors = load_form(AddressForm)
    if errors:
        return show("accounts/forgot_password.html", data=data, errors=errors, sent=False)
    try:
        doors.request_reset(data["email"])
    except DomainError as error:
        return show("accounts/forgot_password.html", data=data, error=error, sent=False)
    return show("accounts/forgot_password.html", data=data, sent=True)


@pages.get("/reset-password")
@public
def reset_password() -> Response:
    """The form behind a mailed link. Looking does not use the link up: mail scanners look too."""
    return show("accounts/reset_password.html", token=request.args.get("token", ""))


@pages.post("/reset-password")
@public
def choose_password() -> Response:
    """Set the new password; every session of the person ends."""
    data, errors = load_form(NewPasswordForm)
    token = data.get("token", "")
    if errors:
        return show("accounts/reset_password.html", errors=errors, token=token)
    try:
        user = doors.with_token(token, "password reset", lambda rows: service.reset_password(rows, token, data["password"]))
    except DomainError as error:
        return show("accounts/reset_password.html", error=error, token=token)
    session["email_hint"] = user.email
    flash("Your password is changed. Sign in with the new one.")
    return redirect_to("accounts.login")


@pages.get("/invitation")
@public
def invitation() -> Response:
    """Who invites, and the form to accept."""
    return _show_invitation(request.args.get("token", ""))


def _show_invitation(token: str, error: DomainError | None = None, data: dict[str, str] | None = None) -> Response:
    row = queries.find_token(db.session(), token, TokenPurpose.INVITATION) if token else None
    if row is None or row.tenant_id is None:
        gone = ValidationFailed("The invitation was used already, taken back, or is too old. Ask for a new one.")
        return show("accounts/invitation.html", error=error or gone, token="", tenant=None, invited=None)
    tenant = db.session.get(Tenant, row.tenant_id)
    here = load_session()
    known, is_me = queries.find_user(db.session(), row.email) is not None, here is not None and here.email == row.email
    return show("accounts/invitation.html", data=data, error=error, token=token, tenant=tenant, invited=row, known=known, is_me=is_me)


@pages.post("/invitation")
@public
def join() -> Response:
    """Join the tenant: as a new person, or with the password of the account that the address has."""
    data, errors = load_form(JoinForm)
    token = data.get("token", "")
    if errors:
        return _show_invitation(token, ValidationFailed("Check what you typed.", param=next(iter(errors))), data)
    try:
        doors.join(token, data["name"], data["password"] or "")
    except DomainError as error:
        return _show_invitation(token, error, data)
    flash("Welcome aboard.")
    return go_on("/")


@pages.get("/confirm-email")
@public
def confirm_email() -> Response:
    """A button: looking at the link must not change anything."""
    return show("accounts/confirm_email.html", token=request.args.get("token", ""))


@pages.post("/confirm-email")
@public
def change_email() -> Response:
    """Change the address; every session of the person ends."""
    data, errors = load_form(TokenForm)
    if errors:
        return show("accounts/confirm_email.html", errors=errors, token="")
    try:
        user = doors.with_token(data["token"], "change of address", lambda rows: service.confirm_email_change(rows, data["token"]))
    except DomainError as error:
        return show("accounts/confirm_email.html", error=error, token="")
    session["email_hint"] = user.email
    flash("Your address is changed. Sign in with it.")
    return redirect_to("accounts.login")


@pages.get("/undo-email")
@public
def undo_email() -> Response:
    """A button, for the one who reads the old address."""
    return show("accounts/undo_email.html", token=request.args.get("token", ""))


@pages.post("/undo-email")
@public
def take_email_back() -> Response:
    """The old address counts again; password, later factors, sessions and links are void."""
    data, errors = load_form(TokenForm)
    if errors:
        return show("accounts/undo_email.html", errors=errors, token="")
    try:
        user = doors.with_token(data["token"], "change of address taken back", lambda rows: service.undo_email_change(rows, data["token"]))
    except DomainError as error:
        return show("accounts/undo_email.html", error=error, token="")
    session["email_hint"] = user.email
    flash("The address is yours again. We have mailed you a link to choose a new password.")
    return redirect_to("accounts.login")
