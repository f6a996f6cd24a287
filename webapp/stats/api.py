"""Figures over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.bridges.service import get_bridge
from webapp.http.api import api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.clock import now
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.stats.queries import get_figures, series
from webapp.stats.schemas import StatsArgs, StatsOut

blp = api_blueprint("stats", "Totals, rates and series")


def _stats(scope: Scope, days: int, bridge_id: UUID | None) -> dict[str, Any]:
    since = (now() - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return {"totals": get_figures(scope, since=since, bridge_id=bridge_id), "series": series(scope, days=days, bridge_id=bridge_id)}


@blp.route("/stats")
class Stats(MethodView):
    """Figures of the whole tenant."""

    @requires(Permission.ANALYTICS_READ)
    @blp.arguments(StatsArgs, location="query")
    @blp.answer(200, StatsOut)
    def get(self, args: dict[str, Any]) -> Any:
        """Totals and series of the key's mode."""
        scope = current_scope()
        return _stats(scope, args["days"], scope.bridge_id)


@blp.route("/bridges/<uuid:bridge_id>/stats")
class BridgeStats(MethodView):
    """Figures of one bridge."""

    @requires(Permission.ANALYTICS_READ)
    @blp.arguments(StatsArgs, location="query")
    @blp.answer(200, StatsOut)
    def get(self, args: dict[str, Any], bridge_id: UUID) -> Any:
        """Totals and series of one bridge."""
        scope = current_scope()
        return _stats(scope, args["days"], get_bridge(scope, bridge_id).id)
