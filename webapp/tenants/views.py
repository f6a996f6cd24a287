"""The page of limits: how much of each is used, and asking for more."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.http.forms import Errors, errors_of
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, page_blueprint, redirect_to, render
from webapp.kernel.errors import DomainError
from webapp.kernel.permissions import Permission
from webapp.tenants import queries, service
from webapp.tenants.schemas import LimitRequestForm

pages = page_blueprint("tenants", "/limits")


def _page(data: dict[str, Any] | None = None, errors: Errors | None = None, status: int = 200) -> Response:
    scope = current_scope()
    return render(
        "tenants/limits.html", status=status, data=data or {}, errors=errors or {}, limits=service.list_limits(scope),
        requests=queries.list_limit_requests(scope, limit=20, cursor=request.args.get("cursor")),
    )  # fmt: skip


@pages.get("/")
@requires(Permission.BILLING_READ)
def index() -> Response:
    """Every limit, and what was asked for."""
    return _page()


@pages.post("/requests")
@requires(Permission.LIMIT_REQUEST)
def ask() -> Response:
    """Ask for more of something."""
    data, errors = load_form(LimitRequestForm)
    if errors:
        return _page(data, errors, 422)
    try:
        service.ask_limit(current_scope(), data["limit"], data["wanted"], data["reason"])
    except DomainError as error:
        return _page(data, errors_of(error), error.status)
    flash("Staff have your request. You read the answer here.")
    return redirect_to("tenants.index")


@pages.post("/requests/<uuid:limit_request_id>/withdraw")
@requires(Permission.LIMIT_REQUEST)
def withdraw(limit_request_id: UUID) -> Response:
    """Take a request back."""
    try:
        service.withdraw_request(current_scope(), limit_request_id)
        flash("The request is withdrawn.")
    except DomainError as error:
        if error.status == 404:
            raise
        flash(error.message, "error")
    return redirect_to("tenants.index")
