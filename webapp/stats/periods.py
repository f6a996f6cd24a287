"""Spans of time and their steps, in anybody's time zone. Figures are kept by the hour of UTC, and a step holds the hours that begin in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from webapp.kernel.clock import hour_of, now
from webapp.kernel.errors import ValidationFailed
from webapp.stats.types import Step

#: Points of one series; more would be neither seen nor read.
MOST_POINTS = 2200
_SHORTEST = {Step.HOUR: timedelta(hours=1), Step.DAY: timedelta(days=1), Step.WEEK: timedelta(days=7), Step.MONTH: timedelta(days=28)}


@dataclass(frozen=True, slots=True)
class Period:
    """From ``since`` (a step's begin) up to, not including, ``until``, both UTC; in steps of ``zone``."""

    since: datetime
    until: datetime
    step: Step
    zone: ZoneInfo

    def starts(self) -> list[datetime]:
        """The begin of each step, in the zone's own time."""
        return list(_walk(self.since.astimezone(self.zone), self.until, self.step))

    @property
    def before(self) -> Period:
        """As many steps just before: what this period is compared with."""
        start = self.since.astimezone(self.zone)
        for _ in self.starts():
            start = _previous(start, self.step)
        return Period(start.astimezone(UTC), self.since, self.step, self.zone)

    @property
    def is_of_utc_days(self) -> bool:
        """Whether sums by the day of UTC will do: no step begins within one."""
        return self.step is not Step.HOUR and self.zone.key == "UTC"


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises ``ValidationFailed``."""
    found = find_zone(name)
    if found is None:
        raise ValidationFailed(f"There is no time zone {name[:60]!r}; write it as in the IANA database, for example Europe/Berlin.", param="timezone")
    return found


def find_zone(name: str | None) -> ZoneInfo | None:
    """A time zone by its IANA name; None when there is none of that name."""
    try:
        return ZoneInfo(name) if name and len(name) < 60 else None
    except (ValueError, OSError, KeyError):  # a name with a path in it, a folder of the database, none at all
        return None


def last_days(days: int, zone: ZoneInfo, step: Step | None = None) -> Period:
    """The last days up to now, today included; by hours for one or two days, else by days."""
    if step is Step.HOUR or (step is None and days <= 2):
        until = hour_of(now()) + timedelta(hours=1)
        return Period(until - timedelta(hours=days * 24), until, Step.HOUR, zone)
    chosen = step or Step.DAY
    today = floor(now().astimezone(zone), Step.DAY)
    return Period(floor(_back(today, days - 1), chosen).astimezone(UTC), _next(today, Step.DAY).astimezone(UTC), chosen, zone)


def between(since: datetime, until: datetime, zone: ZoneInfo, step: Step | None = None) -> Period:
    """From a moment to another, widened to whole steps. Raises ``ValidationFailed``."""
    if until <= since:
        raise ValidationFailed("`to` must be after `from`.", param="to")
    chosen = step or (Step.HOUR if until - since <= timedelta(days=3) else Step.DAY)
    if (until - since) / _SHORTEST[chosen] > MOST_POINTS:
        raise ValidationFailed(f"That is more than {MOST_POINTS} points: ask for wider steps or less time.", param="interval")
    start = floor(since.astimezone(zone), chosen)
    last = list(_walk(start, until, chosen))[-1]
    return Period(start.astimezone(UTC), _next(last, chosen).astimezone(UTC), chosen, zone)


def floor(moment: datetime, step: Step) -> datetime:
    """The begin of the step that holds ``moment``, in its own zone."""
    if step is Step.HOUR:
        return hour_of(moment.astimezone(UTC)).astimezone(moment.tzinfo)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if step is Step.WEEK:
        return _back(day, day.weekday())
    return day.replace(day=1) if step is Step.MONTH else day


def _walk(start: datetime, until: datetime, step: Step) -> Iterator[datetime]:
    at = start
    while at.astimezone(UTC) < until:
        yield at
        at = _next(at, step)


def _next(at: datetime, step: Step) -> datetime:
    if step is Step.HOUR:
        return _plus_hours(at, 1)
    if step is Step.MONTH:
        return at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)
    return _back(at, -7 if step is Step.WEEK else -1)


def _previous(at: datetime, step: Step) -> datetime:
    if step is Step.HOUR:
        return _plus_hours(at, -1)
    if step is Step.MONTH:
        return at.replace(year=at.year - (at.month == 1), month=(at.month - 2) % 12 + 1)
    return _back(at, 7 if step is Step.WEEK else 1)


def _plus_hours(at: datetime, hours: int) -> datetime:
    """Real hours: a day of the change to summer time has 23."""
    zone: tzinfo | None = at.tzinfo
    return (at.astimezone(UTC) + timedelta(hours=hours)).astimezone(zone)


def _back(at: datetime, days: int) -> datetime:
    """Days of the calendar: midnight to midnight, however long the day is."""
    return (at.replace(tzinfo=None) - timedelta(days=days)).replace(tzinfo=at.tzinfo)
