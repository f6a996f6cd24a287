"""Pages of tenants towards staff: live sending, usage and limits, support access with every past session."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.backoffice import schemas, service
from webapp.backoffice.queries import support as queries
from webapp.backoffice.service import usage as used
from webapp.backoffice.types import END_WORDS, ApprovalWish, EndCause, RequestKind, RequestStatus
from webapp.backoffice.views.blueprint import submit, tenant_pages
from webapp.http.csv_file import csv_file
from webapp.http.forms import Errors, kept_query, search_text
from webapp.http.guard import current_scope, requires, signed_in
from webapp.http.pages import flash, redirect_to, render
from webapp.kernel.clock import rfc3339
from webapp.kernel.ids import parse_uuid, uuid7_time
from webapp.kernel.permissions import Permission
from webapp.tenants.models import Plan, Tenant
from webapp.tenants.service import list_limits
from webapp.tenants.types import LIMIT_KINDS, LimitName

#: Limits of mail, which a day, a month or a message uses up; the others count objects.
_OF_MAIL = (LimitName.DAILY_RECIPIENTS, LimitName.MONTHLY_RECIPIENTS, LimitName.MINUTE_RECIPIENTS, LimitName.MESSAGE_RECIPIENTS, LimitName.KEY_RATE)
_HEADER = ("time", "staff", "on behalf of", "session", "method", "path", "changes", "refused because", "status", "address")
_MOST_EXPORTED = 10_000


def _tenant() -> Tenant:
    scope = current_scope()
    return scope.session.get_one(Tenant, scope.tenant_id)


def _production_page(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    asked, tenant = queries.list_requests(current_scope()), _tenant()
    waiting = next((row for row in asked if row.status == RequestStatus.OPEN), None)
    context = {"tenant": tenant, "asked": asked, "waiting": waiting, "kinds": RequestKind, "data": data or {}, "errors": errors or {}}
    return render("tenants/production.html", None, 422 if errors else 200, **context)


@tenant_pages.get("/production")
@requires(Permission.BILLING_READ)
def production() -> Response:
    """Whether the tenant may send live, what it asked, what staff answered."""
    return _production_page()


@tenant_pages.post("/production")
@requires(Permission.TENANT_UPDATE)
def ask() -> Response:
    """Ask for live sending."""

    def act(data: dict[str, Any]) -> Response:
        service.ask_production(current_scope(), ApprovalWish(**data))
        flash("Your request is with staff. The owners get a letter with the answer.")
        return redirect_to("support.production")

    return submit(schemas.ProductionForm, act, _production_page)


@tenant_pages.post("/production/appeal")
@signed_in
def appeal() -> Response:
    """Answer to a suspension: for every member, because a suspended tenant's roles only read."""

    def act(data: dict[str, Any]) -> Response:
        service.appeal(current_scope(), data["what"])
        flash("Your appeal is with staff. The owners get a letter with the answer.")
        return redirect_to("support.production")

    return submit(schemas.AppealForm, act, _production_page)


@tenant_pages.post("/production/<uuid:request_id>/withdraw")
@requires(Permission.TENANT_UPDATE)
def withdraw(request_id: UUID) -> Response:
    """Take a request back."""
    service.withdraw(current_scope(), request_id)
    flash("Your request is withdrawn.")
    return redirect_to("support.production")


@tenant_pages.get("/usage")
@requires(Permission.BILLING_READ)
def usage() -> Response:
    """The plan, and how much of each limit is used."""
    scope, tenant = current_scope(), _tenant()
    plan = scope.session.get(Plan, tenant.plan_id) if tenant.plan_id else None
    limits, days = list_limits(scope), used.list_days(scope)
    chart = {
        "labels": [f"{day.at:%Y-%m-%d}" for day in days], "x": [int(day.at.timestamp()) for day in days],
        "series": [{"label": "Live recipients", "key": 1, "values": [day.recipients for day in days]}],
    }  # fmt: skip
    return render("tenants/usage.html", tenant=tenant, plan=plan, limits=limits, kinds=LIMIT_KINDS, of_mail=_OF_MAIL, chart=chart, days=days)


