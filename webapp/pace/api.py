"""/throttles, /budgets, /holds, and the warm-up of /ips."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.http.api import PageArgs, api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission
from webapp.pace import queries, schemas, service
from webapp.pace.models import ProviderBudget, SendingHold, Throttle, WarmupPlan

blp = api_blueprint("pace", "Pace: throttles, budgets of mailbox providers, warm-up, holding mail back")


@blp.route("/throttles")
class Throttles(MethodView):
    """All throttles."""

    @requires(Permission.POOL_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.ThrottleQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.ThrottleOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[Throttle]:
        """List throttles of own and shared ways out, with why and until when."""
        return queries.list_throttles(current_scope(), **query, **paging)


@blp.route("/throttles/<uuid:throttle_id>")
class OneThrottle(MethodView):
    """One throttle."""

    @requires(Permission.POOL_READ)
    @blp.answer(200, schemas.ThrottleOut)
    def get(self, throttle_id: UUID) -> Throttle:
        """Read a throttle."""
        return queries.get_throttle(current_scope(), throttle_id)


@blp.route("/throttles/<uuid:throttle_id>/lift", methods=["POST"])
@requires(Permission.POOL_UPDATE)
@blp.answer(200, schemas.ThrottleOut)
def lift(throttle_id: UUID) -> Throttle:
    """End a throttle of an own way out; 409 for a shared one."""
    return service.lift_throttle(current_scope(), throttle_id)


@blp.route("/budgets")
class Budgets(MethodView):
    """Limits towards providers."""

    @requires(Permission.POOL_READ)
    @blp.answer_page(schemas.BudgetOut)
    def get(self) -> Page[ProviderBudget]:
        """List the limits set in place of built-in ones; all on one page."""
        scope = current_scope()
        return Page(queries.list_budgets(scope.session, scope.tenant_id), None)

    @requires(Permission.POOL_UPDATE)
    @blp.arguments(schemas.BudgetIn)
    @blp.answer(201, schemas.BudgetOut)
    def post(self, data: dict[str, Any]) -> ProviderBudget:
        """Set the limits of own addresses and relays towards a provider."""
        return service.set_budget(current_scope(), service.BudgetWish(**data))


@blp.route("/budgets/<uuid:budget_id>")
class OneBudget(MethodView):
    """One budget."""

    @requires(Permission.POOL_UPDATE)
    @blp.answer(200)
    def delete(self, budget_id: UUID) -> None:
        """Back to the built-in limits."""
        service.delete_budget(current_scope(), budget_id)


@blp.route("/ips/<uuid:ip_id>/warmup")
class Warmup(MethodView):
    """The warm-up of one address."""

    @requires(Permission.IP_READ)
    @blp.answer_page(schemas.WarmupOut)
    def get(self, ip_id: UUID) -> Page[WarmupPlan]:
        """List the plans of an address, one for each provider; all on one page."""
        return Page(queries.list_plans_of(current_scope().session, ip_id), None)

    @requires(Permission.IP_UPDATE)
    @blp.arguments(schemas.WarmupIn)
    @blp.answer_page(schemas.WarmupOut)
    def post(self, data: dict[str, Any], ip_id: UUID) -> Page[WarmupPlan]:
        """Start warming up a dedicated address; 409 for a shared one."""
        return Page(service.start_warmup(current_scope(), ip_id, **data), None)


@blp.route("/warmup/<uuid:plan_id>")
class OnePlan(MethodView):
    """One warm-up plan."""

    @requires(Permission.IP_READ)
    @blp.answer(200, schemas.WarmupOut)
    def get(self, plan_id: UUID) -> WarmupPlan:
        """Read a plan."""
        return queries.get_plan(current_scope().session, plan_id)

    @requires(Permission.IP_UPDATE)
    @blp.arguments(schemas.WarmupChange)
    @blp.answer(200, schemas.WarmupOut)
    def patch(self, data: dict[str, Any], plan_id: UUID) -> WarmupPlan:
        """Pause, resume or finish a plan, or set its day."""
        return service.change_plan(current_scope(), plan_id, **data)


@blp.route("/holds")
class Holds(MethodView):
    """What is held back."""

    @requires(Permission.POOL_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.answer_page(schemas.HoldOut)
    def get(self, paging: dict[str, Any]) -> Page[SendingHold]:
        """List what is held back or drained now."""
        return queries.list_holds(current_scope().session, **paging)

    @requires(Permission.POOL_UPDATE)
    @blp.arguments(schemas.HoldIn)
    @blp.answer(201, schemas.HoldOut)
    def post(self, data: dict[str, Any]) -> SendingHold:
        """Hold back or drain the tenant, a bridge, a pool, or mail to a provider. It survives restarts."""
        return service.hold_back(current_scope(), service.HoldWish(**data))


@blp.route("/holds/<uuid:hold_id>")
class OneHold(MethodView):
    """One hold."""

    @requires(Permission.POOL_UPDATE)
    @blp.answer(200, schemas.HoldOut)
    def delete(self, hold_id: UUID) -> SendingHold:
        """Release: held mail is due at once, drained things take new mail."""
        return service.release_hold(current_scope(), hold_id)
