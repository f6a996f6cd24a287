"""Pages of domains."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.domains import queries, schemas, service
from webapp.domains.types import DomainStatus
from webapp.http.forms import Errors, choice, errors_of, find_url, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.mail_view import download
from webapp.http.pages import flash, load_form, page_blueprint, redirect_to, render, wants_fragment
from webapp.kernel.errors import DomainError
from webapp.kernel.permissions import Permission

pages = page_blueprint("domains", "/domains")


def _list_page(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    session, cursor = current_scope().session, request.args.get("cursor")
    page = queries.list_domains(session, search=search_text(), status=choice(DomainStatus, "status"), cursor=cursor)
    fragment = None if errors else "domains/_table.html"
    return render("domains/index.html", fragment, 422 if errors else 200, page=page, kept=kept_query(), data=data or {}, errors=errors or {})


@pages.get("/")
@requires(Permission.DOMAIN_READ)
def index() -> Response:
    """The tenant's domains."""
    return _list_page()


@pages.post("/")
@requires(Permission.DOMAIN_CREATE)
def create() -> Response:
    """Add a domain and show what to publish."""
    data, errors = load_form(schemas.DomainIn)
    try:
        domain = service.add_domain(current_scope(), data["domain"], data["covers_subdomains"]) if not errors else None
    except DomainError as error:
        errors, domain = errors_of(error), None
    if domain is None:
        return _list_page(data, errors)
    flash(f"{domain.name} is added. Publish its records, then verify it.")
    return redirect_to("domains.show", domain_id=domain.id)


def _page(domain_id: UUID, errors: Errors | None = None) -> Response:
    scope = current_scope()
    domain = queries.get_domain(scope.session, domain_id)
    return render(
        "domains/show.html", "domains/_records.html", 422 if errors else 200, domain=domain, records=service.records_for(scope, domain),
        errors=errors or {}, activity_url=find_url("activity.panel", object_id=domain.id),
    )  # fmt: skip


@pages.get("/<uuid:domain_id>")
@requires(Permission.DOMAIN_READ)
def show(domain_id: UUID) -> Response:
    """One domain with its records."""
    return _page(domain_id)


@pages.post("/<uuid:domain_id>/verify")
@requires(Permission.DOMAIN_VERIFY)
def verify(domain_id: UUID) -> Response:
    """Look the records up now."""
    try:
        domain = service.verify_domain(current_scope(), domain_id)
    except DomainError as error:
        return _page(domain_id, errors_of(error))
    if domain.status == DomainStatus.VERIFIED:
        flash(f"{domain.name} is verified.")
    else:
        flash("The TXT record is not there yet. DNS changes can take minutes to arrive.", "warning")
    return _page(domain_id) if wants_fragment() else redirect_to("domains.show", domain_id=domain_id)


@pages.post("/<uuid:domain_id>/settings")
@requires(Permission.DOMAIN_CREATE)
def update(domain_id: UUID) -> Response:
    """Switch whether sub-domains are covered."""
    data, errors = load_form(schemas.SwitchForm)
    domain = service.update_domain(current_scope(), domain_id, data["on"]) if not errors else queries.get_domain(current_scope().session, domain_id)
    return render("domains/_covers.html", domain=domain) if wants_fragment() else redirect_to("domains.show", domain_id=domain_id)


@pages.get("/<uuid:domain_id>/zone.txt")
@requires(Permission.DOMAIN_READ)
def zone_file(domain_id: UUID) -> Response:
    """The records as lines of a zone file (RFC 1035 section 5)."""
    scope = current_scope()
    domain = queries.get_domain(scope.session, domain_id)
    lines = [service.zone_line(record) for record in service.records_for(scope, domain)]
    return download(("\n".join(lines) + "\n").encode(), f"{domain.name}.zone.txt", "text/plain; charset=utf-8")


@pages.post("/<uuid:domain_id>/delete")
@requires(Permission.DOMAIN_DELETE)
def delete(domain_id: UUID) -> Response:
    """Remove a domain and its keys."""
    service.delete_domain(current_scope(), domain_id)
    flash("The domain is removed and its keys are destroyed.")
    return redirect_to("domains.index")
