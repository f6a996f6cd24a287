"""A report is asked for: its row is written, and a worker is woken."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.activity.service import record
from webapp.bridges.models import Bridge
from webapp.kernel.clock import now
from webapp.kernel.errors import Conflict, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.jobs import QueueName, enqueue_after_commit
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.messages.service import LogFilter
from webapp.pools.models import Pool, PoolMember
from webapp.reports.models import Report
from webapp.reports.queries import get_report
from webapp.reports.types import ReportKind, ReportStatus
from webapp.reports.wishes import wish_of_figures, wish_of_log
from webapp.settings import get_settings
from webapp.stats.service import About, cut_of, get_figures, zone_for

#: Reports of a tenant that wait or run at the same time.
_MOST_OPEN = 5
_NAMED: dict[str, Any] = {"bridge": Bridge, "pool": Pool, "ip": PoolMember}


def ask_for_log(scope: Scope, wanted: LogFilter, title: str = "") -> Report:
    """A file with one line a recipient. Raises ``Forbidden`` and ``Conflict``."""
    scope.require(Permission.LOGS_READ)
    _check_ids(scope, {"bridge": wanted.bridge_id})
    return _ask(scope, ReportKind.LOG, title or "Message log", wish_of_log(wanted), _expected(scope, wanted))


def ask_for_figures(scope: Scope, args: Mapping[str, Any], title: str = "") -> Report:
    """A file with one line a step, or a step of each key of a split. ``args`` as ``stats.schemas.MetricsArgs``. Raises ``ValidationFailed``."""
    scope.require(Permission.ANALYTICS_READ)
    _check_ids(scope, args)
    cut = cut_of(scope, args, zone_for(scope, args.get("timezone")))
    return _ask(scope, ReportKind.FIGURES, title or f"Figures{' by ' + cut.split.value if cut.split else ''}", wish_of_figures(args, cut.period), None)


def delete_report(scope: Scope, report_id: UUID) -> None:
    """Forget a report and its file; one that is being made ends. Raises ``NotFound``."""
    report = get_report(scope, report_id)
    record(scope, "report.deleted", "report", report.id, report.title)
    scope.session.delete(report)
    scope.session.flush()


def _check_ids(scope: Scope, args: Mapping[str, Any]) -> None:
    """A file about something that does not exist would only be found empty later. Raises ``ValidationFailed``."""
    for name, model in _NAMED.items():
        if args.get(name) and scope.session.scalar(sa.select(model.id).where(model.id == args[name])) is None:
            raise ValidationFailed(f"There is no {name} with this id.", param=name)


def _expected(scope: Scope, wanted: LogFilter) -> int | None:
    """How many lines it will have, when figures can say it: for progress."""
    only_bridge_and_time = LogFilter(bridge_id=wanted.bridge_id, since=wanted.since, until=wanted.until)
    if wanted != only_bridge_and_time:
        return None
    hour = wanted.since and wanted.since.replace(minute=0, second=0, microsecond=0)
    return get_figures(scope, About(bridge_id=scope.bridge_id or wanted.bridge_id), since=hour, until=wanted.until).accepted


def _ask(scope: Scope, kind: ReportKind, title: str, wish: dict[str, Any], expected: int | None) -> Report:
    scope.session.execute(sa.text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"reports {scope.tenant_id}"})
    still_open = sa.select(sa.func.count()).select_from(Report).where(Report.status.in_([ReportStatus.WAITING.value, ReportStatus.RUNNING.value]))
    if (scope.session.scalar(still_open) or 0) >= _MOST_OPEN:
        raise Conflict(f"{_MOST_OPEN} reports are being made already; wait for one, or delete it.")
    report = Report(
        id=uuid7(), mode=scope.mode.value, bridge_id=scope.bridge_id, kind=kind.value, title=title[:120], wish=wish, asked_by=scope.actor.name,
        status=ReportStatus.WAITING.value, rows_expected=expected, rows_done=0, size=0, claims=0,
        expires_at=now() + timedelta(days=get_settings().retain_report_days),
    )  # fmt: skip
    scope.session.add(report)
    record(scope, "report.asked", "report", report.id, report.title, {"kind": kind.value})
    scope.session.flush()
    enqueue_after_commit(scope.session, QueueName.DEFAULT, "worker.jobs.exports.make", 0)
    return report
