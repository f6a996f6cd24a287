"""Reports that came by callback: judged like replies, and applied once."""

from __future__ import annotations

from sqlalchemy.orm import Session

from webapp.kernel.db import unscoped
from webapp.kernel.jobs import answer_wake
from webapp.messages.reports.status import find_status
from webapp.messages.service.feedback import LateBounce, record_bounce, record_complaint
from webapp.messages.service.mta import record_delivery
from webapp.webhooks.models import InboundReport
from webapp.webhooks.service import APPLY, claim_reports, mark_applied
from webapp.webhooks.types import MtaEvent
from worker.delivery.replies import classify
from worker.delivery.types import Stage

_BATCH = 200


def apply(slot: int) -> int:
    """Apply what waits, a batch a transaction. Returns how many reports were looked at."""
    answer_wake(APPLY, slot)
    total = 0
    while True:
        with unscoped("reports of all tenants wait in one table") as session:
            reports = claim_reports(session, _BATCH)
            for report in reports:
                mark_applied(session, report.id, _apply(session, report))
        total += len(reports)
        if len(reports) < _BATCH:
            return total


def _apply(session: Session, report: InboundReport) -> str:
    match MtaEvent(report.event):
        case MtaEvent.BOUNCE:
            changed = record_bounce(session, bounce_of(report))
        case MtaEvent.COMPLAINT:
            changed = record_complaint(session, report.recipient_id, "abuse", report.source.capitalize())
        case MtaEvent.DELIVERED:
            changed = record_delivery(session, report.recipient_id, report.reason)
        case MtaEvent.DEFERRED:
            return "noted"  # the MTA goes on trying; nothing is decided
    return "applied" if changed else "unchanged"


def bounce_of(report: InboundReport) -> LateBounce:
    """The report as a bounce, judged by its status and words."""
    code, status_in_words = find_status(report.reason)
    status = report.status or status_in_words
    verdict = classify(code, status, report.reason, Stage.DSN)
    words = report.reason or f"Bounced with status {status or 'unknown'}"
    return LateBounce(report.recipient_id, code, status, words[:1000], verdict.reply_class.value, verdict.blame.value, verdict.suppress)
