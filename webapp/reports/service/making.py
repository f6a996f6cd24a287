"""Making a report, some seconds at a time: each piece is committed with the place where the next one begins, so that nothing is lost or written twice
when a worker dies, and one large report does not keep the others' work waiting."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa

from webapp.kernel.clock import now
from webapp.kernel.scope import Mode, Scope
from webapp.messages.service import LOG_COLUMNS, cells_of, list_recipients
from webapp.reports.models import Report, ReportPart
from webapp.reports.tables import csv_bytes, header_of, lines_of, with_period
from webapp.reports.types import ReportKind, ReportStatus
from webapp.reports.wishes import figures_of_wish, log_of_wish
from webapp.stats.service import cut_of

_PAGE = 1_000
#: Lines of a part, and of the largest file.
_PART, MOST_LINES = 5_000, 5_000_000
_LEASE_SECONDS = 120
_MOST_CLAIMS = 8

_CLAIM = f"""
update reports set status = 'running', lease_until = now() + interval '{_LEASE_SECONDS} seconds', claims = claims + 1, updated_at = now()
where id = (select id from reports where status in ('waiting', 'running') and (lease_until is null or lease_until < now())
  order by updated_at limit 1 for update skip locked)
returning id, tenant_id, mode, claims
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A report under lease; ``claim`` fences it: a worker that comes back late writes nothing."""

    id: UUID
    tenant_id: UUID
    mode: Mode
    claim: int


def claim_report(connection: psycopg.Connection[Any]) -> Claimed | None:
    """The report that has waited longest. The connection must see all tenants; it commits at once."""
    row = connection.execute(_CLAIM).fetchone()
    return Claimed(row[0], row[1], Mode(row[2]), row[3]) if row else None


def make_some(scope: Scope, claimed: Claimed, *, until: float) -> bool:
    """One part more; True when there is nothing left to do or the lease is lost. ``until``: monotonic time after which the lease is given back."""
    report = scope.session.scalar(sa.select(Report).where(Report.id == claimed.id, Report.claims == claimed.claim).with_for_update())
    if report is None or not ReportStatus(report.status).is_open:
        return True
    if claimed.claim > _MOST_CLAIMS:
        return _end(report, "It could not be made, however often it was tried. Ask for less time or fewer keys.")
    own = replace(scope, bridge_id=report.bridge_id)
    done = _figures(own, report) if report.kind == ReportKind.FIGURES else _log(own, report)
    out_of_time = time.monotonic() >= until
    report.lease_until = None if done or out_of_time else now() + timedelta(seconds=_LEASE_SECONDS)
    if done:
        return _end(report, None)
    if out_of_time:
        report.claims = 0  # it gets on: only claims without a result in between count
    return out_of_time


def _end(report: Report, problem: str | None) -> bool:
    report.status = (ReportStatus.FAILED if problem else ReportStatus.READY).value
    report.problem, report.finished_at, report.lease_until = problem, now(), None
    return True


def _figures(scope: Scope, report: Report) -> bool:
    args, period = figures_of_wish(report.wish)
    cut = with_period(cut_of(scope, args, period.zone), period)
    lines: list[Sequence[object]] = [header_of(cut), *lines_of(scope, cut)]
    _write(scope, report, 0, csv_bytes(lines), len(lines) - 1)
    return True


def _log(scope: Scope, report: Report) -> bool:
    """Up to ``_PART`` lines; True at the end of the log."""
    wanted, lines = log_of_wish(report.wish), list[Sequence[object]]()
    cursor, first = report.cursor, report.rows_done == 0 and report.cursor is None
    while len(lines) < _PART:
        page = list_recipients(scope, wanted, limit=_PAGE, cursor=cursor)
        lines += [cells_of(row) for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    report.cursor = cursor
    number = scope.session.scalar(sa.select(sa.func.count()).where(ReportPart.report_id == report.id)) or 0
    _write(scope, report, number, csv_bytes([LOG_COLUMNS, *lines] if first else lines), len(lines))
    return cursor is None or report.rows_done >= MOST_LINES


def _write(scope: Scope, report: Report, number: int, body: bytes, lines: int) -> None:
    scope.session.add(ReportPart(report_id=report.id, number=number, body=zlib.compress(body, 6)))
    report.rows_done += lines
    report.size += len(body)
