"""Unsubscribe: GET shows a button, POST acts (RFC 8058). Link scanners fetch, so a GET must change nothing."""

from __future__ import annotations

from flask import Response, request

from webapp.http.guard import public
from webapp.http.pages import page_blueprint, render
from webapp.http.unprotected import without_csrf
from webapp.kernel.db import unscoped
from webapp.kernel.errors import NotFound
from webapp.tracking.hosts import bound_host
from webapp.tracking.service import unsubscribe
from webapp.tracking.tokens import Purpose, Who, read_recipient_token

pages = page_blueprint("tracking")


def _who(token: str) -> Who:
    who = read_recipient_token(token, Purpose.UNSUBSCRIBE, bound_host(request.host))
    if who is None:
        raise NotFound("unsubscribe link")
    return who


@pages.get("/api/t/stopped")
@public
def stopped() -> Response:
    """In place of a link whose sender was suspended for abuse. Reached from the quick door only; the address shows nothing else."""
    return render("tracking/stopped.html", status=403)


@pages.get("/api/unsub/<token>")
@public
def confirm_unsubscribe(token: str) -> Response:
    """The page with the button."""
    _who(token)
    return render("tracking/unsubscribe.html", token=token, done=False)


@pages.post("/api/unsub/<token>")
@public
@without_csrf
def do_unsubscribe(token: str) -> Response:
    """The button, and the one-click POST of mail clients: no login, no cookie, any body. Doing it twice is doing it once."""
    how = "one_click" if request.form.get("List-Unsubscribe") == "One-Click" else "page"
    with unscoped("the token of an unsubscribe link names the tenant") as session:
        if unsubscribe(session, _who(token), how) is None:
            raise NotFound("unsubscribe link")
    return render("tracking/unsubscribe.html", token=token, done=True)
