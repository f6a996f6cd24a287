"""Settings > Security: second factors, sessions, and the history of sign-ins."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.accounts import doors, oidc, queries, service
from webapp.accounts.agents import describe_agent, is_phone
from webapp.accounts.doors import current_person
from webapp.accounts.schemas import PasswordForm
from webapp.accounts.throttle import Attempt, check
from webapp.accounts.views.blueprint import Errors, errors_of, fresh_proof, pages
from webapp.accounts.views.notes import note
from webapp.http.csv_file import csv_file
from webapp.http.guard import client_address, signed_in
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.http.unit_of_work import db
from webapp.kernel.clock import rfc3339
from webapp.kernel.errors import DomainError
from webapp.settings import get_settings


def _page(errors: Errors | None = None, status: int = 200) -> Response:
    person, rows = current_person(), db.session()
    context: dict[str, Any] = {
        "user": queries.get_user(rows, person.user_id), "factors": queries.count_factors(rows, person.user_id),
        "passkeys": queries.list_passkeys(rows, person.user_id), "sessions": queries.list_sessions(rows, person.user_id),
        "history": queries.list_sign_ins(rows, person.user_id, limit=5).items,
        "identities": queries.list_identities(rows, person.user_id), "oidc_name": get_settings().oidc_name if oidc.is_on() else "",
        "describe_agent": describe_agent, "is_phone": is_phone,
    }  # fmt: skip
    return render("accounts/security.html", status=422 if errors and status == 200 else status, person=person, errors=errors or {}, **context)


@pages.get("/settings/security")
@signed_in
def security() -> Response:
    """Everything that keeps others out of one's account."""
    return _page()


@pages.post("/settings/password")
@signed_in
@fresh_proof(of_factor=True)
def save_password() -> Response:
    """One's password; every other session ends and this one gets a new cookie."""
    data, errors = load_form(PasswordForm)
    if errors:
        return _page(errors)
    person = current_person()
    try:
        check(Attempt.LOGIN, f"change|{person.user_id}", client_address())
        service.change_password(db.session(), person.user_id, person.session_id, data["current_password"], data["new_password"], person.tenant_name)
    except DomainError as error:
        return _page(errors_of(error), error.status)
    note("user.password_changed")
    doors.renew_cookie(confirmed=True)
    flash("Your password is changed. All other sessions are signed out.")
    return redirect_to("accounts.security")


@pages.post("/settings/sessions/<uuid:session_id>/end")
@signed_in
def end_session(session_id: UUID) -> Response:
    """Sign one browser out."""
    service.end_session(db.session(), current_person().user_id, session_id)
    flash("The session is signed out.")
    return redirect_to("accounts.security")


@pages.post("/settings/sessions/end-others")
@signed_in
def end_other_sessions() -> Response:
    """Sign out everywhere else."""
    person = current_person()
    service.end_sessions(db.session(), person.user_id, but=person.session_id)
    flash("All other sessions are signed out.")
    return redirect_to("accounts.security")


@pages.get("/settings/security/sign-ins")
@signed_in
def sign_ins() -> Response:
    """The history of the last ninety days."""
    page = queries.list_sign_ins(db.session(), current_person().user_id, only_failed=request.args.get("state") == "failed", cursor=request.args.get("cursor"))
    return render("accounts/sign_ins.html", page=page, state=request.args.get("state", ""))


@pages.get("/settings/security/sign-ins.csv")
@signed_in
def export_sign_ins() -> Response:
    """The latest thousand as CSV."""
    rows = queries.list_sign_ins(db.session(), current_person().user_id, limit=1000).items
    lines = [(rfc3339(row.at), row.outcome, row.method, row.device, row.address, row.is_new) for row in rows]
    return csv_file("sign-ins", ("time", "outcome", "method", "device", "address", "new"), lines)
