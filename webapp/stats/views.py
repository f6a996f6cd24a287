"""Overview, and the panels of figures that other pages fetch by address."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.bridges.service import get_bridge, list_bridges, reveal
from webapp.domains.service import has_verified_domain
from webapp.http.guard import current_scope, requires
from webapp.http.pages import mark_of, nothing_new, page_blueprint, render
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Mode, Scope
from webapp.messages.service import has_any_message, list_latest
from webapp.stats.charts import READING, chart_of, mail_lines
from webapp.stats.cuts import zone_for
from webapp.stats.figures import Figures, Point, total
from webapp.stats.periods import last_days
from webapp.stats.queries import About, figures_by_bridge, get_figures, series
from webapp.stats.warnings import health_warnings
from webapp.tenants.service import tenant_state

pages = page_blueprint("stats")

_PERIODS = {1: "24 hours", 7: "7 days", 30: "30 days", 90: "90 days"}
#: What a tile compares with the period before.
_COMPARED = ("sent", "delivered", "bounced", "complained", "unique_opened", "unique_clicked", "sandboxed")
#: Cookie in which the page tells the viewer's time zone.
ZONE_COOKIE = "tz"


def _period() -> int:
    text = request.args.get("days", "30")
    return int(text) if text.isdigit() and int(text) in _PERIODS else 30


def _panel(scope: Scope, days: int, bridge_id: UUID | None = None) -> dict[str, Any]:
    """What a panel shows. The figures are the sums of the chart's points."""
    about, period = About(bridge_id=bridge_id), last_days(days, zone_for(scope, viewer=request.cookies.get(ZONE_COOKIE)))
    points = series(scope, period, about)
    figures, earlier = total(points), get_figures(scope, about, since=period.before.since, until=period.since)
    return {
        "figures": figures, "today": _today(scope, about, points, days), "deltas": _deltas(figures, earlier), "days": days, "periods": _PERIODS,
        "mail_chart": chart_of(points, period, mail_lines(scope.mode)), "reading_chart": chart_of(points, period, READING), "zone": period.zone.key,
    }  # fmt: skip


def _today(scope: Scope, about: About, points: list[Point], days: int) -> Figures:
    """Since midnight of the panel's zone: the last point, when points are days."""
    if days > 2:
        return points[-1].figures
    midnight = points[-1].at.replace(hour=0, minute=0, second=0, microsecond=0)
    return total(point for point in points if point.at >= midnight)


def _deltas(present: Figures, earlier: Figures) -> dict[str, float | None]:
    """Change against the period before, as a fraction; None when there was nothing then."""
    pairs = {name: (getattr(present, name), getattr(earlier, name)) for name in _COMPARED}
    return {name: (here - there) / there if there else None for name, (here, there) in pairs.items()}


def _overview(scope: Scope) -> dict[str, Any]:
    """The live part of the overview, with its mark."""
    panel, latest = _panel(scope, _period()), list_latest(scope, limit=8)
    rows = [(row.id, row.recipient.state, row.is_new) for row in latest]
    return {**panel, "latest": latest, "mark": mark_of(panel, rows, scope.mode)}


def _checklist(scope: Scope) -> dict[str, Any]:
    bridges = list_bridges(scope, limit=1).items
    return {
        "has_bridge": bool(bridges),
        "has_message": has_any_message(scope),
        "has_domain": has_verified_domain(scope),
        "tenant_status": tenant_state(scope.tenant_id).status,
        "token": _first_token(scope),
    }


def _first_token(scope: Scope) -> str | None:
    """The token of a sandbox bridge, for a command that can be pasted as it is; None without one, or without the right to see it."""
    found = list_bridges(scope, mode=Mode.SANDBOX, limit=1).items
    if not found or not scope.permissions.allows(Permission.BRIDGE_REVEAL):
        return None
    return next((known.token for known in reveal(scope, found[0].id, noted=False)), None)


@pages.get("/")
@requires(Permission.ANALYTICS_READ)
def overview() -> Response:
    """The first page after login."""
    scope = current_scope()
    return render("stats/overview.html", **_checklist(scope), **_overview(scope), warnings=health_warnings(scope))


@pages.get("/overview/figures")
@requires(Permission.ANALYTICS_READ)
def overview_figures() -> Response:
    """The live part of the overview."""
    context = _overview(current_scope())
    return nothing_new(context["mark"]) or render("stats/_overview_figures.html", **context)


@pages.get("/overview/warnings")
@requires(Permission.ANALYTICS_READ)
def overview_warnings() -> Response:
    """What is wrong at the moment; asked for again now and then."""
    return render("stats/_warnings.html", warnings=health_warnings(current_scope()))


@pages.get("/overview/checklist")
@requires(Permission.ANALYTICS_READ)
def overview_checklist() -> Response:
    """The first-run checklist; polls until everything is done."""
    return render("stats/_checklist.html", **_checklist(current_scope()))


@pages.get("/bridges/<uuid:bridge_id>/figures")
@requires(Permission.BRIDGE_READ)
def bridge_panel(bridge_id: UUID) -> Response:
    """Figures and charts of one bridge."""
    scope = current_scope()
    bridge = get_bridge(scope, bridge_id)
    panel = _panel(scope, _period(), bridge.id)
    mark = mark_of(panel, bridge.name)
    return nothing_new(mark) or render("stats/_bridge_panel.html", bridge=bridge, mark=mark, **panel)


@pages.get("/bridges/figures")
@requires(Permission.BRIDGE_READ)
def bridge_list_figures() -> Response:
    """The four figures of every bridge on the list, as out-of-band cells."""
    scope = current_scope()
    cursor = request.args.get("cursor") or None
    bridges = list_bridges(scope, search=request.args.get("q"), limit=100, cursor=cursor).items
    return render("stats/_bridge_cells.html", bridges=bridges, figures=figures_by_bridge(scope, [b.id for b in bridges]))
