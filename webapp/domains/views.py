"""Pages of domains."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.domains import hints, queries, schemas, service
from webapp.domains.models import Domain
from webapp.domains.recheck import ends_at
from webapp.domains.types import DomainStatus, KeyState
from webapp.http.csv_file import csv_file
from webapp.http.forms import Errors, choice, errors_of, find_url, kept_query, search_text
from webapp.http.guard import current_scope, public, requires
from webapp.http.mail_view import download
from webapp.http.pages import flash, load_form, page_blueprint, redirect_to, render, wants_fragment
from webapp.kernel.clock import now, rfc3339
from webapp.kernel.errors import DomainError
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope

pages = page_blueprint("domains", "/domains")
#: A check within this time is worth waiting for on the page.
_SOON = timedelta(minutes=6)
_PAGES_OF_CSV = 100


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


@pages.get("/export.csv")
@requires(Permission.DOMAIN_READ)
def export() -> Response:
    """The filtered list."""
    rows: list[list[object]] = []
    cursor: str | None = None
    for _ in range(_PAGES_OF_CSV):
        page = queries.list_domains(current_scope().session, search=search_text(), status=choice(DomainStatus, "status"), limit=100, cursor=cursor)
        rows += [[d.name, d.status, d.score, d.covers_subdomains, rfc3339(d.verified_at), rfc3339(d.checked_at), d.problem] for d in page.items]
        if (cursor := page.next_cursor) is None:
            break
    return csv_file("domains", ["domain", "status", "score", "covers_subdomains", "verified_at", "checked_at", "problem"], rows)


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
    flash(f"{domain.name} is added. Publish its records; they are looked for by themselves.")
    return redirect_to("domains.show", domain_id=domain.id)


def _page(domain_id: UUID, errors: Errors | None = None) -> Response:
    scope = current_scope()
    domain = queries.get_domain(scope.session, domain_id)
    return render(
        "domains/show.html", "domains/_live.html", 422 if errors else 200, errors=errors or {}, **_context(scope, domain),
        activity_url=find_url("activity.panel", object_id=domain.id),
    )  # fmt: skip


def _context(scope: Scope, domain: Domain) -> dict[str, Any]:
    keys = queries.list_keys(scope.session, domain.id)
    zone = (domain.findings or {}).get("_zone", {})
    return {
        "domain": domain, "records": service.records_for(scope, domain), "score": service.score_for(scope, domain), "keys": keys,
        "provider": hints.provider_of(zone.get("provider")), "rotating": any(key.state is KeyState.WAITING and key.number > 1 for key in keys),
        "can_rotate": any(key.active_at for key in keys), "alignment": service.alignment_in(scope.session, domain) if domain.may_send else None,
        "ends_at": ends_at(domain) if domain.failing_since else None,
        "live": domain.next_check_at is not None and domain.next_check_at - now() < _SOON,
    }  # fmt: skip


@pages.get("/<uuid:domain_id>")
@requires(Permission.DOMAIN_READ)
def show(domain_id: UUID) -> Response:
    """One domain: state, score, records, keys. Its fragment asks again by itself while a check is near."""
    return _page(domain_id)


def _act(domain_id: UUID, act: Callable[[], object], said: str) -> Response:
    """Do something and show the domain again, or why it was refused."""
    try:
        act()
    except DomainError as error:
        return _page(domain_id, errors_of(error))
    flash(said)
    return _page(domain_id) if wants_fragment() else redirect_to("domains.show", domain_id=domain_id)


@pages.post("/<uuid:domain_id>/verify")
@requires(Permission.DOMAIN_VERIFY)
def verify(domain_id: UUID) -> Response:
    """Look the records up now."""
    domain = service.verify_domain(current_scope(), domain_id)
    if domain.status == DomainStatus.VERIFIED:
        flash(f"Checked: {domain.name} is verified, score {domain.score}.")
    else:
        flash(domain.problem or "The TXT record is not there yet. DNS changes can take minutes to arrive.", "warning")
    return _page(domain_id) if wants_fragment() else redirect_to("domains.show", domain_id=domain_id)


@pages.post("/<uuid:domain_id>/challenge")
@requires(Permission.DOMAIN_CREATE)
def renew_challenge(domain_id: UUID) -> Response:
    """Give out a new challenge."""
    return _act(domain_id, lambda: service.renew_challenge(current_scope(), domain_id), "A new challenge is given out; the old one proves nothing any more.")


@pages.post("/<uuid:domain_id>/rotate")
@requires(Permission.DOMAIN_CREATE)
def rotate(domain_id: UUID) -> Response:
    """Make new DKIM keys."""
    return _act(domain_id, lambda: service.rotate_dkim(current_scope(), domain_id), "New keys are made. Publish their records beside the old ones.")


@pages.post("/<uuid:domain_id>/rotate/give-up")
@requires(Permission.DOMAIN_CREATE)
def give_up_rotation(domain_id: UUID) -> Response:
    """Destroy keys that were not used yet."""
    return _act(domain_id, lambda: service.give_up_rotation(current_scope(), domain_id), "The new keys are destroyed; the present ones go on.")


@pages.post("/<uuid:domain_id>/settings")
@requires(Permission.DOMAIN_CREATE)
def update(domain_id: UUID) -> Response:
    """Switch whether sub-domains are covered."""
    data, errors = load_form(schemas.SwitchForm)
    try:
        domain = service.update_domain(current_scope(), domain_id, {} if errors else {"covers_subdomains": data["on"]})
    except DomainError as error:
        flash(error.message, "error")
        domain = queries.get_domain(current_scope().session, domain_id)
    return render("domains/_covers.html", domain=domain) if wants_fragment() else redirect_to("domains.show", domain_id=domain_id)


@pages.post("/<uuid:domain_id>/hosts")
@requires(Permission.DOMAIN_CREATE)
def update_hosts(domain_id: UUID) -> Response:
    """Call the hosts under the domain something else."""
    data, errors = load_form(schemas.HostsForm)
    if errors:
        return _page(domain_id, errors)
    said = "The hosts are changed. Publish their records; until they are found this server's own are used."
    return _act(domain_id, lambda: service.update_domain(current_scope(), domain_id, data), said)


@pages.get("/<uuid:domain_id>/zone.txt")
@requires(Permission.DOMAIN_READ)
def zone_file(domain_id: UUID) -> Response:
    """The records as a zone file (RFC 1035 section 5)."""
    scope = current_scope()
    domain = queries.get_domain(scope.session, domain_id)
    text = service.zone_file(domain, service.records_for(scope, domain))
    return download(text.encode(), f"{domain.name}.zone.txt", "text/plain; charset=utf-8")


@pages.get("/<uuid:domain_id>/records.json")
@requires(Permission.DOMAIN_READ)
def records_file(domain_id: UUID) -> Response:
    """The records as JSON, as the API has them."""
    scope = current_scope()
    domain = queries.get_domain(scope.session, domain_id)
    rows = schemas.RecordOut(many=True).dump(service.records_for(scope, domain))
    return download(json.dumps({"domain": domain.name, "records": rows}, indent=2).encode(), f"{domain.name}.records.json", "application/json")


@pages.get("/<uuid:domain_id>/checks")
@requires(Permission.DOMAIN_READ)
def checks(domain_id: UUID) -> Response:
    """What checks found over time."""
    session = current_scope().session
    domain = queries.get_domain(session, domain_id)
    page = queries.list_checks(session, domain.id, limit=25, cursor=request.args.get("cursor"))
    return render("domains/checks.html", "domains/_checks.html", domain=domain, page=page)


@pages.get("/<uuid:domain_id>/checks.csv")
@requires(Permission.DOMAIN_READ)
def export_checks(domain_id: UUID) -> Response:
    """The same as a table, the newest hundred."""
    session = current_scope().session
    page = queries.list_checks(session, queries.get_domain(session, domain_id).id, limit=100)
    header = ["record", "type", "name", "expected", "state", "found", "what_to_do", "first_at", "last_at", "checks"]
    rows = [[c.key, c.type, c.name, c.expected, c.state, " | ".join(c.found), c.todo, rfc3339(c.first_at), rfc3339(c.last_at), c.times] for c in page.items]
    return csv_file("checks", header, rows)


@pages.post("/<uuid:domain_id>/delete")
@requires(Permission.DOMAIN_DELETE)
def delete(domain_id: UUID) -> Response:
    """Remove a domain and its keys."""
    service.delete_domain(current_scope(), domain_id)
    flash("The domain is removed and its keys are destroyed.")
    return redirect_to("domains.index")


@pages.get("/certificate-wanted")
@public
def certificate_wanted() -> Response:
    """Whether a TLS proxy should get a certificate for the host `domain`: 200 for a tracking host whose CNAME was seen, else 404.

    Caddy asks this before it fetches one (`on_demand_tls.ask`).
    """
    known = service.is_tracking_host(request.args.get("domain", "").lower()[:253])
    return Response("yes\n" if known else "no\n", 200 if known else 404, content_type="text/plain; charset=utf-8")
