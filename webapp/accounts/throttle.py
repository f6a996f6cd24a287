"""Slowing down guessers: by account and by network, counted in Valkey; in this process alone while Valkey is away.

Counted before the password is looked at, for known and unknown accounts alike, so that neither the answer nor the limit tells which is which.
"""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import redis
import structlog
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from webapp.kernel.errors import RateLimited
from webapp.settings import get_settings

log = structlog.get_logger()
_Act = Callable[[SlidingWindowCounterRateLimiter], float | bool | None]


class Attempt(StrEnum):
    """What is tried."""

    LOGIN = "login"
    RESET = "reset"
    SIGN_UP = "sign_up"
    INVITE = "invite"
    TOKEN = "token"
    FACTOR = "factor"


@dataclass(frozen=True, slots=True)
class _Limits:
    """How often for one account (or address written to), and how often from one network."""

    account: RateLimitItem
    network: RateLimitItem


@functools.cache
def _limits(attempt: Attempt) -> _Limits:
    failures = get_settings().login_failures
    return {
        Attempt.LOGIN: _Limits(RateLimitItemPerMinute(failures, 15), RateLimitItemPerMinute(failures * 10, 15)),
        Attempt.RESET: _Limits(RateLimitItemPerHour(5), RateLimitItemPerHour(50)),
        Attempt.SIGN_UP: _Limits(RateLimitItemPerHour(5), RateLimitItemPerHour(30)),
        Attempt.INVITE: _Limits(RateLimitItemPerHour(5, 24), RateLimitItemPerHour(100, 24)),
        # Six digits, three of them right at a time: ten tries in 15 minutes find one in 95 years on average.
        Attempt.FACTOR: _Limits(RateLimitItemPerMinute(10, 15), RateLimitItemPerMinute(100, 15)),
        Attempt.TOKEN: _Limits(RateLimitItemPerMinute(30, 15), RateLimitItemPerMinute(100, 15)),
    }[attempt]


def check(attempt: Attempt, account: str, network: str) -> None:
    """Count one try of ``account``; raise ``RateLimited`` when it, or its network, has had too many."""
    limits = _limits(attempt)
    _refuse_over(limits.account, (attempt, "account", _short(account)), count=True)
    _refuse_over(limits.network, (attempt, "network", network_of(network)), count=attempt not in (Attempt.LOGIN, Attempt.FACTOR))


def blame(attempt: Attempt, network: str) -> None:
    """A try from ``network`` failed. Logins and second factors count there only then: a whole office behind one address may log in."""
    _with_limiter(lambda limiter: limiter.hit(_limits(attempt).network, attempt, "network", network_of(network)))


def forgive(attempt: Attempt, account: str) -> None:
    """The try was right: forget the account's failures."""
    _with_limiter(lambda limiter: limiter.clear(_limits(attempt).account, attempt, "account", _short(account)))


def network_of(address: str) -> str:
    """The network that stands for an address: itself for IPv4, its /64 for IPv6 (one customer has that many)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _refuse_over(item: RateLimitItem, names: tuple[str, ...], *, count: bool) -> None:
    if not _with_limiter(lambda limiter: limiter.hit(item, *names) if count else limiter.test(item, *names)):
        reset = _with_limiter(lambda limiter: limiter.get_window_stats(item, *names).reset_time)
        wait = max(1, min(int(float(reset or 0) - time.time()) + 1, item.get_expiry()))
        raise RateLimited(f"Too many tries. Wait {_in_words(wait)} and try again.", retry_after=wait)


def _with_limiter(act: _Act) -> float | bool | None:
    try:
        return act(_shared_limiter())
    except redis.RedisError as error:
        log.warning("broker_away", what="throttle", error=str(error))
        return act(_own_limiter())


@functools.cache
def _shared_limiter() -> SlidingWindowCounterRateLimiter:
    url = get_settings().redis_url
    return SlidingWindowCounterRateLimiter(storage_from_string(f"redis+{url}" if url.startswith("unix://") else url))


@functools.cache
def _own_limiter() -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(MemoryStorage())


def _short(account: str) -> str:
    """Addresses do not lie in the broker in clear."""
    return hashlib.sha256(account.encode()).hexdigest()[:24]


def _in_words(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