def _access_page(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    scope = current_scope()
    page = queries.list_sessions(scope, search_text(), cursor=request.args.get("cursor"))
    context = {
        "standing": queries.find_standing(scope), "grants": queries.list_grants(scope), "is_good": queries.is_good, "page": page, "kept": kept_query(),
        "tallies": queries.tallies(scope, page.items), "end_words": END_WORDS, "causes": EndCause, "data": data or {}, "errors": errors or {},
        "days": service.LONGEST_DAYS,
    }  # fmt: skip
    return render("tenants/support_access.html", None if errors else "tenants/_sessions.html", 422 if errors else 200, **context)


@tenant_pages.get("/support-access")
@requires(Permission.ACTIVITY_READ)
def access() -> Response:
    """Consent, grants, and every session there was."""
    return _access_page()


@tenant_pages.post("/support-access/consent")
@requires(Permission.TENANT_UPDATE)
def consent() -> Response:
    """Turn the standing consent on or off, whichever it is not."""
    standing = queries.find_standing(current_scope())
    if request.form.get("on") == "true":
        service.give_standing(current_scope())
        flash("Support staff may look at your dashboard, with a reason, until you turn this off.")
    elif standing is not None:
        service.revoke(current_scope(), standing.id)
        flash("Consent is off. Sessions that stood on it have ended.")
    return redirect_to("support.access")


@tenant_pages.post("/support-access/grants")
@requires(Permission.TENANT_UPDATE)
def grant() -> Response:
    """Let staff in once."""

    def act(data: dict[str, Any]) -> Response:
        service.grant_once(current_scope(), **data)
        flash("Support staff may open one session.")
        return redirect_to("support.access")

    return submit(schemas.GrantForm, act, _access_page)


@tenant_pages.post("/support-access/grants/<uuid:grant_id>/revoke")
@requires(Permission.TENANT_UPDATE)
def revoke(grant_id: UUID) -> Response:
    """Take a grant back."""
    service.revoke(current_scope(), grant_id)
    flash("The grant is withdrawn.")
    return redirect_to("support.access")


@tenant_pages.post("/support-access/sessions/<uuid:support_session_id>/stop")
@requires(Permission.TENANT_UPDATE)
def stop_session(support_session_id: UUID) -> Response:
    """End a running session."""
    service.stop_session(current_scope(), support_session_id)
    flash("The session is over.")
    return redirect_to("support.access")


@tenant_pages.get("/support-access/sessions/<uuid:support_session_id>")
@requires(Permission.ACTIVITY_READ)
def session(support_session_id: UUID) -> Response:
    """One session with each of its requests."""
    scope = current_scope()
    found = queries.get_session(scope, support_session_id)
    show = request.args.get("show")
    page = queries.list_actions(scope, found.id, show=show, search=search_text(), cursor=request.args.get("cursor"))
    context = {"session": found, "page": page, "kept": kept_query(), "tally": queries.tallies(scope, [found]).get(found.id, queries.Tally())}
    return render("tenants/support_session.html", "tenants/_actions.html", 200, end_words=END_WORDS, causes=EndCause, when=uuid7_time, **context)


@tenant_pages.get("/support-access/export.csv")
@requires(Permission.ACTIVITY_READ)
def export() -> Response:
    """Each request of every session, or of one, as CSV, up to 10,000 rows."""
    scope = current_scope()
    named = request.args.get("session")
    wanted = queries.get_session(scope, parse_uuid(named) or UUID(int=0)).id if named else None
    return csv_file("support-access", _HEADER, _rows(wanted))


def _rows(session_id: UUID | None) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    cursor: str | None = None
    while len(rows) < _MOST_EXPORTED:
        page = queries.list_actions(current_scope(), session_id, cursor=cursor)
        rows += [
            (rfc3339(uuid7_time(a.id)), a.staff_name, a.member_name, a.session_id, a.method, a.path, a.writes, a.refused, a.status, a.address)
            for a in page.items
        ]
        if (cursor := page.next_cursor) is None:
            break
    return rows
