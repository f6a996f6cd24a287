"""A rate as a bucket of tokens, of which each delivery process holds its share."""

from __future__ import annotations

import random
from collections.abc import Callable

#: Mail that must wait for its turn is looked at again after this long at the latest: throttles are lifted, and rates rise.
_LONGEST = 300.0
#: A bucket holds this many seconds of its rate, so that a batch that comes at once is not cut into pieces.
_BURST = 2.0


class Bucket:
    """``rate`` messages a second (above 0), with a burst of two seconds' worth but at least one message."""

    __slots__ = ("_at", "_booked", "_clock", "_tokens", "rate")

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self.rate, self._clock = rate, clock
        self._at = clock()
        self._tokens = max(1.0, rate * _BURST)
        self._booked = 0.0

    def set_rate(self, rate: float) -> None:
        """Go on at another rate; what was saved up beyond its burst is lost."""
        if rate != self.rate:
            self._fill()
            self.rate = rate
            self._tokens = min(self._tokens, max(1.0, rate * _BURST))
            self._booked = 0.0

    def take(self) -> bool:
        """Use one token if there is one."""
        self._fill()
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def has(self) -> bool:
        """Whether ``take`` would succeed."""
        self._fill()
        return self._tokens >= 1.0

    def book(self) -> float:
        """Seconds until a message that found no token should come back: each gets a moment of its own, so that they do not all come at once."""
        now = self._clock()
        self._booked = max(self._booked, now) + 1.0 / self.rate
        wait = self._booked - now
        return wait if wait <= _LONGEST else _LONGEST * random.uniform(0.8, 1.0)

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(max(1.0, self.rate * _BURST), self._tokens + (now - self._at) * self.rate)
        self._at = now
