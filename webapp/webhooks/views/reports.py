"""The panel of a sending account in which its provider's reports are set up; the account's page fetches it by address."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from webapp.http.forms import Errors, errors_of
from webapp.http.guard import current_scope, requires
from webapp.http.pages import load_form, render
from webapp.kernel.errors import DomainError
from webapp.kernel.permissions import Permission
from webapp.sending_accounts.service import get_account
from webapp.webhooks import queries, schemas, service
from webapp.webhooks.providers import PROVIDERS
from webapp.webhooks.views.blueprint import pages


def _panel(account_id: UUID, data: dict[str, Any] | None = None, errors: Errors | None = None, made: str | None = None) -> Response:
    session = current_scope().session
    account, hook = get_account(session, account_id), queries.find_hook(session, account_id)
    context = {"account": account, "hook": hook, "url": service.hook_url(hook) if hook else None, "providers": PROVIDERS, "made": made}
    return render("webhooks/reports.html", "webhooks/_reports.html", 422 if errors else 200, data=data or {}, errors=errors or {}, **context)


@pages.get("/reports/<uuid:account_id>")
@requires(Permission.PROVIDER_READ)
def reports(account_id: UUID) -> Response:
    """Whether and how the provider reports."""
    return _panel(account_id)


@pages.post("/reports/<uuid:account_id>")
@requires(Permission.PROVIDER_UPDATE)
def set_reports(account_id: UUID) -> Response:
    """Open or change the door."""
    data, errors = load_form(schemas.HookIn)
    shown = None
    try:
        shown = service.set_hook(current_scope(), account_id, **data) if not errors else None
    except DomainError as error:
        errors = errors_of(error) if error.status != 404 else {}
    return _panel(account_id, data, errors, shown.made if shown else None)


@pages.post("/reports/<uuid:account_id>/remove")
@requires(Permission.PROVIDER_UPDATE)
def remove_reports(account_id: UUID) -> Response:
    """Close the door."""
    service.remove_hook(current_scope(), account_id)
    return _panel(account_id)
