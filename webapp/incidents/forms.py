"""What the pages of incidents share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from webapp.http.forms import Errors
from webapp.kernel.clock import now
from webapp.kernel.ids import uuid7

#: Classes of replies that bounce, in the words of the form.
CLASSES = (
    ("hard.unknown_user", "No such mailbox"), ("hard.bad_domain", "Domain takes no mail"), ("soft.mailbox_full", "Mailbox full"),
    ("soft.inactive", "Mailbox switched off"), ("policy.auth", "SPF, DKIM or DMARC"), ("content", "Content refused"), ("rejected", "Refused without a reason"),
    ("protocol", "Protocol error"), ("block.reputation", "Our address blocked"),
)  # fmt: skip


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
