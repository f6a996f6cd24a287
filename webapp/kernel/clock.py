"""Time, in UTC only."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def rfc3339(value: datetime | None) -> str | None:
    """``2026-03-19T10:30:00Z`` as the API writes times (RFC 3339, seconds; milliseconds when there are some)."""
    if value is None:
        return None
    text = value.astimezone(UTC).isoformat(timespec="milliseconds" if value.microsecond >= 1000 else "seconds")
    return text.replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime | None:
    """The moment in ``text`` (RFC 3339, an offset is required), or None when it is unreadable or has no offset."""
    try:
        value = datetime.fromisoformat(text)
        return value.astimezone(UTC) if value.tzinfo else None
    except (ValueError, TypeError, OverflowError):
        return None


def hour_of(moment: datetime) -> datetime:
    """The beginning of its hour, by which figures are kept."""
    return moment.replace(minute=0, second=0, microsecond=0)
