"""Staff: what tenants ask, and the plans that answer most of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from webapp.backoffice import schemas, service
from webapp.backoffice.doors import staff_scope
from webapp.backoffice.queries import evidence, plans
from webapp.backoffice.queries import tenants as queries
from webapp.backoffice.types import Decision
from webapp.backoffice.views.blueprint import pages, submit
from webapp.backoffice.views.scopes import platform_unit
from webapp.http.forms import Errors
from webapp.http.guard import staff_only
from webapp.http.pages import flash, redirect_to, render
from webapp.kernel.db import unscoped
from webapp.tenants.service import decline_request, get_tenant, grant_request, list_open_requests
from webapp.tenants.types import LIMIT_KINDS, LimitName

_REQUEST = "/staff/tenants/<uuid:tenant_id>/requests/<uuid:request_id>"


def _queue_page(errors: Errors | None = None, at: UUID | None = None) -> Response:
    with unscoped("staff looks at what all tenants ask") as session:
        waiting, decided, limits = queries.list_queue(session), queries.list_decided(session), list_open_requests(session)
    context = {"waiting": waiting, "decided": decided, "limits": limits, "limit_kinds": LIMIT_KINDS, "limit_names": LimitName}
    return render("backoffice/requests.html", None, 422 if errors else 200, errors=errors or {}, at=at, **context)


@pages.get("/staff/requests")
@staff_only
def requests() -> Response:
    """Requests that wait, the oldest first, and the latest answers."""
    return _queue_page()


def _request_page(tenant_id: UUID, request_id: UUID, data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    with unscoped("staff judges a request") as session:
        row = queries.get_request(session, tenant_id, request_id)
        tenant = get_tenant(session, tenant_id)
        context = {"row": row, "tenant": tenant, "evidence": evidence.gather(session, tenant), "members": queries.list_members(session, tenant_id)}
        health, notes = queries.read_health(session, [tenant_id])[tenant_id], queries.list_notes(session, tenant_id)
    return render("backoffice/request.html", None, 422 if errors else 200, data=data or {}, errors=errors or {}, health=health, notes=notes, **context)


@pages.get(_REQUEST)
@staff_only
def request_page(tenant_id: UUID, request_id: UUID) -> Response:
    """One request with the evidence to judge it by."""
    return _request_page(tenant_id, request_id)


@pages.post(_REQUEST)
@staff_only
def decide(tenant_id: UUID, request_id: UUID) -> Response:
    """Approve, limit or refuse."""

    def act(data: dict[str, Any]) -> Response:
        with staff_scope(tenant_id) as scope:
            row = service.decide(scope, request_id, Decision(**data))
        flash(f"The request is {row.status}; the owners get a letter.")
        return redirect_to("backoffice.requests")

    return submit(schemas.DecisionForm, act, lambda data, errors: _request_page(tenant_id, request_id, data, errors))


@pages.post("/staff/tenants/<uuid:tenant_id>/limit-requests/<uuid:request_id>")
@staff_only
def decide_limit(tenant_id: UUID, request_id: UUID) -> Response:
    """Grant a higher limit, perhaps less than asked for, or decline it with words."""

    def act(data: dict[str, Any]) -> Response:
        with staff_scope(tenant_id) as scope:
            if data["grant"]:
                grant_request(scope, request_id, granted=data["granted"], answer=data["answer"] or None)
            else:
                decline_request(scope, request_id, data["answer"])
        flash("The request is answered.")
        return redirect_to("backoffice.requests")

    return submit(schemas.LimitDecisionForm, act, lambda _, errors: _queue_page(errors, request_id))


def _plans_page(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    with unscoped("staff looks at the plans") as session:
        found, users = plans.list_plans(session), plans.count_tenants(session)
    context = {"plans": found, "users": users, "limit_kinds": LIMIT_KINDS, "data": data or {}, "errors": errors or {}}
    return render("backoffice/plans.html", None, 422 if errors else 200, **context)


@pages.get("/staff/plans")
@staff_only
def plan_list() -> Response:
    """The named sets of limits."""
    return _plans_page()


@pages.post("/staff/plans")
@staff_only
def save_plan() -> Response:
    """Make a plan, or change one."""

    def act(data: dict[str, Any]) -> Response:
        limits = {name: value for name, value in data["limits"].items() if value is not None}
        with platform_unit("staff changes a plan") as scope:
            plan = service.save_plan(scope, data["plan"], data["name"], data["description"], limits)
        flash(f"The plan {plan.name} is saved; its tenants have it within seconds.")
        return redirect_to("backoffice.plan_list")

    return submit(schemas.PlanForm, act, _plans_page)


@pages.post("/staff/plans/<uuid:plan_id>/delete")
@staff_only
def delete_plan(plan_id: UUID) -> Response:
    """Take a plan away that nobody has."""
    with platform_unit("staff deletes a plan") as scope:
        service.delete_plan(scope, plan_id)
    flash("The plan is deleted.")
    return redirect_to("backoffice.plan_list")
