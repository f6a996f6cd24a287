"""Request limits: a sliding window of 60 s from two fixed ones, in Valkey; in this process alone while Valkey is away (limits fail open).

The share of the previous window that still counts is what makes it slide: used = current + previous * (what is left of the minute).
A refused request does not count: who waits as long as Retry-After says is let in.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import redis
import structlog

from webapp.kernel.errors import DomainError, RateLimited
from webapp.kernel.jobs import broker
from webapp.settings import get_settings

log = structlog.get_logger()
WINDOW = 60


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a key stands after counting. ``reset``: epoch second at which a new window begins; ``used``: requests that count now.

    ``wait``: seconds after which one more request is within the limit, when none other is made.
    """

    limit: int
    remaining: int
    reset: int
    allowed: bool
    used: float = 0.0
    wait: int = 1

    def allowed_of(self, counted: int) -> int:
        """How many of ``counted`` requests that were counted together are within the limit."""
        return min(counted, max(0, math.floor(counted - (self.used - self.limit))))

    @property
    def headers(self) -> dict[str, str]:
        """The ``X-RateLimit-*`` headers."""
        return {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(self.remaining), "X-RateLimit-Reset": str(self.reset)}

    def check(self) -> None:
        """Raise ``RateLimited`` when the limit is passed."""
        if not self.allowed:
            refusal = RateLimited(f"More than {self.limit} requests in {WINDOW} seconds; wait {self.wait} s.", retry_after=self.wait)
            refusal.headers = self.headers
            raise refusal


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


class _Ahead:
    """Keys far from their limit: counted in this process first, and told to the broker as one sum at most every 50 ms.

    A busy key would cost the broker's round trip with every group of requests. Within a tenth of its limit a key is counted by the broker alone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: key -> window, when the broker was asked last, its two counts, and what it was not told yet
        self._known: dict[str, tuple[int, float, int, int, int]] = {}

    def count(self, key: str, n: int, limit: int, window: int, moment: float) -> tuple[int, int] | int:
        """The counts of both windows with ``n`` added; or, as a number, what the broker must be told."""
        with self._lock:
            known = self._known.get(key)
            if known is None:
                return n
            seen, at, current, previous, untold = known
            total = current + untold + n
            if seen == window and 0 <= moment - at < _AHEAD_SECONDS and total + previous <= limit * 0.9:
                self._known[key] = (seen, at, current, previous, untold + n)
                return total, previous
            del self._known[key]
            return untold + n

    def learn(self, key: str, window: int, moment: float, counts: tuple[int, int]) -> None:
        """What the broker said."""
        with self._lock:
            if len(self._known) > _MOST_KEYS:
                self._known.clear()
            self._known[key] = (window, moment, *counts, 0)


_AHEAD_SECONDS = 0.05
_MOST_KEYS = 20_000
_ahead = _Ahead()


def count_many(wanted: Mapping[str, tuple[int, int]], now: float | None = None) -> dict[str, Usage]:
    """Count ``{key: (requests, limit)}`` in one round trip, or none. Never raises for a broker that is away."""
    moment = time.time() if now is None else now
    window = int(moment // WINDOW)
    counts: dict[str, tuple[int, int]] = {}
    told: dict[str, int] = {}
    for key, (n, limit) in wanted.items():
        counted = _ahead.count(key, n, limit, window, moment)
        if isinstance(counted, int):
            told[key] = counted
        else:
            counts[key] = counted
    if told:
        counts.update(zip(told, _count(window, told, moment), strict=True))
    found = {key: _usage(n, limit, counts[key], window, moment) for key, (n, limit) in wanted.items()}
    refused = {key: n - found[key].allowed_of(n) for key, (n, _) in wanted.items() if not found[key].allowed}
    if refused:
        _give_back(window, refused)
    return found


def _usage(n: int, limit: int, counts: tuple[int, int], window: int, moment: float) -> Usage:
    current, previous = counts
    end = (window + 1) * WINDOW
    used = current + previous * (end - moment) / WINDOW
    usage = Usage(limit, max(0, int(limit - used)), end, used <= limit, used)
    if usage.allowed:
        return usage
    return replace(usage, wait=_wait(limit, current - n + usage.allowed_of(n), previous, end - moment))


def _wait(limit: int, current: int, previous: int, left: float) -> int:
    """Seconds until one more request fits: what is left of the window before shrinks, and in the next window this one does."""
    if current < limit and previous:
        seconds = left - WINDOW * (limit - 1 - current) / previous
    else:
        seconds = left + WINDOW * (1 - (limit - 1) / max(1, current))
    return max(1, math.ceil(seconds))


def count(key: str, limit: int) -> Usage:
    """Count one request of ``key``."""
    return count_many({key: (1, limit)})[key]


def meter_of(actor_id: object, own_limit: int | None, *, sending: bool) -> tuple[str, int]:
    """The counter of a credential and its limit: the Sending API and everything else are counted apart."""
    settings = get_settings()
    return (f"send:{actor_id}", own_limit or settings.send_rate) if sending else (f"key:{actor_id}", own_limit or settings.management_rate)


def count_stranger(address: str) -> Usage:
    """Count one request of a network address that brings no valid key."""
    return count(f"stranger:{address}", get_settings().stranger_rate)


def stranger_refused(address: str, refusal: DomainError) -> DomainError:
    """``refusal`` of somebody without a valid key, counted; raises ``RateLimited`` when their address has made too many such requests."""
    usage = count_stranger(address)
    usage.check()
    refusal.headers = usage.headers
    return refusal


def _count(window: int, numbers: Mapping[str, int], moment: float) -> list[tuple[int, int]]:
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
    counts = [(int(answers[i]), int(answers[i + 2] or 0)) for i in range(0, len(answers), 3)]
    for key, pair in zip(numbers, counts, strict=True):
        _ahead.learn(key, window, moment, pair)
    return counts


def _give_back(window: int, numbers: Mapping[str, int]) -> None:
    """Take refused requests out of the count again."""
    global _away_until
    taken = {key: -n for key, n in numbers.items()}
    if time.monotonic() < _away_until:
        _local.add(window, taken)
        return
    try:
        pipe = broker().pipeline(transaction=False)
        for key, n in taken.items():
            pipe.incrby(f"rl:{key}:{window}", n)
        pipe.execute()
    except redis.RedisError:
        _away_until = time.monotonic() + _REST
