"""When a delivery is tried again, and when an endpoint is left alone: pure rules, without clock, chance or database of their own.

The schedule is that of Standard Webhooks (ten attempts in 75 h 35 min). All times are multiplied by the setting ``retry_scale``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

#: Seconds between an attempt and the next.
SCHEDULE = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
#: Retries come up to so much later than the schedule says, each by its own chance, so that those of one outage do not come together.
JITTER = 0.15
#: The longest wait an endpoint may ask for (Retry-After).
LONGEST_RETRY_AFTER = 86400.0
#: Failures in a row after which an endpoint is left alone, for how long at first, and for how long at most (doubled each time).
TRIP_AFTER, OPEN_SECONDS, OPEN_MOST = 5, 30.0, 900.0
#: The owners are told after a day without one success, and the endpoint is switched off after five, if it was tried that often.
ALARM_SECONDS, DISABLE_SECONDS, DISABLE_FAILURES = 86400.0, 432000.0, 20


def next_gap(tries: int, retry_after: float | None, chance: float, scale: float) -> float | None:
    """Seconds until the next attempt after ``tries`` of them; None when that was the last. ``chance``: 0 to 1. ``retry_after`` is not scaled."""
    if tries > len(SCHEDULE):
        return None
    gap = SCHEDULE[tries - 1] * scale * (1 + JITTER * chance)
    return max(gap, min(retry_after, LONGEST_RETRY_AFTER)) if retry_after is not None else gap


def lifetime(scale: float) -> timedelta:
    """How long a delivery may wait in all, also for an endpoint that is left alone: the schedule at its slowest, and a day for what it was told."""
    return timedelta(seconds=(sum(SCHEDULE) * (1 + JITTER) + LONGEST_RETRY_AFTER) * scale + 3600)


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint answers. ``failures`` and ``trips`` in a row; ``alarmed``: its owners know of this outage."""

    failures: int = 0
    trips: int = 0
    open_until: datetime | None = None
    failing_since: datetime | None = None
    alarmed_at: datetime | None = None
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_error: str | None = None

    @property
    def trusted(self) -> bool:
        """Whether it took its last delivery: then many may be under way at once."""
        return self.failures == 0 and self.last_success_at is not None


def after_success(health: Health, at: datetime) -> Health:
    """The circuit closes with the first success."""
    return Health(last_success_at=at, last_failure_at=health.last_failure_at, last_error=health.last_error)


def after_failure(health: Health, at: datetime, error: str, retry_after: float | None, scale: float) -> Health:
    """One failure more; the circuit opens after ``TRIP_AFTER`` in a row, and again with each failed probe. Retry-After opens it at once.

    Failures of deliveries that were under way when it opened count, but do not open it further.
    """
    failures, trips, until = health.failures + 1, health.trips, health.open_until
    if failures >= TRIP_AFTER and (until is None or until <= at):
        until = at + timedelta(seconds=min(OPEN_SECONDS * 2 ** min(trips, 10), OPEN_MOST) * scale)
        trips = min(trips + 1, 1000)
    if retry_after is not None:
        asked = at + timedelta(seconds=min(retry_after, OPEN_MOST))
        until = asked if until is None else max(until, asked)
    return replace(
        health, failures=min(failures, 2**31 - 1), trips=trips, open_until=until, failing_since=health.failing_since or at,
        last_failure_at=at, last_error=error[:500],
    )  # fmt: skip


def must_alarm(health: Health, at: datetime, scale: float) -> bool:
    """Whether the owners must be told that it fails for long."""
    return health.alarmed_at is None and _failed_for(health, at, ALARM_SECONDS * scale)


def must_disable(health: Health, at: datetime, scale: float) -> bool:
    """Whether it failed for so long that nothing more is sent."""
    return health.failures >= DISABLE_FAILURES and _failed_for(health, at, DISABLE_SECONDS * scale)


def _failed_for(health: Health, at: datetime, seconds: float) -> bool:
    return health.failing_since is not None and (at - health.failing_since).total_seconds() >= seconds


def alarmed(health: Health, at: datetime) -> Health:
    """The owners know of this outage."""
    return replace(health, alarmed_at=at)
