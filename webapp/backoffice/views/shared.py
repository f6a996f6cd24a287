"""Staff: what all tenants send through: shared pools, addresses, warm-up, budgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response

from webapp.backoffice import schemas
from webapp.backoffice.service import shared
from webapp.backoffice.views.blueprint import pages, submit
from webapp.backoffice.views.scopes import platform_unit
from webapp.http.forms import Errors
from webapp.http.guard import staff_only
from webapp.http.pages import flash, redirect_to, render
from webapp.kernel.errors import ValidationFailed
from webapp.kernel.scope import Scope
from webapp.pace.service import BudgetWish
from webapp.pace.types import PlanState, provider_name
from webapp.tenants.service import find_by_slug


def _page(form: str = "", data: dict[str, Any] | None = None, errors: Errors | None = None, at: UUID | None = None) -> Response:
    with platform_unit("staff looks at shared pools and addresses") as scope:
        pools = shared.list_pools(scope)
        context = {
            "pools": pools, "members": {pool.id: shared.list_members(scope, pool.id) for pool in pools}, "addresses": shared.list_addresses(scope),
            "accounts": shared.list_accounts(scope), "plans": shared.list_plans(scope), "budgets": shared.list_budgets(scope),
        }  # fmt: skip
    more = {"form": form, "data": data or {}, "errors": errors or {}, "at": at, "provider_name": provider_name}
    return render("backoffice/shared.html", None, 422 if errors else 200, **context, **more)


def _run(form: str, schema: type[ma.Schema], act: Callable[[Scope, dict[str, Any]], str], at: UUID | None = None) -> Response:
    """A form of this page: ``act`` says what was done."""

    def done(data: dict[str, Any]) -> Response:
        with platform_unit("staff changes shared sending") as scope:
            message = act(scope, data)
        return _done(message)

    return submit(schema, done, lambda data, errors: _page(form, data, errors, at))


def _done(message: str) -> Response:
    flash(message)
    return redirect_to("backoffice.shared_sending")


@pages.get("/staff/shared")
@staff_only
def shared_sending() -> Response:
    """Pools, addresses, warm-up and budgets on one page."""
    return _page()


@pages.post("/staff/shared/pools")
@staff_only
def add_pool() -> Response:
    """A new shared pool."""
    return _run("pool", schemas.SharedPoolForm, lambda scope, data: f"{shared.create_pool(scope, **data).name} is made; now give it members.")


@pages.post("/staff/shared/pools/<uuid:pool_id>/<any(pause, resume):act>")
@staff_only
def pause_pool(pool_id: UUID, act: str) -> Response:
    """Stop a shared pool, or start it."""
    with platform_unit("staff pauses or resumes a shared pool") as scope:
        pool = shared.pause_pool(scope, pool_id, paused=act == "pause")
    return _done(f"{pool.name} is {'paused' if pool.paused else 'sending again'}.")


@pages.post("/staff/shared/pools/<uuid:pool_id>/members")
@staff_only
def add_pool_member(pool_id: UUID) -> Response:
    """Put a shared address or account into it."""

    def act(scope: Scope, data: dict[str, Any]) -> str:
        shared.add_member(scope, pool_id, data["member"], data["weight"])
        return "The pool sends through it from now on."

    return _run("member", schemas.SharedMemberForm, act, pool_id)


@pages.post("/staff/shared/pools/<uuid:pool_id>/members/<uuid:member_id>/remove")
@staff_only
def remove_pool_member(pool_id: UUID, member_id: UUID) -> Response:
    """Take a member out."""
    with platform_unit("staff takes a member out of a shared pool") as scope:
        shared.remove_member(scope, pool_id, member_id)
    return _done("It is taken out.")


@pages.post("/staff/shared/addresses")
@staff_only
def add_address() -> Response:
    """Take an address into use."""

    def act(scope: Scope, data: dict[str, Any]) -> str:
        tenant = find_by_slug(scope.session, data["tenant"]) if data["tenant"] else None
        if data["tenant"] and tenant is None:
            raise ValidationFailed("There is no tenant with this slug.", param="tenant")
        row = shared.add_ip(scope, data["address"], data["helo_name"], tenant.id if tenant else None)
        return f"{row.address} is added. `postbridge ip check` on the machine that has it looks at its names."

    return _run("address", schemas.AddressForm, act)


@pages.post("/staff/shared/addresses/<uuid:ip_id>/<any(use, rest):act>")
@staff_only
def use_address(ip_id: UUID, act: str) -> Response:
    """Into use, or out of it."""
    with platform_unit("staff takes an address into use or out of it") as scope:
        row = shared.use_ip(scope, ip_id, active=act == "use")
    return _done(f"{row.address} is {'in use' if row.active else 'out of use'}.")


@pages.post("/staff/shared/warmup")
@staff_only
def warm_up() -> Response:
    """Warm an address up, shared or dedicated."""

    def act(scope: Scope, data: dict[str, Any]) -> str:
        plans = shared.warm_up(scope, data["ip"], (), data["steps"])
        return f"{plans[0].source_label} warms up towards {len(plans)} groups of providers."

    return _run("warmup", schemas.SharedWarmupForm, act)


@pages.post("/staff/shared/warmup/<uuid:plan_id>/<any(pause, resume, finish):act>")
@staff_only
def change_warmup(plan_id: UUID, act: str) -> Response:
    """Pause, resume or finish a plan."""
    state = {"pause": PlanState.PAUSED, "resume": PlanState.RUNNING, "finish": PlanState.FINISHED}[act]
    with platform_unit("staff changes a warm-up") as scope:
        plan = shared.change_warmup(scope, plan_id, state)
    return _done(f"The warm-up of {plan.source_label} to {provider_name(plan.provider)} is {plan.state}.")


@pages.post("/staff/shared/budgets")
@staff_only
def set_platform_budget() -> Response:
    """Limits towards a provider, for everybody."""

    def act(scope: Scope, data: dict[str, Any]) -> str:
        budget = shared.set_budget(scope, BudgetWish(**data))
        return f"The budget towards {provider_name(budget.provider)} holds within seconds."

    return _run("budget", schemas.BudgetForm, act)


@pages.post("/staff/shared/budgets/<uuid:budget_id>/delete")
@staff_only
def delete_platform_budget(budget_id: UUID) -> Response:
    """Back to the built-in limits."""
    with platform_unit("staff deletes a budget of the platform") as scope:
        shared.delete_budget(scope, budget_id)
    return _done("The built-in limits hold again.")
