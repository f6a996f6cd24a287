"""Overview, and the panels of figures that other pages fetch by address."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.bridges.service import get_bridge, list_bridges, reveal
from webapp.domains.service import has_verified_domain
from webapp.http.guard import current_scope, requires
from webapp.http.pages import mark_of, nothing_new, page_blueprint, render
from webapp.kernel.clock import now
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Mode, Scope
from webapp.messages.service import has_any_message, list_latest
from webapp.stats.queries import Point, figures_by_bridge, get_figures, series, total
from webapp.stats.warnings import health_warnings
from webapp.tenants.service import tenant_state

pages = page_blueprint("stats")

#: Lines of the charts: label, counter, colour.
_MAIL = (("Delivered", "delivered", 1), ("Deferred", "deferred", 6), ("Bounced", "bounced", 2))
_CAPTURED = (("Captured", "sandboxed", 1),)
_READING = (("Opened", "unique_opened", 4), ("Clicked", "unique_clicked", 5))
_PERIODS = {1: "24 hours", 7: "7 days", 30: "30 days", 90: "90 days"}


def _chart(points: list[Point], lines: tuple[tuple[str, str, int], ...]) -> dict[str, Any]:
    """Points in the shape of the chart component."""
    hours = len(points) > 1 and points[1].at - points[0].at < timedelta(days=1)
    return {
        "labels": [f"{point.at:%Y-%m-%d %H:%M} UTC" if hours else f"{point.at:%Y-%m-%d}" for point in points],
        "x": [int(point.at.timestamp()) for point in points],
        "series": [{"label": label, "key": key, "values": [getattr(p.figures, name) for p in points]} for label, name, key in lines],
    }


def _period() -> int:
    text = request.args.get("days", "30")
    return int(text) if text.isdigit() and int(text) in _PERIODS else 30


def _since(days: int) -> datetime:
    return (now() - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)


def _panel(scope: Scope, days: int, bridge_id: UUID | None = None) -> dict[str, Any]:
    """What a panel shows. The figures are the sum of the chart's points when these are days: both begin at the same midnight."""
    points = series(scope, days=days, bridge_id=bridge_id)
    by_day = days > 2
    return {
        "figures": total(points) if by_day else get_figures(scope, since=_since(days), bridge_id=bridge_id),
        "today": points[-1].figures if by_day else get_figures(scope, since=_since(1), bridge_id=bridge_id),
        "mail_chart": _chart(points, _MAIL if scope.mode is Mode.LIVE else _CAPTURED),
        "reading_chart": _chart(points, _READING),
        "days": days,
        "periods": _PERIODS,
    }


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
    bridges = list_bridges(scope, limit=100).items
    return render("stats/_bridge_cells.html", bridges=bridges, figures=figures_by_bridge(scope, [b.id for b in bridges]))
