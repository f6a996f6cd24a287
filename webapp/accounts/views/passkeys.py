"""Passkeys: asked for and answered by a script of ours (static/js/passkeys.js), everything else as forms."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request, url_for

from webapp.accounts import doors, service
from webapp.accounts.doors import current_person
from webapp.accounts.redirects import safe_next
from webapp.accounts.relying_party import relying_party
from webapp.accounts.schemas import PasskeyForm, PasskeyNameForm
from webapp.accounts.types import ChallengePurpose
from webapp.accounts.views.blueprint import Errors, errors_of, fresh_proof, pages
from webapp.accounts.views.factors import changed
from webapp.http.guard import signed_in
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.http.unit_of_work import db
from webapp.kernel.errors import DomainError


def as_json(text: str) -> Response:
    """Options as the library wrote them."""
    return Response(text, content_type="application/json")


def refuse(error: DomainError) -> Response:
    """A refusal to the script, which shows the text."""
    return Response(error.message, error.status, content_type="text/plain; charset=utf-8")


def _page(errors: Errors | None = None, status: int = 200) -> Response:
    party = relying_party()
    by_name = party is not None and request.host.partition(":")[0] != party.id
    status = 422 if errors and status == 200 else status
    elsewhere = f"{party.origin}{url_for('accounts.new_passkey')}" if party and by_name else ""
    return render("accounts/new_passkey.html", status=status, party=party, elsewhere=elsewhere, errors=errors or {})


@pages.get("/settings/security/passkeys/new")
@signed_in
@fresh_proof()
def new_passkey() -> Response:
    """Name it, then let the browser make it."""
    return _page()


@pages.post("/settings/security/passkeys/options")
@signed_in
def passkey_options() -> Response:
    """What the browser shall make."""
    try:
        return as_json(doors.ask_to_make())
    except DomainError as error:
        return refuse(error)


@pages.post("/settings/security/passkeys")
@signed_in
@fresh_proof("accounts.new_passkey")
def add_passkey() -> Response:
    """Keep what the browser made."""
    data, errors = load_form(PasskeyForm)
    if errors:
        return _page(errors)
    try:
        question = doors.take_question(ChallengePurpose.PASSKEY_REGISTER)
        made = doors.read_credential(data["credential"])
        service.add_passkey(db.session(), current_person().user_id, made, question.challenge or b"", data["name"])
    except DomainError as error:
        return _page(errors_of(error), error.status)
    return changed("user.passkey_added", "Your passkey is added.", with_factor=True)


@pages.post("/settings/security/passkeys/<uuid:passkey_id>/rename")
@signed_in
def rename_passkey(passkey_id: UUID) -> Response:
    """Give it another name."""
    data, errors = load_form(PasskeyNameForm)
    if errors:
        flash(errors["name"][0], "error")
    else:
        service.rename_passkey(db.session(), current_person().user_id, passkey_id, data["name"])
        flash("The name is saved.")
    return redirect_to("accounts.security")


@pages.post("/settings/security/passkeys/<uuid:passkey_id>/remove")
@signed_in
@fresh_proof()
def remove_passkey(passkey_id: UUID) -> Response:
    """It signs nobody in any more."""
    service.remove_passkey(db.session(), current_person().user_id, passkey_id)
    return changed("user.passkey_removed", "The passkey is removed.")


@pages.post("/confirm-it-is-you/options")
@signed_in
def confirm_options() -> Response:
    """What the browser shall sign before something that matters."""
    try:
        return as_json(doors.ask_to_sign(ChallengePurpose.PASSKEY_CONFIRM, current_person().user_id))
    except DomainError as error:
        return refuse(error)


@pages.post("/confirm-it-is-you/passkey")
@signed_in
def confirm_by_passkey() -> Response:
    """Take the signature, and go on."""
    wanted = safe_next(request.form.get("next"))
    try:
        doors.confirm_with_passkey(request.form.get("credential", ""))
    except DomainError as error:
        flash(error.message, "error")
        return redirect_to("accounts.confirm", next=wanted)
    return Response("", 303, {"Location": wanted})
