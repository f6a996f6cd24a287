"""Request limits: a sliding window of 60 s from two fixed ones, in Valkey; in this process alone while Valkey is away (limits fail open).

The share of the previous window that still counts is what makes it slide: used = current + previous * (what is left of the minute).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import redis
import structlog

from webapp.kernel.errors import RateLimited
from webapp.kernel.jobs import broker

log = structlog.get_logger()
WINDOW = 60


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a key stands after counting. ``reset``: epoch second at which a new window begins; ``used``: requests that count now."""

    limit: int
    remaining: int
    reset: int
    allowed: bool
    used: float = 0.0

    def allowed_of(self, counted: int) -> int:
        """How many of ``counted`` requests that were counted together are within the limit."""
        return min(counted, max(0, math.floor(counted - (self.used - self.limit))))

    @property
    def headers(self) -> dict[str, str]:
        """The ``X-RateLimit-*`` headers."""
        return {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(self.remaining), "X-RateLimit-Reset": str(self.reset)}

    def check(self, now: float | None = None) -> None:
        """Raise ``RateLimited`` when the limit is passed."""
        if not self.allowed:
            wait = max(1, self.reset - int(time.time() if now is None else now))
            raise RateLimited(f"More than {self.limit} requests in {WINDOW} seconds; wait {wait} s.", retry_after=wait)


class _Local:
    """The stand-in while Valkey is away: the same windows in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = 0
        self._now: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def add(self, window: int, wanted: Mapping[str, int]) -> list[tuple[int, int]]:
        with self._lock:
            if window != self._window:
                self._before = self._now if window == self._window + 1 else {}
                self._now, self._window = {}, window
            for key, n in wanted.items():
                self._now[key] = self._now.get(key, 0) + n
            return [(self._now[key], self._before.get(key, 0)) for key in wanted]


_local = _Local()
#: After a failure the broker is left alone for this long, so that not every request waits for its time-out.
_REST = 2.0
_away_until = 0.0


def count_many(wanted: Mapping[str, tuple[int, int]], now: float | None = None) -> dict[str, Usage]:
    """Count ``{key: (requests, limit)}`` in one round trip. Never raises for a broker that is away."""
    moment = time.time() if now is None else now
    window = int(moment // WINDOW)
    left = 1 - (moment % WINDOW) / WINDOW
    numbers = {key: n for key, (n, _) in wanted.items()}
    counts = _count(window, numbers)
    usages: dict[str, Usage] = {}
    for (key, (_, limit)), (current, previous) in zip(wanted.items(), counts, strict=True):
        used = current + previous * left
        usages[key] = Usage(limit, max(0, int(limit - used)), (window + 1) * WINDOW, used <= limit, used)
    return usages


def count(key: str, limit: int) -> Usage:
    """Count one request of ``key``."""
    return count_many({key: (1, limit)})[key]


def _count(window: int, numbers: Mapping[str, int]) -> list[tuple[int, int]]:
    global _away_until
    if time.monotonic() < _away_until:
        return _local.add(window, numbers)
    try:
        pipe = broker().pipeline(transaction=False)
        for key, n in numbers.items():
            pipe.incrby(f"rl:{key}:{window}", n)
            pipe.expire(f"rl:{key}:{window}", 2 * WINDOW + 5)
            pipe.get(f"rl:{key}:{window - 1}")
        answers = pipe.execute()
    except redis.RedisError as error:
        _away_until = time.monotonic() + _REST
        log.warning("broker_away", what="rate limits", error=str(error))
        return _local.add(window, numbers)
    return [(int(answers[i]), int(answers[i + 2] or 0)) for i in range(0, len(answers), 3)]
