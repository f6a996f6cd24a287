"""What a report is to hold, as it is kept in its row: plain JSON, read back by the job that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from webapp.kernel.clock import parse_rfc3339, rfc3339
from webapp.kernel.ids import parse_uuid
from webapp.messages.service import LogFilter, LogStatus
from webapp.stats.service import Period, Step, find_zone, zone_of

_MOMENTS, _IDS = ("since", "until"), ("bridge_id", "bridge", "pool", "ip")


def wish_of_log(wanted: LogFilter) -> dict[str, Any]:
    """A filter of the log as JSON."""
    return {field.name: _plain(getattr(wanted, field.name)) for field in fields(wanted) if getattr(wanted, field.name) is not None}


def log_of_wish(wish: Mapping[str, Any]) -> LogFilter:
    """The filter back."""
    values: dict[str, Any] = dict(wish)
    values |= {name: parse_rfc3339(values[name]) for name in _MOMENTS if name in values}
    if "bridge_id" in values:
        values["bridge_id"] = parse_uuid(values["bridge_id"])
    if "status" in values:
        values["status"] = LogStatus(values["status"])
    return LogFilter(**values)


def wish_of_figures(args: Mapping[str, Any], period: Period) -> dict[str, Any]:
    """A question about figures as JSON; its time is fixed now, so that the file is of what was asked when it was asked."""
    kept = {name: _plain(value) for name, value in args.items() if value is not None and name in ("bridge", "pool", "ip", "domain", "provider", "tag", "split")}
    return {**kept, "since": rfc3339(period.since), "until": rfc3339(period.until), "interval": period.step.value, "timezone": period.zone.key}


def figures_of_wish(wish: Mapping[str, Any]) -> tuple[dict[str, Any], Period]:
    """The question and its time back."""
    args: dict[str, Any] = {name: parse_uuid(value) if name in _IDS else value for name, value in wish.items()}
    since, until = parse_rfc3339(wish["since"]), parse_rfc3339(wish["until"])
    assert since is not None and until is not None
    zone = find_zone(wish["timezone"]) or zone_of("UTC")
    return {**args, "since": since, "until": until}, Period(since, until, Step(wish["interval"]), zone)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value) if isinstance(value, UUID | LogStatus) else value
