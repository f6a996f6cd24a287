"""Pages of the pace: throttles live, warm-up, budgets of providers, holds, and the panel of a pool's members."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.http.csv_file import csv_file
from webapp.http.forms import Errors, errors_of, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, page_blueprint, redirect_to, render
from webapp.kernel.clock import now, rfc3339
from webapp.kernel.errors import DomainError
from webapp.kernel.permissions import Permission
from webapp.pace import queries, schemas, service
from webapp.pace.models import Throttle
from webapp.pace.types import PROVIDERS, provider_name
from webapp.pace.views import platform
from webapp.pools.service import get_pool, list_choices

pages = page_blueprint("pace", "/pace")
platform.register(pages)
_WORDS = {"pause": "paused", "resume": "running", "finish": "finished"}


@pages.context_processor
def _names() -> dict[str, Any]:
    return {"provider_name": provider_name, "PROVIDERS": PROVIDERS}


@pages.get("/throttles")
@requires(Permission.POOL_READ)
def throttles() -> Response:
    """What is slowed, paused or left out now, and what was."""
    past = request.args.get("show") == "history"
    page = queries.list_throttles(current_scope(), search=search_text(), in_force=not past, cursor=request.args.get("cursor"))
    return render("pace/throttles.html", "pace/_throttles.html", page=page, kept=kept_query(), past=past, now=now(), mine=current_scope().tenant_id)


@pages.get("/throttles.csv")
@requires(Permission.POOL_READ)
def export_throttles() -> Response:
    """The latest throttles as a file."""
    rows = queries.list_throttles(current_scope(), search=search_text(), limit=100).items
    return csv_file("throttles", _COLUMNS, map(_cells, rows))


_COLUMNS = ("provider", "way_out", "action", "rate", "reason", "strikes", "from", "until", "ended", "why")


def _cells(t: Throttle) -> tuple[object, ...]:
    times = (rfc3339(moment) or "" for moment in (t.created_at, t.until, t.ended_at))
    return (t.provider, t.source_label, t.action, t.rate or "", t.reason, t.strikes, *times, t.ended_why or "")


@pages.post("/throttles/<uuid:throttle_id>/lift")
@requires(Permission.POOL_UPDATE)
def lift(throttle_id: UUID) -> Response:
    """End a throttle."""
    throttle = service.lift_throttle(current_scope(), throttle_id)
    flash(f"Mail to {provider_name(throttle.provider)} leaves by {throttle.source_label} again.")
    return redirect_to("pace.throttles")


def _warmup_page(errors: Errors | None = None) -> Response:
    scope, today = current_scope(), now().date()
    plans = queries.list_plans(scope.session, search_text())
    days = queries.days_of(scope.session, [plan.id for plan in plans], on=today)
    finish = {p.id: service.forecast_finish(p.day, p.steps, p.started_on, today) for p in plans if p.state == "running"}
    addresses = queries.addresses_to_warm(scope.session, scope.tenant_id)
    return render(
        "pace/warmup.html", "pace/_warmup.html", 422 if errors else 200, plans=plans, days=days, finish=finish, addresses=addresses, kept=kept_query(),
        errors=errors or {},
    )  # fmt: skip


@pages.get("/warmup")
@requires(Permission.IP_READ)
def warmup() -> Response:
    """Every address and provider that warms up: its day, sent of allowed, when it will be done."""
    return _warmup_page()


@pages.post("/warmup")
@requires(Permission.IP_UPDATE)
def start_warmup() -> Response:
    """Warm up a dedicated address at the large providers and all others."""
    data, errors = load_form(schemas.WarmupForm)
    try:
        if not errors:
            service.start_warmup(current_scope(), data["ip_id"])
    except DomainError as error:
        errors = errors_of(error)
    if errors:
        return _warmup_page(errors)
    flash("The warm-up has started.")
    return redirect_to("pace.warmup")


@pages.get("/warmup.csv")
@requires(Permission.IP_READ)
def export_warmup() -> Response:
    """Every day of every plan as a file."""
    session = current_scope().session
    plans = {plan.id: plan for plan in queries.list_plans(session)}
    rows = (day for days in queries.days_of(session, list(plans)).values() for day in days)
    header = ("address", "provider", "date", "day", "allowance", "sent", "bounced", "blocked", "verdict")
    named = ((plans[d.plan_id].source_label, plans[d.plan_id].provider, d) for d in rows)
    return csv_file("warmup", header, ((a, p, d.on_date, d.day, d.allowance, d.sent, d.bounced, d.blocked, d.verdict or "") for a, p, d in named))


@pages.get("/warmup/<uuid:plan_id>")
@requires(Permission.IP_READ)
def plan(plan_id: UUID) -> Response:
    """One plan: its days, and the forecast."""
    session, today = current_scope().session, now().date()
    found = queries.get_plan(session, plan_id)
    days = queries.days_of(session, [plan_id])[plan_id]
    finish = service.forecast_finish(found.day, found.steps, found.started_on, today) if found.state == "running" else None
    chart = queries.forecast_chart(found, days, today)
    return render("pace/plan.html", "pace/_plan.html", plan=found, days=days, finish=finish, chart_data=chart, today=today)


@pages.post("/warmup/<uuid:plan_id>/<any(pause, resume, finish):act>")
@requires(Permission.IP_UPDATE)
def change_plan(plan_id: UUID, act: str) -> Response:
    """Pause, resume or finish a plan."""
    service.change_plan(current_scope(), plan_id, state=service.PlanState(_WORDS[act]))
    flash({"pause": "The plan is paused: this address sends without a limit.", "resume": "The plan goes on.", "finish": "The plan is finished."}[act])
    return redirect_to("pace.plan", plan_id=plan_id)


def _budgets_page(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    scope, search = current_scope(), search_text()
    return render(
        "pace/budgets.html", None if errors else "pace/_budgets.html", 422 if errors else 200,
        rows=queries.list_budgets(scope.session, scope.tenant_id, search), defaults=queries.default_budgets(search), kept=kept_query(),
        data=data or {}, errors=errors or {},
    )  # fmt: skip


@pages.get("/budgets")
@requires(Permission.POOL_READ)
def budgets() -> Response:
    """Limits towards each provider, built-in and set."""
    return _budgets_page()


@pages.get("/budgets.csv")
@requires(Permission.POOL_READ)
def export_budgets() -> Response:
    """Limits in force by provider, those that were set before the built-in ones, as a file."""
    scope, search = current_scope(), search_text()
    budgets = queries.list_budgets(scope.session, scope.tenant_id, search)
    own = [(b.provider, "you" if b.tenant_id else "the platform", b.connections, b.messages_per_connection, b.rate) for b in budgets]
    built_in = [(provider, "built in", b.connections, b.messages_per_connection, b.rate) for provider, b in queries.default_budgets(search)]
    return csv_file("budgets", ("provider", "set_by", "connections", "messages_per_connection", "rate"), [*own, *built_in])


@pages.post("/budgets")
@requires(Permission.POOL_UPDATE)
def set_budget() -> Response:
    """Set the limits of own ways out towards a provider."""
    data, errors = load_form(schemas.BudgetIn)
    if errors:
        return _budgets_page(data, errors)
    service.set_budget(current_scope(), service.BudgetWish(**data))
    flash(f"Saved; delivery keeps to it within seconds: {provider_name(data['provider'])}.")
    return redirect_to("pace.budgets")


@pages.post("/budgets/<uuid:budget_id>/delete")
@requires(Permission.POOL_UPDATE)
def delete_budget(budget_id: UUID) -> Response:
    """Back to the built-in limits."""
    service.delete_budget(current_scope(), budget_id)
    flash("The built-in limits hold again.")
    return redirect_to("pace.budgets")


def _holds_page(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    scope, past = current_scope(), request.args.get("show") == "history"
    page = queries.list_holds(scope.session, search=search_text(), in_force=not past, cursor=request.args.get("cursor"))
    return render(
        "pace/holds.html", None if errors else "pace/_holds.html", 422 if errors else 200, page=page, past=past, kept=kept_query(),
        bridges=queries.bridge_choices(scope), pools=[p for p in list_choices(scope.session) if not p.shared], data=data or {}, errors=errors or {},
    )  # fmt: skip


@pages.get("/holds")
@requires(Permission.POOL_READ)
def holds() -> Response:
    """What people hold back or drain."""
    return _holds_page()


@pages.get("/holds.csv")
@requires(Permission.POOL_READ)
def export_holds() -> Response:
    """What is and was held back, as a file."""
    rows = queries.list_holds(current_scope().session, search=search_text(), in_force=None, limit=100).items
    header = ("kind", "subject", "name", "reason", "by_operator", "from", "released")
    return csv_file("holds", header, ((h.kind, h.subject, h.label, h.reason, h.by_staff, rfc3339(h.created_at), rfc3339(h.released_at) or "") for h in rows))


@pages.post("/holds")
@requires(Permission.POOL_UPDATE)
def hold_back() -> Response:
    """Hold back or drain."""
    data, errors = load_form(schemas.HoldForm)
    try:
        if not errors:
            service.hold_back(current_scope(), service.HoldWish(**data))
    except DomainError as error:
        errors = errors_of(error)
    if errors:
        return _holds_page(data, errors)
    flash("It takes effect within seconds, and lasts until somebody releases it.")
    return redirect_to("pace.holds")


@pages.post("/holds/<uuid:hold_id>/release")
@requires(Permission.POOL_UPDATE)
def release(hold_id: UUID) -> Response:
    """Let it go."""
    hold = service.release_hold(current_scope(), hold_id)
    flash(f"{hold.label} is released.")
    return redirect_to("pace.holds")


@pages.get("/pools/<uuid:pool_id>/members")
@requires(Permission.POOL_READ)
def pool_panel(pool_id: UUID) -> Response:
    """How a pool's members share today's mail, and how they are: a fragment of the pool's page."""
    pool = get_pool(current_scope().session, pool_id)
    return render("pace/_pool_members.html", pool=pool, shares=queries.shares_of_pool(current_scope(), pool_id), now=now())
