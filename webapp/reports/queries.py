"""Reads of reports."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.kernel.errors import Conflict, NotFound
from webapp.kernel.pagination import Page, page_of
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Mode, Scope
from webapp.reports.models import Report, ReportPart
from webapp.reports.types import ReportKind, ReportStatus


def list_reports(scope: Scope, *, limit: int = 50, cursor: str | None = None) -> Page[Report]:
    """Newest first, those that the caller may read."""
    return page_of(scope.session, _visible(scope), Report.id, limit=limit, cursor=cursor)


def get_report(scope: Scope, report_id: UUID) -> Report:
    """One report. Raises ``NotFound`` for another tenant's, and for what the caller may not read."""
    found = scope.session.scalar(_visible(scope).where(Report.id == report_id))
    if not isinstance(found, Report):
        raise NotFound("report")
    return found


def _visible(scope: Scope) -> sa.Select[Any]:
    statement: sa.Select[Any] = sa.select(Report).where(Report.expires_at > sa.func.now())
    if scope.mode is Mode.SANDBOX:
        statement = statement.where(Report.mode == Mode.SANDBOX.value)
    if scope.bridge_id is not None:
        statement = statement.where(Report.bridge_id == scope.bridge_id)
    return statement if scope.permissions.allows(Permission.LOGS_READ) else statement.where(Report.kind == ReportKind.FIGURES.value)


def body_of(scope: Scope, report: Report) -> Iterator[bytes]:
    """The file, part by part. Raises ``Conflict`` while it is not ready."""
    if report.status != ReportStatus.READY:
        raise Conflict("The report is not ready." if ReportStatus(report.status).is_open else f"The report failed: {report.problem}")
    return _parts(scope, report.id)


def _parts(scope: Scope, report_id: UUID) -> Iterator[bytes]:
    number = 0
    while True:
        wanted = sa.select(ReportPart.body).where(ReportPart.report_id == report_id, ReportPart.number == number)
        body = scope.session.scalar(wanted)
        if body is None:
            return
        yield zlib.decompress(body)
        number += 1
