"""What the pages of incidents share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from webapp.http.forms import Errors
from webapp.incidents import queries
from webapp.kernel.clock import now, rfc3339
from webapp.kernel.ids import uuid7

#: Classes of replies that bounce, in the words of the form.
CLASSES = (
    ("hard.unknown_user", "No such mailbox"), ("hard.bad_domain", "Domain takes no mail"), ("soft.mailbox_full", "Mailbox full"),
    ("soft.inactive", "Mailbox switched off"), ("policy.auth", "SPF, DKIM or DMARC"), ("content", "Content refused"), ("rejected", "Refused without a reason"),
    ("protocol", "Protocol error"), ("block.reputation", "Our address blocked"),
)  # fmt: skip


HEADER = ("id", "created_at", "finished_at", "status", "by", "note", "bounces", "sent_again", "suppressions_lifted", "not_sent")
_MOST_PAGES = 100


def rows(session: Session, search: str | None) -> Iterator[tuple[object, ...]]:
    """The filtered list in the order of ``HEADER``, newest first."""
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = queries.list_incidents(session, search, limit=100, cursor=cursor)
        for i in page.items:
            kept = ", ".join(f"{reason} {number}" for reason, number in i.kept.items())
            yield i.id, rfc3339(i.created_at), rfc3339(i.finished_at), i.status, i.actor_name, i.note, i.recipients, i.requeued, i.lifted, kept
        cursor = page.next_cursor
        if cursor is None:
            return


def defaults() -> dict[str, Any]:
    """The last day."""
    return {"since": _text(now() - timedelta(days=1)), "until": _text(now() + timedelta(minutes=1))}


def shown(data: dict[str, Any], errors: Errors) -> dict[str, Any]:
    """Loaded data as the form shows it again."""
    return {name: _text(value) if isinstance(value, datetime) else value for name, value in data.items()} or (defaults() if not errors else {})


def new_token() -> str:
    """The key the next undoing will have: the form carries it, so that a second click is the same undoing."""
    return str(uuid7())


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")
