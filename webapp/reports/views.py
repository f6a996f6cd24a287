"""The reports page: a question about figures as chart and table, files of it, and the reports that are being made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Response, request

from webapp.activity.service import record
from webapp.bridges.service import bridge_names
from webapp.http.csv_file import csv_file, csv_parts
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, mark_of, nothing_new, page_blueprint, redirect_to, render
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.reports import queries
from webapp.reports.questions import KEPT, MEASURES, PERIODS, SPLIT_NAMES, Question, log_filter_of, question_of
from webapp.reports.service import ask_for_figures, ask_for_log, delete_report
from webapp.reports.tables import header_of, lines_of
from webapp.stats.service import RATES, Group, Point, Step, answer, chart, groups, total, zone_of
from webapp.tenants.models import Tenant

pages = page_blueprint("reports", "/reports")

#: Lines that a chart can tell apart.
_LINES = 6


def _asked(scope: Scope, given: Mapping[str, str]) -> Question:
    return question_of(scope, given, request.cookies.get("tz"))


def _chart(asked: Question, points: list[Point], parts: list[Group], before: list[Point] | None) -> dict[str, Any]:
    """The parts of a split as lines, or the whole with what was before."""
    if parts:
        lines = [(part.name, number, _values(part.points, asked.measure)) for number, part in enumerate(parts[:_LINES], 1)]
        return chart(asked.cut.period, lines)
    whole = (MEASURES[asked.measure], 1, _values(points, asked.measure))
    return chart(asked.cut.period, [whole], ("The period before", 6, _values(before, asked.measure)) if before is not None else None)


def _values(points: list[Point], measure: str) -> list[float]:
    return [point.figures.get(measure) for point in points]


def _answer(scope: Scope, asked: Question) -> dict[str, Any]:
    points = answer(scope, asked.cut)
    parts = groups(scope, asked.cut, asked.measure, 50) if asked.cut.split else []
    before = answer(scope, replace(asked.cut, period=asked.cut.period.before)) if request.args.get("compare") and not parts else None
    return {
        "measure": asked.measure, "measures": MEASURES, "unit": "%" if asked.measure in RATES else "", "total": total(points), "parts": parts,
        "splits": SPLIT_NAMES,
        "before": total(before) if before is not None else None, "chart_data": _chart(asked, points, parts, before), "lines": _LINES, "points": points,
        "split": asked.args.get("split"), "periods": PERIODS, "steps": list(Step), "period": asked.cut.period, "problem": asked.problem,
        "kept": {name: request.args[name] for name in KEPT if request.args.get(name)}, "days": asked.args["days"],
    }  # fmt: skip


@pages.get("/")
@requires(Permission.ANALYTICS_READ)
def index() -> Response:
    """Choose a measure, a split and a time; chart, table, files."""
    scope = current_scope()
    context = _answer(scope, _asked(scope, request.args))
    return render("reports/index.html", "reports/_answer.html", **context, **_jobs(scope), bridges=bridge_names(scope))


@pages.get("/export.csv")
@requires(Permission.ANALYTICS_READ)
def export() -> Response:
    """The same question as a file."""
    scope = current_scope()
    cut = _asked(scope, request.args).cut
    return csv_file("report", header_of(cut), lines_of(scope, cut))


def _jobs(scope: Scope) -> dict[str, Any]:
    found = queries.list_reports(scope, limit=20).items
    states = [(report.id, report.status, report.rows_done) for report in found]
    return {"reports": found, "is_busy": any(report.status in ("waiting", "running") for report in found), "jobs_mark": mark_of(states)}


@pages.get("/files")
@requires(Permission.ANALYTICS_READ)
def files() -> Response:
    """The reports that were asked for; asks again while one is being made."""
    context = _jobs(current_scope())
    return nothing_new(context["jobs_mark"]) or render("reports/_files.html", **context)


@pages.post("/")
@requires(Permission.ANALYTICS_READ)
def ask() -> Response:
    """Ask for a file of the figures, or of the log, to be made in the background."""
    scope, form = current_scope(), request.form
    if form.get("kind") == "log":
        ask_for_log(scope, log_filter_of(form))
    else:
        ask_for_figures(scope, _asked(scope, form).args)
    flash("The report is being made; it shows up under Files.")
    return redirect_to("reports.index", _anchor="files")


@pages.get("/<uuid:report_id>/download")
@requires(Permission.ANALYTICS_READ)
def download(report_id: UUID) -> Response:
    """A finished file."""
    scope = current_scope()
    report = queries.get_report(scope, report_id)
    return csv_parts(f"{report.kind}-{report.created_at:%Y%m%d}", queries.body_of(scope, report), report.size)


@pages.post("/<uuid:report_id>/delete")
@requires(Permission.ANALYTICS_READ)
def delete(report_id: UUID) -> Response:
    """Forget a report and its file."""
    delete_report(current_scope(), report_id)
    flash("The report is gone.")
    return redirect_to("reports.index", _anchor="files")


@pages.post("/time-zone")
@requires(Permission.TENANT_UPDATE)
def set_zone() -> Response:
    """In whose days the tenant's figures are counted; empty: each viewer's own."""
    scope, name = current_scope(), request.form.get("timezone", "")
    tenant = scope.session.scalars(sa.select(Tenant).where(Tenant.id == scope.tenant_id)).one()
    chosen = zone_of(name).key if name else None
    record(scope, "tenant.time_zone", "tenant", tenant.id, tenant.name, {"time_zone": [tenant.time_zone, chosen]})
    tenant.time_zone = chosen
    flash("Days now begin by that time zone for everybody." if chosen else "Days begin by each viewer's own time zone.")
    return redirect_to("reports.index")
