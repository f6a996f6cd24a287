"""Staff: the tenants, and everything about one of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.backoffice import schemas, service
from webapp.backoffice.doors import staff_scope
from webapp.backoffice.queries import evidence, support
from webapp.backoffice.queries import tenants as queries
from webapp.backoffice.queries.plans import list_plans
from webapp.backoffice.views.blueprint import pages, submit
from webapp.http.csv_file import csv_file
from webapp.http.forms import Errors, choice, kept_query, search_text
from webapp.http.guard import staff_only
from webapp.http.pages import flash, redirect_to, render
from webapp.kernel.clock import rfc3339
from webapp.kernel.db import unscoped
from webapp.tenants.service import get_tenant, list_limits
from webapp.tenants.types import LIMIT_KINDS, SuspensionKind, TenantStatus

_ONE = "/staff/tenants/<uuid:tenant_id>"
_HEADER = ("id", "name", "slug", "status", "created at", "accepted", "sent", "bounce rate", "complaint rate", "guard trips", "waiting")


@pages.get("/staff/")
@staff_only
def index() -> Response:
    """Every tenant with its health, to search."""
    with unscoped("staff looks at all tenants") as session:
        page = queries.list_tenants(session, **_filter(), cursor=request.args.get("cursor"))
        health, counts = queries.read_health(session, [t.id for t in page.items]), queries.count_by_status(session)
    context = {"page": page, "health": health, "counts": counts, "kept": kept_query(), "statuses": TenantStatus, "days": queries.HEALTH_DAYS}
    return render("backoffice/tenants.html", "backoffice/_tenants.html", 200, **context)


def _filter() -> dict[str, Any]:
    return {"search": search_text(), "status": choice(TenantStatus, "status"), "ill": request.args.get("ill") == "1"}


@pages.get("/staff/tenants.csv")
@staff_only
def export() -> Response:
    """The filtered list as CSV, up to 2,000 tenants."""
    rows: list[tuple[object, ...]] = []
    cursor: str | None = None
    with unscoped("staff exports the list of tenants") as session:
        while len(rows) < 2000:
            page = queries.list_tenants(session, **_filter(), cursor=cursor, limit=100)
            health = queries.read_health(session, [t.id for t in page.items])
            rows += [_row(tenant, health[tenant.id]) for tenant in page.items]
            if (cursor := page.next_cursor) is None:
                break
    return csv_file("tenants", _HEADER, rows)


def _row(tenant: Any, health: queries.Health) -> tuple[object, ...]:
    rates = (f"{health.bounce_rate:.4f}", f"{health.complaint_rate:.4f}")
    return (tenant.id, tenant.name, tenant.slug, tenant.status, rfc3339(tenant.created_at), health.accepted, health.sent, *rates, health.trips, health.waiting)


def _page(tenant_id: UUID, form: str = "", data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    with staff_scope(tenant_id) as scope:
        limits, grants = list_limits(scope), support.list_grants(scope, 5)
        asked, standing = support.list_requests(scope), support.find_standing(scope)
    with unscoped("staff looks at one tenant") as session:
        tenant = get_tenant(session, tenant_id)
        context = {
            "tenant": tenant, "health": queries.read_health(session, [tenant_id])[tenant_id], "evidence": evidence.gather(session, tenant),
            "members": queries.list_members(session, tenant_id), "bridges": queries.list_bridges(session, tenant_id), "plans": list_plans(session),
            "notes": queries.list_notes(session, tenant_id), "sessions": queries.list_support_sessions(session, tenant_id),
        }  # fmt: skip
    more = {
        "limits": limits, "grants": grants, "asked": asked, "standing": standing, "kinds": SuspensionKind, "limit_kinds": LIMIT_KINDS,
        "is_good": support.is_good,
    }  # fmt: skip
    return render("backoffice/tenant.html", None, 422 if errors else 200, form=form, data=data or {}, errors=errors or {}, **context, **more)


@pages.get(_ONE)
@staff_only
def tenant(tenant_id: UUID) -> Response:
    """One tenant: health, evidence, limits, people, domains, bridges, notes."""
    return _page(tenant_id)


@pages.post(f"{_ONE}/suspend")
@staff_only
def suspend(tenant_id: UUID) -> Response:
    """Stop it, with a reason that it reads."""

    def act(data: dict[str, Any]) -> Response:
        with staff_scope(tenant_id) as scope:
            name = service.suspend_tenant(scope, data["reason"], data["kind"]).name
        flash(f"{name} is suspended; every process knows within five seconds.")
        return redirect_to("backoffice.tenant", tenant_id=tenant_id)

    return submit(schemas.SuspendForm, act, lambda data, errors: _page(tenant_id, "suspend", data, errors))


@pages.post(f"{_ONE}/resume")
@staff_only
def resume(tenant_id: UUID) -> Response:
    """End a suspension."""
    with staff_scope(tenant_id) as scope:
        name = service.resume_tenant(scope).name
    flash(f"{name} may go on.")
    return redirect_to("backoffice.tenant", tenant_id=tenant_id)


@pages.post(f"{_ONE}/limits")
@staff_only
def limits(tenant_id: UUID) -> Response:
    """Its plan, and limits of its own."""

    def act(data: dict[str, Any]) -> Response:
        with staff_scope(tenant_id) as scope:
            changed = service.change_limits(scope, data["limits"], data["plan"])
        flash("; ".join(changed) if changed else "Saved; no limit has another value than before.")
        return redirect_to("backoffice.tenant", tenant_id=tenant_id)

    return submit(schemas.LimitsForm, act, lambda data, errors: _page(tenant_id, "limits", data, errors))


@pages.post(f"{_ONE}/notes")
@staff_only
def note(tenant_id: UUID) -> Response:
    """Note something for the colleagues."""

    def act(data: dict[str, Any]) -> Response:
        with staff_scope(tenant_id) as scope:
            service.add_note(scope, data["text"])
        return redirect_to("backoffice.tenant", tenant_id=tenant_id)

    return submit(schemas.NoteForm, act, lambda data, errors: _page(tenant_id, "note", data, errors))


