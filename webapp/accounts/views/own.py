"""Settings > Profile: a person's name and address, the tenants they work for, and the mode."""

from __future__ import annotations

from flask import Response, redirect, request

from webapp.accounts import doors, service
from webapp.accounts.doors import current_person
from webapp.accounts.redirects import safe_next
from webapp.accounts.schemas import EmailForm, ModeForm, ProfileForm, SwitchTenantForm, TenantForm
from webapp.accounts.throttle import Attempt, check
from webapp.accounts.views.blueprint import Errors, errors_of, fresh_proof, pages
from webapp.accounts.views.notes import note
from webapp.http.guard import client_address, current_scope, requires, signed_in
from webapp.http.pages import flash, load_form, redirect_to, render
from webapp.http.unit_of_work import db
from webapp.kernel.errors import DomainError, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.settings import get_settings
from webapp.tenants.service import get_tenant
from webapp.tenants.service import rename as rename_tenant


def settings_page(form: str = "", data: dict[str, object] | None = None, errors: Errors | None = None, status: int = 200) -> Response:
    """The settings page; ``form`` says to which of its forms data and errors belong."""
    person = current_person()
    tenant = get_tenant(db.session(), person.tenant_id) if person.tenant_id else None
    return render(
        "accounts/settings.html", status=422 if errors and status == 200 else status, person=person, form=form, data=data or {}, errors=errors or {},
        tenants=doors.list_my_tenants(), tenant=tenant, grace_days=get_settings().tenant_grace_days,
    )  # fmt: skip


def _done(message: str) -> Response:
    flash(message)
    return redirect_to("accounts.settings")


@pages.get("/settings")
@signed_in
def settings() -> Response:
    """Everything a person may change about themselves."""
    return settings_page()


@pages.post("/settings/profile")
@signed_in
def save_profile() -> Response:
    """One's name."""
    data, errors = load_form(ProfileForm)
    if errors:
        return settings_page("profile", data, errors)
    note("user.renamed", {"name": [current_person().name, data["name"]]})
    service.rename_user(db.session(), current_person().user_id, data["name"])
    return _done("Your name is saved.")


@pages.post("/settings/email")
@signed_in
@fresh_proof("accounts.settings", of_factor=True)
def ask_new_address() -> Response:
    """One's address: a mail goes to the new one, whether it is free or not."""
    data, errors = load_form(EmailForm)
    try:
        if not errors:
            check(Attempt.RESET, data["email"], client_address())
            service.request_email_change(db.session(), current_person().user_id, data["email"], data["current_password"])
    except DomainError as error:
        return settings_page("email", data, errors_of(error), error.status)
    return settings_page("email", data, errors) if errors else _done(f"We have mailed a link to {data['email']}. Your address changes when you follow it.")


@pages.post("/settings/tenant")
@requires(Permission.TENANT_UPDATE)
def save_tenant() -> Response:
    """The tenant's name."""
    data, errors = load_form(TenantForm)
    if errors:
        return settings_page("tenant", data, errors)
    try:
        rename_tenant(current_scope(), data["name"])
    except ValidationFailed as error:
        return settings_page("tenant", data, errors_of(error))
    return _done("The name is saved.")


@pages.post("/switch-tenant")
@signed_in
def switch_tenant() -> Response:
    """Work for another tenant."""
    data, errors = load_form(SwitchTenantForm)
    if errors:
        return settings_page("switch", data, errors)
    doors.switch_tenant(data["tenant"])
    return redirect("/", 303)  # type: ignore[return-value]


@pages.post("/switch-mode")
@signed_in
def switch_mode() -> Response:
    """Show live or sandbox."""
    data, errors = load_form(ModeForm)
    if not errors:
        service.switch_mode(db.session(), current_person().session_id, data["mode"])
    return redirect(safe_next(request.form.get("next")), 303)  # type: ignore[return-value]
