"""A small cache of one process: bounded in size and in age, so that what is revoked elsewhere stops working here within seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """Values younger than ``seconds``; at most ``size`` of them, the oldest goes first. Values may be None (a remembered "no")."""

    def __init__(self, seconds: float, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._size, self._clock = seconds, size, clock
        self._entries: dict[K, tuple[float, V]] = {}
        self._lock = threading.Lock()

    def find(self, key: K) -> tuple[V] | None:
        """``(value,)`` when there is a young one, else None: a cached None differs from no entry. Takes no lock."""
        entry = self._entries.get(key)
        if entry is None or self._clock() - entry[0] >= self._seconds:
            return None
        return (entry[1],)

    def put(self, key: K, value: V) -> None:
        """Keep ``value`` from now on for the cache's seconds."""
        with self._lock:
            self._entries.pop(key, None)
            while len(self._entries) >= self._size:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = (self._clock(), value)

    def forget(self, matches: Callable[[V], bool]) -> None:
        """Drop every value that ``matches``."""
        with self._lock:
            for key in [key for key, (_, value) in self._entries.items() if matches(value)]:
                del self._entries[key]

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)
