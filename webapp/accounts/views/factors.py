"""Setting up second factors: an authenticator app, and recovery codes. The codes are shown once, on the page that answers."""

from __future__ import annotations

from flask import Response

from webapp.accounts import doors, queries, service, totp
from webapp.accounts.doors import current_person
from webapp.accounts.schemas import CodeForm
from webapp.accounts.throttle import Attempt, check
from webapp.accounts.views.blueprint import Errors, errors_of, fresh_proof, pages
from webapp.accounts.views.notes import note
from webapp.http.guard import client_address, signed_in
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.http.unit_of_work import db
from webapp.kernel.errors import Conflict, DomainError


@pages.get("/settings/security/required")
@signed_in
def factor_required() -> Response:
    """Says why a second factor is asked for, and leads to setting one up or giving it."""
    return render("accounts/factor_required.html", person=current_person(), factors=doors.my_factors())


def _set_up_page(errors: Errors | None = None, status: int = 200) -> Response:
    person = current_person()
    secret = service.begin_totp(db.session(), person.user_id)
    db.session.commit()  # the secret stays the same until its first code was right, also after a wrong one
    picture = totp.qr_code(totp.address_of(secret, person.email))
    status = 422 if errors and status == 200 else status
    return render("accounts/set_up_totp.html", status=status, picture=picture, secret=totp.spoken(secret), errors=errors or {})


@pages.get("/settings/security/authenticator")
@signed_in
@fresh_proof()
def set_up_totp() -> Response:
    """The QR code for an authenticator app."""
    try:
        return _set_up_page()
    except Conflict as error:
        flash(error.message, "info")
        return redirect_to("accounts.security")


@pages.post("/settings/security/authenticator")
@signed_in
@fresh_proof("accounts.set_up_totp")
def confirm_totp() -> Response:
    """Put the app in force with its first code; then the recovery codes, if there are none."""
    data, errors = load_form(CodeForm)
    if errors:
        return _set_up_page(errors)
    person = current_person()
    try:
        check(Attempt.FACTOR, f"set-up|{person.user_id}", client_address())
        service.confirm_totp(db.session(), person.user_id, data["code"])
    except DomainError as error:
        return _set_up_page(errors_of(error), error.status)
    return changed("user.totp_added", "Your authenticator app is set up.", with_factor=True)


@pages.post("/settings/security/authenticator/remove")
@signed_in
@fresh_proof()
def remove_totp() -> Response:
    """Take the app away."""
    service.remove_totp(db.session(), current_person().user_id)
    return changed("user.totp_removed", "Your authenticator app is removed.")


@pages.post("/settings/security/recovery-codes")
@signed_in
@fresh_proof()
def renew_codes() -> Response:
    """New recovery codes, shown this once; those before are void."""
    codes = service.renew_codes(db.session(), current_person().user_id)
    note("user.recovery_codes_made")
    return render("accounts/recovery_codes.html", codes=codes, first=False)


def changed(action: str, message: str, *, with_factor: bool = False) -> Response:
    """After a change of factors: every other session ends, this one gets a new cookie; new recovery codes are shown to whoever has none."""
    person, rows = current_person(), db.session()
    service.end_sessions(rows, person.user_id, but=person.session_id)
    factors = queries.count_factors(rows, person.user_id)
    codes = service.renew_codes(rows, person.user_id) if factors and not factors.codes_left else []
    note(action)
    rows.commit()  # before the cookie: its session is looked up by another connection
    doors.renew_cookie(confirmed=True, with_factor=with_factor)
    if codes:
        return render("accounts/recovery_codes.html", codes=codes, first=True)
    flash(f"{message} All other sessions are signed out.")
    return redirect_to("accounts.security")
