"""Prove once more who one is, before what matters; then on to where one was going."""

from __future__ import annotations

from flask import Response, redirect, request

from webapp.accounts import doors
from webapp.accounts.redirects import safe_next
from webapp.accounts.schemas import ProofForm
from webapp.accounts.views.blueprint import Errors, errors_of, pages
from webapp.http.guard import signed_in
from webapp.http.pages import load_form, render
from webapp.kernel.errors import DomainError


def _page(wanted: str, errors: Errors | None = None, status: int = 200, retry_after: int | None = None) -> Response:
    factors = doors.my_factors()
    status = 422 if errors and status == 200 else status
    response = render("accounts/confirm.html", status=status, factors=factors, next=safe_next(wanted), errors=errors or {}, person=doors.current_person())
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


@pages.get("/confirm-it-is-you")
@signed_in
def confirm() -> Response:
    """Ask for the second factor; for the password where there is none."""
    return _page(request.args.get("next", ""))


@pages.post("/confirm-it-is-you")
@signed_in
def confirm_now() -> Response:
    """Take the proof, and go on."""
    data, errors = load_form(ProofForm)
    wanted = request.form.get("next", "")
    if errors:
        return _page(wanted, errors)
    try:
        if doors.my_factors():
            doors.confirm_by_code(data["code"] or "")
        else:
            doors.confirm_by_password(data["password"] or "")
    except DomainError as error:
        return _page(wanted, errors_of(error), error.status, error.retry_after)
    return redirect(safe_next(wanted), 303)  # type: ignore[return-value]
