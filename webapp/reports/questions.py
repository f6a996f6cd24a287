"""What the reports page is asked, read from an address or a form: what cannot be read does not narrow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from webapp.kernel.clock import now, parse_rfc3339
from webapp.kernel.errors import DomainError
from webapp.kernel.ids import parse_uuid
from webapp.kernel.scope import Mode, Scope
from webapp.messages.service import LogFilter, LogStatus
from webapp.stats.service import SPLITS, Cut, Step, cut_of, zone_for

PERIODS = {"1": "24 hours", "7": "7 days", "30": "30 days", "90": "90 days", "365": "12 months"}
MEASURES = {
    "sent": "Sent", "delivered": "Delivered", "deferred": "Deferred", "bounced": "Bounced", "failed": "Failed", "complained": "Complaints",
    "unsubscribed": "Unsubscribes", "unique_opened": "People who opened", "unique_clicked": "People who clicked", "accepted": "Accepted",
    "suppressed": "Suppressed", "sandboxed": "Captured", "delivery_rate": "Delivery rate", "bounce_rate": "Bounce rate",
    "complaint_rate": "Complaint rate", "open_rate": "Open rate", "click_rate": "Click rate", "unsubscribe_rate": "Unsubscribe rate",
}  # fmt: skip
SPLIT_NAMES = {"bridge": "Bridge", "pool": "Pool", "ip": "IP or account", "domain": "Sender domain", "provider": "Mailbox provider", "tag": "Tag"}
#: What of the address is kept in links.
KEPT = ("measure", "split", "days", "interval", "from", "to", "bridge", "provider", "domain", "tag", "compare", "timezone")
_LOG_TEXTS = ("domain", "tag", "provider", "sender", "recipient", "subject", "template")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Question:
    """A question about figures. ``args``: as ``cut_of`` takes them; ``problem``: why it could not be answered as it was asked."""

    measure: str
    args: dict[str, Any]
    cut: Cut
    problem: str | None = None


def question_of(scope: Scope, given: Mapping[str, str], viewer_zone: str | None) -> Question:
    """The question in an address. A combination that figures do not know becomes the last thirty days, with the reason."""
    measure = given.get("measure", "")
    if measure not in MEASURES:
        measure = "sandboxed" if scope.mode is Mode.SANDBOX else "delivered"
    days, split, interval = given.get("days", ""), given.get("split"), given.get("interval")
    args: dict[str, Any] = {name: _text(given, name) for name in ("domain", "provider", "tag", "timezone")}
    args |= {"split": split if split in SPLITS else None, "interval": interval if interval in list(Step) else None}
    args |= {"days": int(days) if days in PERIODS else 30, "bridge": parse_uuid(given.get("bridge", ""))}
    args |= {"since": _moment(given, "from"), "until": _moment(given, "to")}
    try:
        return Question(measure, args, cut_of(scope, args, zone_for(scope, args["timezone"], viewer_zone)))
    except DomainError as error:
        return Question(measure, {"days": 30}, cut_of(scope, {"days": 30}, zone_for(scope, None, viewer_zone)), error.message)


def log_filter_of(given: Mapping[str, str]) -> LogFilter:
    """The filter of the log in a form, named as the log's own page names it."""
    return LogFilter(
        search=_text(given, "q"), status=next((known for known in LogStatus if known == given.get("state")), None),
        bridge_id=parse_uuid(given.get("bridge", "")), error_class=_text(given, "error"),
        since=_moment(given, "from") or _days_back(given), until=_moment(given, "to"),
        **{name: _text(given, name) for name in _LOG_TEXTS},
    )  # fmt: skip


def _days_back(given: Mapping[str, str]) -> datetime | None:
    days = given.get("days", "")
    return now() - timedelta(days=int(days)) if days in PERIODS else None


def _text(given: Mapping[str, str], name: str) -> str | None:
    return "".join(c for c in given.get(name, "") if c.isprintable()).strip()[:_LONGEST] or None


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    text = given.get(name, "")
    try:
        return parse_rfc3339(text) or datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
