"""The second half of a sign-in."""

from __future__ import annotations

from flask import Response, request

from webapp.accounts import doors
from webapp.accounts.schemas import CodeForm
from webapp.accounts.types import ChallengePurpose
from webapp.accounts.views.blueprint import Errors, pages, show
from webapp.accounts.views.entrance import go_on
from webapp.accounts.views.passkeys import as_json, refuse
from webapp.http.guard import public
from webapp.http.pages import flash, load_form, redirect_to
from webapp.kernel.errors import DomainError, Unauthenticated


def _page(wanted: str, errors: Errors | None = None, error: DomainError | None = None) -> Response:
    waiting = doors.find_waiting()
    if waiting is None:
        flash("The sign-in took too long; begin again.", "warning")
        return redirect_to("accounts.login")
    return show("accounts/second_factor.html", errors=errors, error=error, factors=waiting.factors, next=wanted)


@pages.get("/login/second-factor")
@public
def second_factor() -> Response:
    """Ask for a code, a recovery code or a passkey."""
    return _page(request.args.get("next", ""))


@pages.post("/login/second-factor")
@public
def give_factor() -> Response:
    """Take the code and open the session."""
    data, errors = load_form(CodeForm)
    wanted = request.form.get("next", "")
    if errors:
        return _page(wanted, errors)
    try:
        doors.finish_with_code(data["code"])
    except Unauthenticated:
        return _page(wanted)
    except DomainError as error:
        return _page(wanted, error=error)
    return go_on(wanted)


@pages.post("/login/second-factor/options")
@public
def second_factor_options() -> Response:
    """What the passkey of the person who waits shall sign."""
    try:
        return as_json(doors.ask_to_sign(ChallengePurpose.PASSKEY_SIGN_IN, doors.current_waiting().user_id))
    except DomainError as error:
        return refuse(error)


@pages.post("/login/second-factor/passkey")
@public
def give_passkey() -> Response:
    """Take the signature and open the session."""
    wanted = request.form.get("next", "")
    try:
        doors.finish_with_passkey(request.form.get("credential", ""))
    except DomainError as error:
        flash(error.message, "error")
        return redirect_to("accounts.second_factor", next=wanted)
    return go_on(wanted)


@pages.post("/login/passkey/options")
@public
def passkey_sign_in_options() -> Response:
    """What any passkey of ours shall sign."""
    try:
        return as_json(doors.ask_to_sign(ChallengePurpose.PASSKEY_SIGN_IN, None))
    except DomainError as error:
        return refuse(error)


@pages.post("/login/passkey")
@public
def sign_in_with_passkey() -> Response:
    """Take the signature of whoever it is and open the session."""
    wanted = request.form.get("next", "")
    try:
        doors.sign_in_with_passkey(request.form.get("credential", ""))
    except DomainError as error:
        flash(error.message, "error")
        return redirect_to("accounts.login", next=wanted or None)
    return go_on(wanted)
