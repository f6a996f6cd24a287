"""What is left of a sending account's quota, as a bucket that each delivery process holds its share of."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime

from webapp.sending_accounts.types import Usage

_LOOK_AGAIN = 10.0
_LONGEST = 900.0


class QuotaBucket:
    """Messages an account may still take from this process, until its usage is read again some seconds later.

    Usage counts what was recorded. What this process has taken since the last reading and not seen recorded is kept back until the next one, so
    that mail under way is no room; by then it is recorded, or came to nothing.
    """

    __slots__ = ("_clock", "_left", "_taken", "_usage")

    def __init__(self, usage: Usage, workers: int, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._usage, self._taken, self._clock = usage, 0, clock
        self._left = _share(usage.left, workers)

    def renew(self, usage: Usage, workers: int) -> None:
        """Go on with a newer reading; the same reading changes nothing."""
        if usage is self._usage:
            return
        recorded = max(0, usage.today - self._usage.today)
        under_way = max(0, self._taken - recorded)
        self._usage, self._taken = usage, 0
        self._left = _share(usage.left, workers) - under_way

    def has(self) -> bool:
        """Whether one more may go."""
        return self._left > 0

    def take(self) -> bool:
        """Use one, if there is one."""
        if self._left <= 0:
            return False
        self._left -= 1
        self._taken += 1
        return True

    def book(self) -> float:
        """Seconds until a message that found nothing left should come back: soon while the last reading may be stale, else at the next hour or day."""
        return wait_for(self._usage, self._clock())


def wait_for(usage: Usage, moment: datetime) -> float:
    """Seconds to wait for an account, at most a quarter of an hour: its quota may be raised meanwhile."""
    if usage.resets_at is None:
        return _LOOK_AGAIN * random.uniform(0.5, 1.5)
    return min(max((usage.resets_at - moment).total_seconds(), 1.0), _LONGEST) * random.uniform(1.0, 1.1)


def _share(left: int | None, workers: int) -> int:
    """At least one while anything is left: a quota smaller than the number of processes must still be usable."""
    if left is None:
        return 2**31
    return max(left // max(1, workers), min(left, 1))
