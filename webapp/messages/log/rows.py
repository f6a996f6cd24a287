"""Rows of the log as the API and CSV files show them."""

from __future__ import annotations

from typing import Any

from webapp.kernel.clock import rfc3339
from webapp.kernel.scope import Mode
from webapp.messages.log.types import LogRow

#: Columns of a CSV file of the log.
COLUMNS = (
    "created_at", "id", "email_id", "message_id", "recipient", "status", "subject", "from", "bridge", "tags", "provider", "attempts", "code", "error_class",
    "reply", "sent_at", "delivered_at", "bounced_at", "opened_at", "clicked_at", "complained_at", "unsubscribed_at",
)  # fmt: skip


def entry_of(row: LogRow) -> dict[str, Any]:
    """One row in the form of ``schemas.LogEntry``."""
    r, m = row.recipient, row.message
    return {
        "id": r.id, "email_id": m.id, "message_id": m.message_id_header, "status": r.state, "sandbox": r.mode == Mode.SANDBOX,
        "from": m.from_address, "from_name": m.from_name, "recipient": r.address, "name": r.name, "kind": r.kind, "subject": m.subject,
        "bridge": r.bridge_id, "template": m.template_slug, "tags": m.tags or [], "stream": m.stream, "door": m.door, "provider": r.provider,
        "attempts": r.attempts, "reason": r.state_reason, "last_code": r.last_code, "last_reply": r.last_reply, "error_class": r.error_class,
        "created_at": row.at, "sent_at": r.sent_at, "delivered_at": r.delivered_at, "bounced_at": r.bounced_at, "opened_at": r.first_opened_at,
        "clicked_at": r.first_clicked_at, "complained_at": r.complained_at, "unsubscribed_at": r.unsubscribed_at,
    }  # fmt: skip


def cells_of(row: LogRow) -> list[object]:
    """One row as the cells of ``COLUMNS``."""
    r, m = row.recipient, row.message
    moments = (r.sent_at, r.delivered_at, r.bounced_at, r.first_opened_at, r.first_clicked_at, r.complained_at, r.unsubscribed_at)
    return [
        rfc3339(row.at), r.id, m.id, m.message_id_header, r.address, r.state, m.subject, m.from_address, r.bridge_id, " ".join(m.tags or ()), r.provider,
        r.attempts, r.last_code, r.error_class, r.last_reply, *(rfc3339(moment) for moment in moments),
    ]  # fmt: skip
