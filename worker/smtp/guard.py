"""Brake on password guessing: failures per address and per account in a sliding window.

The address limit refuses; the account limit only slows down, so that strangers cannot lock an owner out.
Counting sits behind `FailureCounter`: `WindowCounter` is of one process, `worker.smtp.shared_failures` of all processes of all hosts.
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from worker.smtp.limits import Limits


class FailureCounter(Protocol):
    """Counts failures per key within a sliding window."""

    async def count(self, keys: Sequence[str]) -> list[int]:
        """Failures in the window, one figure a key."""
        ...

    async def record(self, keys: Sequence[str]) -> None:
        """Note one failure now under every key."""
        ...


class WindowCounter:
    """`FailureCounter` of one process. Holds at most `max_keys` keys (least recently failing go first)."""

    def __init__(self, window: float, max_keys: int = 50_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._window = window
        self._max_keys = max_keys
        self._clock = clock
        self._times: OrderedDict[str, list[float]] = OrderedDict()

    async def count(self, keys: Sequence[str]) -> list[int]:
        """See FailureCounter."""
        return [self.failures(key) for key in keys]

    async def record(self, keys: Sequence[str]) -> None:
        """See FailureCounter."""
        self.add(keys)

    def failures(self, key: str) -> int:
        """Failures of one key in the window."""
        return len(self._fresh(key))

    def add(self, keys: Sequence[str], age: float = 0.0) -> None:
        """Note one failure under every key, `age` seconds ago."""
        moment = self._clock() - age
        for key in keys:
            times = self._fresh(key)
            times.append(moment)
            del times[:-64]  # more than any limit asks for; an attacker must not make us remember each try
            self._times[key] = times
            self._times.move_to_end(key)
        while len(self._times) > self._max_keys:
            self._times.popitem(last=False)

    def _fresh(self, key: str) -> list[float]:
        times = self._times.get(key)
        if times is None:
            return []
        oldest = self._clock() - self._window
        fresh = [moment for moment in times if moment > oldest]
        if fresh:
            self._times[key] = fresh
        else:
            del self._times[key]
        return fresh


def network_of(address: str) -> str:
    """The key under which an address is counted: an IPv4 address itself, the /64 of an IPv6 address."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))


class AuthGuard:
    """Decides before a login whether it is looked at, and after a failure how long the answer waits."""

    def __init__(self, limits: Limits, counter: FailureCounter | None = None) -> None:
        self._limits = limits
        self._counter: FailureCounter = counter or WindowCounter(limits.auth_window)

    async def is_blocked(self, address: str) -> bool:
        """True when the address has used up its failures: the login is refused without looking at it."""
        (failures,) = await self._counter.count([_address_key(address)])
        return failures >= self._limits.auth_failures_per_address

    async def delay_before(self, username: str) -> float:
        """Seconds to wait before a login to a beleaguered account is looked at; 0 for all others."""
        (failures,) = await self._counter.count([_account_key(username)])
        over = failures - self._limits.auth_failures_per_account
        return self._delay(over + 1) if over >= 0 else 0.0

    async def record_failure(self, address: str, username: str) -> float:
        """Note a failed login; returns the seconds its answer must wait."""
        keys = [_address_key(address), _account_key(username)]
        await self._counter.record(keys)
        return self._delay(max(await self._counter.count(keys)))

    def _delay(self, failures: int) -> float:
        doubled = self._limits.auth_delay * 2.0 ** min(max(failures - 1, 0), 16)
        return min(doubled, self._limits.auth_delay_max)


def _address_key(address: str) -> str:
    return f"a:{network_of(address)}"


def _account_key(username: str) -> str:
    # A digest: people do type their password into the field of the name, and keys travel to other processes.
    return f"u:{hashlib.blake2b(username.casefold().encode(), digest_size=12).hexdigest()}"
