"""Pages of sending accounts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.http.csv_file import csv_file
from webapp.http.forms import Errors, errors_of, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, page_blueprint, redirect_to, render
from webapp.kernel.errors import DomainError
from webapp.kernel.permissions import Permission
from webapp.sending_accounts import queries, schemas, service
from webapp.sending_accounts.models import SendingAccount
from webapp.sending_accounts.types import AuthMethod, TlsPolicy

_METHODS = (
    (AuthMethod.AUTO.value, "Whatever it offers (PLAIN, LOGIN, CRAM-MD5)"),
    (AuthMethod.PLAIN.value, "PLAIN"),
    (AuthMethod.LOGIN.value, "LOGIN"),
    (AuthMethod.CRAM_MD5.value, "CRAM-MD5"),
    (AuthMethod.XOAUTH2.value, "XOAUTH2 (access token)"),
)


_STATES = {"active": True, "disabled": False}
pages = page_blueprint("sending_accounts", "/sending-accounts")

_TLS = (
    (TlsPolicy.REQUIRED.value, "STARTTLS, certificate verified"),
    (TlsPolicy.IMPLICIT.value, "TLS from the start, certificate verified (port 465)"),
    (TlsPolicy.OPPORTUNISTIC.value, "STARTTLS when offered, certificate not verified"),
    (TlsPolicy.NONE.value, "None"),
)


@pages.get("/")
@requires(Permission.PROVIDER_READ)
def index() -> Response:
    """Own and shared accounts."""
    active = _STATES.get(request.args.get("state", ""))
    page = queries.list_accounts(current_scope().session, search=search_text(), active=active, cursor=request.args.get("cursor"))
    return render("sending_accounts/index.html", "sending_accounts/_table.html", page=page, kept=kept_query())


@pages.get("/export.csv")
@requires(Permission.PROVIDER_READ)
def export() -> Response:
    """Own and shared accounts as a file, without secrets; of shared ones no more than the list shows."""
    rows = queries.list_accounts(current_scope().session, search=search_text(), active=_STATES.get(request.args.get("state", "")), limit=100).items
    header = ("name", "host", "port", "encryption", "username", "state", "messages_an_hour", "messages_a_day", "connections", "shared")
    return csv_file("sending-accounts", header, map(_cells, rows))


def _cells(a: SendingAccount) -> tuple[object, ...]:
    state = "active" if a.active else "disabled"
    if a.shared:
        return (a.name, "", "", "", "", state, "", "", "", True)
    return (a.name, a.host, a.port, a.tls, a.username or "", state, a.hourly_quota or "", a.daily_quota or "", a.max_connections, False)


def _form_page(data: dict[str, Any], errors: Errors) -> Response:
    return render("sending_accounts/new.html", status=422 if errors else 200, data=data, errors=errors, policies=_TLS, methods=_METHODS)


@pages.get("/new")
@requires(Permission.PROVIDER_CREATE)
def new() -> Response:
    """The form of a new account."""
    return _form_page({}, {})


@pages.post("/new")
@requires(Permission.PROVIDER_CREATE)
def create() -> Response:
    """Add a relay."""
    data, errors = load_form(schemas.AccountIn)
    try:
        account = service.create_account(current_scope(), service.AccountInput(**data)) if not errors else None
    except DomainError as error:
        errors, account = errors_of(error), None
    if account is None:
        return _form_page(data, errors)
    flash(f"{account.name} is added. Test the connection, then put it into a pool.")
    return redirect_to("sending_accounts.show", account_id=account.id)


def _page(account_id: UUID, data: dict[str, Any] | None = None, errors: Errors | None = None, **more: Any) -> Response:
    session = current_scope().session
    return render(
        "sending_accounts/show.html", status=422 if errors else 200, account=queries.get_account(session, account_id), data=data or {},
        usage=queries.read_usage(session, account_id), errors=errors or {}, policies=_TLS, methods=_METHODS, **more,
    )  # fmt: skip


@pages.get("/<uuid:account_id>")
@requires(Permission.PROVIDER_READ)
def show(account_id: UUID) -> Response:
    """One account."""
    return _page(account_id)


@pages.post("/<uuid:account_id>")
@requires(Permission.PROVIDER_UPDATE)
def update(account_id: UUID) -> Response:
    """Change a relay; an empty password field keeps the password."""
    data, errors = load_form(schemas.AccountIn)
    changes = {**dict.fromkeys(("username", "hourly_quota", "daily_quota", "return_path")), "headers": {}, **data}
    try:
        if not errors:
            service.update_account(current_scope(), account_id, changes)
    except DomainError as error:
        errors = errors_of(error)
    if errors:
        return _page(account_id, data, errors)
    flash("Saved.")
    return redirect_to("sending_accounts.show", account_id=account_id)


@pages.post("/<uuid:account_id>/test")
@requires(Permission.PROVIDER_UPDATE)
def test(account_id: UUID) -> Response:
    """Connect and log in, and show the conversation."""
    result = service.test_account(current_scope(), account_id)
    return render("sending_accounts/_tested.html", result=result) if request.headers.get("HX-Request") else _page(account_id, result=result)


@pages.post("/<uuid:account_id>/<any(activate, deactivate):act>")
@requires(Permission.PROVIDER_UPDATE)
def activate(account_id: UUID, act: str) -> Response:
    """Take a relay into use, or out of it."""
    account = service.set_active(current_scope(), account_id, act == "activate")
    flash(f"{account.name} is in use." if account.active else f"{account.name} is out of use; pools go round it.")
    return redirect_to("sending_accounts.show", account_id=account_id)


@pages.post("/<uuid:account_id>/delete")
@requires(Permission.PROVIDER_DELETE)
def delete(account_id: UUID) -> Response:
    """Remove a relay, from its pools too."""
    service.delete_account(current_scope(), account_id)
    flash("The account is removed.")
    return redirect_to("sending_accounts.index")
