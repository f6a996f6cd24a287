"""Failed logins of all submission processes, counted together.

Every failure goes into one stream of the broker, and every process reads that stream along. So a login asks nobody: the count is in
this process already, some milliseconds behind the others. A process that starts reads the window's failures first. While the
broker is away each process counts its own, as it would alone.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
import structlog

from webapp.kernel.jobs import broker, worker_broker
from worker.smtp.guard import WindowCounter

log = structlog.get_logger()

STREAM = "smtp:login-failures"
_KEPT = 20_000
"""Entries the stream keeps at most; older failures than these are forgotten early."""
_OUTBOX = 1000
"""Failures that may wait for the broker; further ones are counted here only."""
_BLOCK_MS = 10_000
_BATCH = 500
_PAUSE = 1.0
"""Seconds before a broker that is away is asked again."""


class SharedFailures:
    """`FailureCounter` of one process among several. `start` makes it read and write the stream."""

    def __init__(self, window: float, write: Callable[[], redis.Redis] = broker, read: Callable[[], redis.Redis] = worker_broker) -> None:
        """window: seconds; write, read: clients of the broker, the second one without a read time-out, since it waits on the stream."""
        self._window = window
        self._write, self._read = write, read
        self._local = WindowCounter(window)
        self._lock = threading.Lock()  # the event loop counts, the reading thread adds
        self._own = os.urandom(8).hex()
        self._outbox: queue.Queue[str] = queue.Queue(_OUTBOX)
        self._stopped = threading.Event()

    async def count(self, keys: Sequence[str]) -> list[int]:
        """See FailureCounter."""
        with self._lock:
            return [self._local.failures(key) for key in keys]

    async def record(self, keys: Sequence[str]) -> None:
        """See FailureCounter. The others learn of it behind our back: nobody waits for the broker."""
        with self._lock:
            self._local.add(keys)
        with contextlib.suppress(queue.Full):  # the broker is slow or away: it is counted here
            self._outbox.put_nowait("\n".join(keys))

    def start(self) -> None:
        """Begin to share; the threads end with the process, or some seconds after `stop`."""
        for work in (self._write_for_ever, self._read_for_ever):
            threading.Thread(target=work, name="login-failures", daemon=True).start()

    def stop(self) -> None:
        """Count alone from now on."""
        self._stopped.set()
        with contextlib.suppress(queue.Full):
            self._outbox.put_nowait("")

    def _write_for_ever(self) -> None:
        while not self._stopped.is_set():
            waiting = [self._outbox.get()]
            while not self._outbox.empty() and len(waiting) < _BATCH:
                waiting.append(self._outbox.get())
            try:
                with self._write().pipeline(transaction=False) as pipe:
                    for keys in filter(None, waiting):
                        pipe.xadd(STREAM, {"by": self._own, "keys": keys}, maxlen=_KEPT)
                    pipe.expire(STREAM, int(self._window) + 1)
                    pipe.execute()
            except redis.RedisError as error:
                log.warning("broker_away", error=str(error))

    def _read_for_ever(self) -> None:
        last = f"{max(int((time.time() - self._window) * 1000), 0)}-0"
        while not self._stopped.is_set():
            try:
                found: Any = self._read().xread({STREAM: last}, count=_BATCH, block=_BLOCK_MS)
            except redis.RedisError as error:
                log.warning("broker_away", error=str(error))
                self._stopped.wait(_PAUSE)
                continue
            entries = [entry for _, entries in _pairs(found) for entry in entries]
            for identity, values in entries:
                last = identity.decode()
                self._take(identity, values)

    def _take(self, identity: bytes, values: dict[bytes, bytes]) -> None:
        """Count one failure of another process at its own time, which stands in the entry's id."""
        if values.get(b"by", b"").decode("utf-8", "replace") == self._own:
            return
        age = max(time.time() - int(identity.partition(b"-")[0]) / 1000, 0.0)
        keys = values.get(b"keys", b"").decode("utf-8", "replace").split("\n")
        if age < self._window:
            with self._lock:
                self._local.add(keys[:2], age)


def _pairs(found: Any) -> list[Any]:
    """What XREAD answers, as pairs of stream and entries: RESP3 gives a mapping, of lists of lists, RESP2 a list of pairs."""
    if isinstance(found, dict):
        return [(name, [entry for part in parts for entry in part]) for name, parts in found.items()]
    return found or []
