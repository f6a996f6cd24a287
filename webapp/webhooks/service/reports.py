"""Taking reports that come by callback: proven, stored once, applied by a worker.

The caller is answered when the row is committed. Judging a reply is the delivery engine's business, so a worker does it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Session

from webapp.kernel.db import after_commit
from webapp.kernel.errors import NotFound, Unauthenticated
from webapp.kernel.jobs import QueueName, wake_slots
from webapp.messages.service.mta import find_reported
from webapp.settings import get_settings
from webapp.webhooks.models import InboundReport
from webapp.webhooks.types import MtaEvent, MtaReport, Received, Source

APPLY = "worker.jobs.reports.apply"


def check_postfix_secret(given: str | None) -> None:
    """Let only holders of the shared secret pass. Raises ``NotFound`` when none is set (the door is closed), ``Unauthenticated`` for another one."""
    secret = get_settings().postfix_webhook_secret
    if not secret:
        raise NotFound("page")
    if not given or not hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()):
        raise Unauthenticated("Send the shared secret in the X-Webhook-Secret header, or as `Authorization: Bearer`.")


def key_of(*parts: str) -> str:
    """What makes a report without an id of its own the same report: everything it says."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def receive_report(session: Session, source: Source, report: MtaReport) -> Received:
    """Store a report of a recipient of any tenant, once. The session must see all tenants.

    Raises ``NotFound`` when no mail of ours has that Message-ID and recipient.
    """
    found = find_reported(session, report.message_id, report.recipient, report.sender)
    if found is None:
        raise NotFound("message")
    recipient_id, tenant_id = found
    return store_report(session, source.value, report.key, tenant_id, recipient_id, report)


def store_report(session: Session, source: str, key: str, tenant_id: UUID, recipient_id: UUID, report: MtaReport) -> Received:
    """Keep a report under its source and key, once for as long as reports are kept, and wake the worker that applies it."""
    values = {
        "source": source, "key": key, "tenant_id": tenant_id, "recipient_id": recipient_id, "event": report.event.value,
        "status": report.status, "reason": report.reason,
    }  # fmt: skip
    insert = pg.insert(InboundReport).values(values).on_conflict_do_nothing(index_elements=["source", "key"]).returning(InboundReport.id)
    made = session.execute(insert).scalar_one_or_none()
    if made is not None:
        after_commit(session, lambda: wake_slots(QueueName.DEFAULT, APPLY, [0]))
        return Received(made, report.event, False)
    known = sa.select(InboundReport.id, InboundReport.event).where(InboundReport.source == source, InboundReport.key == key)
    row = session.execute(known).one()
    return Received(row.id, MtaEvent(row.event), True)


def claim_reports(session: Session, limit: int) -> Sequence[InboundReport]:
    """Reports that wait, oldest first, locked until the transaction ends; those another worker holds are passed over."""
    waiting = sa.select(InboundReport).where(InboundReport.applied_at.is_(None)).order_by(InboundReport.id).limit(limit)
    return session.scalars(waiting.with_for_update(skip_locked=True)).all()


def mark_applied(session: Session, report_id: UUID, outcome: str) -> None:
    """Note what a report changed."""
    done = {"applied_at": sa.func.now(), "outcome": outcome}
    session.execute(sa.update(InboundReport).where(InboundReport.id == report_id).values(done))
