"""What an owner decides for the whole tenant, and the ends: of a tenant, of one's own account."""

from __future__ import annotations

from flask import Response

from webapp.accounts import doors, service
from webapp.accounts.doors import current_person
from webapp.accounts.schemas import DeleteAccountForm, DeleteTenantForm, SwitchForm
from webapp.accounts.views.blueprint import errors_of, fresh_proof, pages
from webapp.accounts.views.own import settings_page
from webapp.http.guard import current_scope, requires, signed_in
from webapp.http.pages import flash, load_form, redirect_to
from webapp.kernel.errors import DomainError
from webapp.kernel.permissions import Permission


@pages.post("/settings/tenant/second-factor")
@requires(Permission.TENANT_UPDATE)
@fresh_proof("accounts.settings")
def require_factor() -> Response:
    """Ask all members for a second factor, or no longer. Whoever asks has one."""
    data, _ = load_form(SwitchForm)
    if data.get("on") and not doors.my_factors():
        flash("Set up your own second factor first: you would lock yourself out otherwise.", "warning")
        return redirect_to("accounts.security")
    service.require_factor(current_scope(), bool(data.get("on")))
    flash("Everybody is asked for a second factor from now on." if data.get("on") else "A second factor is everybody's own choice again.")
    return redirect_to("accounts.settings")


@pages.post("/settings/tenant/delete")
@requires(Permission.TENANT_UPDATE)
@fresh_proof("accounts.settings")
def delete_tenant() -> Response:
    """Begin the days of grace."""
    data, errors = load_form(DeleteTenantForm)
    if errors:
        return settings_page("end", {}, errors)
    try:
        when = service.ask_for_end(current_scope(), current_person().role, data["tenant_name"])
    except DomainError as error:
        return settings_page("end", {}, errors_of(error), error.status)
    flash(f"It will be deleted on {when:%d %B %Y}. Every owner gets a letter, and any of them can stop it until then.", "warning")
    return redirect_to("accounts.settings")


@pages.post("/settings/tenant/keep")
@signed_in
def keep_tenant() -> Response:
    """Stop the deletion; also in a suspended tenant, where nothing else may be changed."""
    try:
        service.keep(current_scope(), current_person().role)
    except DomainError as error:
        return settings_page("end", {}, errors_of(error), error.status)
    flash("It stays as it is.")
    return redirect_to("accounts.settings")


@pages.post("/settings/delete-account")
@signed_in
@fresh_proof("accounts.settings")
def delete_account() -> Response:
    """One's own account, at once."""
    data, errors = load_form(DeleteAccountForm)
    if errors:
        return settings_page("account", {}, errors)
    try:
        doors.delete_account(data["confirm_email"])
    except DomainError as error:
        return settings_page("account", {}, errors_of(error), error.status)
    flash("Your account is deleted. Goodbye.")
    return redirect_to("accounts.login")
