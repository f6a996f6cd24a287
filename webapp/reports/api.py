"""Reports over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response
from flask.views import MethodView
from marshmallow import fields, validate

from webapp.http.api import PageArgs, api_blueprint
from webapp.http.csv_file import csv_file, csv_parts
from webapp.http.guard import current_scope, requires
from webapp.kernel.permissions import Permission
from webapp.kernel.schema import Rfc3339
from webapp.kernel.scope import Scope
from webapp.reports import queries
from webapp.reports.models import Report
from webapp.reports.schemas import ReportIn, ReportOut, Span, log_filter_of
from webapp.reports.service import ask_for_figures, ask_for_log
from webapp.reports.tables import header_of, lines_of
from webapp.reports.types import ReportKind
from webapp.stats.service import cut_of, zone_for

blp = api_blueprint("reports", "Figures and logs as files")


class ReportArgs(PageArgs, Span):
    """The list of reports; with ``export``, figures as a file at once."""

    class Meta:
        unknown = ma.EXCLUDE
        include = {"from": Rfc3339(load_default=None, attribute="since", metadata={"description": "Begin."})}  # noqa: RUF012

    export = fields.String(load_default=None, validate=validate.OneOf(["csv"]), metadata={"description": "`csv`: a file of figures.", "example": "csv"})


def _file_at_once(scope: Scope, args: dict[str, Any]) -> Response:
    cut = cut_of(scope, args, zone_for(scope, args["timezone"]))
    return csv_file("report", header_of(cut), lines_of(scope, cut))


@blp.route("/reports")
class Reports(MethodView):
    """Reports of the tenant."""

    @requires(Permission.ANALYTICS_READ)
    @blp.arguments(ReportArgs, location="query")
    @blp.answer_page(ReportOut, also="text/csv")
    def get(self, args: dict[str, Any]) -> Any:
        """List reports; with `export=csv`, answer with figures as a CSV file at once."""
        scope = current_scope()
        return _file_at_once(scope, args) if args["export"] else queries.list_reports(scope, limit=args["limit"], cursor=args["cursor"])

    @requires(Permission.ANALYTICS_READ)
    @blp.arguments(ReportIn)
    @blp.answer(201, ReportOut)
    def post(self, data: dict[str, Any]) -> Report:
        """Ask for a report: it is made in the background, and can be downloaded for some days. The log needs `logs.read` too."""
        if data["kind"] is ReportKind.LOG:
            return ask_for_log(current_scope(), log_filter_of(data), data["title"])
        return ask_for_figures(current_scope(), data, data["title"])


@blp.route("/reports/<uuid:report_id>")
class OneReport(MethodView):
    """One report."""

    @requires(Permission.ANALYTICS_READ)
    @blp.answer(200, ReportOut)
    def get(self, report_id: UUID) -> Report:
        """Read how far a report is."""
        return queries.get_report(current_scope(), report_id)


@blp.route("/reports/<uuid:report_id>/download")
class ReportFile(MethodView):
    """The file of a report."""

    @requires(Permission.ANALYTICS_READ)
    @blp.response(200, {"type": "string"}, content_type="text/csv", description="The file")
    def get(self, report_id: UUID) -> Response:
        """Download a finished report; 409 while it is not ready."""
        scope = current_scope()
        report = queries.get_report(scope, report_id)
        return csv_parts(f"{report.kind}-{report.created_at:%Y%m%d}", queries.body_of(scope, report), report.size)
