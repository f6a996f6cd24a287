"""Group commit: items that arrive while a transaction is under way share the next one.

The disk is asked to sync once per group instead of once per message. A lone item is committed at once. Behind a group of many the
next one waits a few milliseconds for those who were just answered and come again: a transaction costs much, one more row in it little.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
R = TypeVar("R")

_GATHER = 0.008
"""Seconds a group is waited for behind a crowd, at most."""
_CROWD = 4
"""From this many items on, those under way and those waiting are a crowd."""
_ENOUGH = 0.9
"""The part of the last crowd that is enough to go on at once."""


class GroupCommitter(Generic[K, T, R]):
    """Collects items by key (a tenant, say) and hands each group to `commit` in a thread.

    Belongs to one event loop. At most `threads` groups are under way, and `per_key` of them for one key, so that the groups of a
    busy key grow instead of spreading over all threads.
    """

    def __init__(self, name: str, commit: Callable[[K, Sequence[T]], Sequence[R]], *, threads: int = 2, per_key: int = 1, group: int = 200) -> None:
        """commit: blocking; answers in the order of the items; what it raises is given to every item of the group.
        group: most items of one transaction."""
        self._commit = commit
        self._group = group
        self._threads = threads
        self._executor = ThreadPoolExecutor(threads, name)
        self._waiting: dict[K, deque[tuple[T, asyncio.Future[R]]]] = {}
        self._order: deque[K] = deque()
        self._per_key = per_key
        self._busy: Counter[K] = Counter()
        self._gathering: dict[K, tuple[int, asyncio.TimerHandle]] = {}

    def submit(self, key: K, item: T) -> asyncio.Future[R]:
        """Have an item committed; the future is done once its transaction is."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        queue = self._waiting.get(key)
        if queue is None:
            queue = self._waiting[key] = deque()
            self._order.append(key)
        queue.append((item, future))
        self._start()
        return future

    def close(self) -> None:
        """Wait for the groups under way; to be called when nobody waits any more."""
        self._executor.shutdown(wait=True)

    def _start(self) -> None:
        """Start groups while threads are free, keys in turn."""
        for _ in range(len(self._order)):
            if self._busy.total() >= self._threads:
                return
            key = self._order.popleft()
            queue = self._waiting[key]
            if self._busy[key] >= self._per_key or not self._is_gathered(key, len(queue)):
                self._order.append(key)
                continue
            taken = [queue.popleft() for _ in range(min(len(queue), self._group))]
            if queue:
                self._order.append(key)
            else:
                del self._waiting[key]
            self._busy[key] += 1
            running = asyncio.get_running_loop().run_in_executor(self._executor, self._commit, key, [item for item, _ in taken])
            running.add_done_callback(lambda done, key=key, taken=taken: self._finish(key, taken, done))  # type: ignore[misc]

    def _is_gathered(self, key: K, waiting: int) -> bool:
        wanted = self._gathering.get(key)
        if wanted is None:
            return True
        if waiting < wanted[0]:
            return False
        wanted[1].cancel()
        del self._gathering[key]
        return True

    def _gather(self, key: K, crowd: int) -> None:
        """Let the next group of a key wait for its share of the crowd, or for the time to be up."""
        if crowd >= _CROWD and key not in self._gathering:
            self._gathering[key] = int(crowd * _ENOUGH), asyncio.get_running_loop().call_later(_GATHER, self._end_gathering, key)

    def _end_gathering(self, key: K) -> None:
        del self._gathering[key]
        self._start()

    def _finish(self, key: K, taken: list[tuple[T, asyncio.Future[R]]], done: asyncio.Future[Sequence[R]]) -> None:
        self._busy[key] -= 1
        if not self._busy[key]:
            del self._busy[key]
        self._gather(key, len(taken) + len(self._waiting.get(key, ())))
        error = done.exception()
        results: Sequence[R | None] = [None] * len(taken) if error is not None else done.result()
        for (_, future), result in zip(taken, results, strict=True):
            if future.done():
                continue  # nobody waits any more: the client is gone, its mail is committed all the same
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]
        self._start()
