"""The page behind the link of a confirmation mail: GET asks, POST confirms. Link scanners fetch, so a GET must change nothing."""

from __future__ import annotations

from flask import Response

from webapp.contacts.confirmation import Membership, read_token
from webapp.contacts.service.opt_in import confirm_membership, find_question
from webapp.contacts.types import MemberState
from webapp.contacts.views.blueprint import pages
from webapp.http.guard import public
from webapp.http.pages import render
from webapp.http.unprotected import without_csrf
from webapp.kernel.db import unscoped
from webapp.kernel.errors import NotFound

_REASON = "the token of a confirmation link names the tenant"


def _who(token: str) -> Membership:
    who = read_token(token)
    if who is None:
        raise NotFound("confirmation link")
    return who


@pages.get("/confirm/<token>")
@public
def ask(token: str) -> Response:
    """The page with the button."""
    with unscoped(_REASON) as session:
        question = find_question(session, _who(token))
        if question is None:
            raise NotFound("confirmation link")
        found, member = question
        return render("contacts/confirm.html", token=token, list=found, done=member.state == MemberState.SUBSCRIBED)


@pages.post("/confirm/<token>")
@public
@without_csrf
def confirm(token: str) -> Response:
    """The button: no login, no cookie. Doing it twice is doing it once."""
    with unscoped(_REASON) as session:
        found = confirm_membership(session, _who(token))
        if found is None:
            raise NotFound("confirmation link")
        return render("contacts/confirm.html", token=token, list=found, done=True)
