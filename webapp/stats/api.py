"""Figures over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.bridges.service import get_bridge
from webapp.http.api import api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.errors import NotFound
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.stats.answers import metric_of, stats_of
from webapp.stats.schemas import MEASURES, MetricOut, MetricsArgs, SpanArgs, StatsArgs, StatsOut

blp = api_blueprint("stats", "Totals, rates and series")


def _metric(scope: Scope, name: str, args: dict[str, Any]) -> dict[str, Any]:
    if name not in MEASURES:
        raise NotFound(f"metric; there are {', '.join(MEASURES)}")
    return metric_of(scope, name, args)


@blp.route("/stats")
class Stats(MethodView):
    """Figures of the whole tenant."""

    @requires(Permission.ANALYTICS_READ)
    @blp.arguments(StatsArgs, location="query")
    @blp.answer(200, StatsOut)
    def get(self, args: dict[str, Any]) -> Any:
        """Read totals, rates and their course in the key's mode."""
        return stats_of(current_scope(), args)


@blp.route("/bridges/<uuid:bridge_id>/stats")
class BridgeStats(MethodView):
    """Figures of one bridge."""

    @requires(Permission.ANALYTICS_READ)
    @blp.arguments(SpanArgs, location="query")
    @blp.answer(200, StatsOut)
    def get(self, args: dict[str, Any], bridge_id: UUID) -> Any:
        """Read totals, rates and their course of one bridge."""
        scope = current_scope()
        return stats_of(scope, {**args, "bridge": get_bridge(scope, bridge_id).id})


@blp.route("/metrics/<string:metric>")
class Metrics(MethodView):
    """One measure over time."""

    @requires(Permission.ANALYTICS_READ)
    @blp.arguments(MetricsArgs, location="query")
    @blp.answer(200, MetricOut)
    def get(self, args: dict[str, Any], metric: str) -> Any:
        """Read one measure step by step, split by bridge, pool, ip, domain, provider or tag: sent, delivered, bounced, open_rate and so on."""
        return _metric(current_scope(), metric, args)
