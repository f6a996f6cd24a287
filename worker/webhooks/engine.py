"""Draining the queue: claim, send, write down, over and over until nothing is due. One transaction a turn does both ends of it.

The main thread talks to the database, a loop in a thread of its own to the endpoints. An endpoint that hangs holds its own few places and no others.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import structlog

from webapp.kernel.clock import now
from webapp.kernel.db import connect_raw, unscoped_raw
from webapp.metrics import WEBHOOKS
from webapp.settings import get_settings
from webapp.webhooks.service import policy, queue
from webapp.webhooks.service.health import Verdict, note_results
from webapp.webhooks.types import Attempt, DeliveryState, Job, Result
from worker.runtime import LoopThread, process_name
from worker.webhooks.sender import Sender

log = structlog.get_logger()

#: Deliveries a process holds at once, and claims in a turn.
WINDOW, BATCH = 1024, 512
#: Seconds a turn waits for results, when there are few.
_TURN = 0.05
_ENOUGH = 64
#: Health of an endpoint that goes on succeeding is written that often, in seconds.
_SETTLED = 30.0
_MOST_GATES = 10000
#: Seconds an endpoint that is about to be switched off is left alone, until that is written.
_DISABLING = 2.0


class Engine:
    """The one of this process; connections to endpoints stay open from job to job."""

    def __init__(self) -> None:
        self._owner = process_name("webhooks")
        self._loop = LoopThread()
        self._sender = self._loop.run(self._make_sender())
        self._gates: dict[UUID, asyncio.Semaphore] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: Counter[UUID] = Counter()
        self._shut: dict[UUID, float] = {}
        self._settled: dict[UUID, float] = {}
        self._results: deque[Result] = deque()
        self._some = threading.Event()
        self._stopping = False

    def stop(self) -> None:
        """Claim nothing more; what is under way is written down."""
        self._stopping = True

    def close(self) -> None:
        """Close the connections to endpoints and end the loop."""
        self._loop.run(self._sender.close())
        self._loop.loop.call_soon_threadsafe(self._loop.loop.stop)

    def drain(self, seconds: float, doom: Callable[[Verdict], None] | None = None) -> int:
        """Deliver what is due for at most so long; the attempts made. ``doom`` is called at once for each endpoint that must be switched off.

        What is still under way at the end is written down by the next drain, for which ``busy`` asks; only a stop waits for it.
        """
        end, attempts = time.monotonic() + seconds, 0
        with connect_raw() as connection:
            while True:
                taking = time.monotonic() < end and not self._stopping
                results = self._take_results()
                claimed, verdicts = self._turn(connection, results, taking)
                for verdict in verdicts:
                    if verdict.disable and doom is not None:
                        doom(verdict)
                attempts += sum(result.attempt is not None for result in results)
                if claimed:
                    self._loop.loop.call_soon_threadsafe(self._start, claimed)
                elif not self._held or not (taking or self._stopping):
                    return attempts
                self._wait(bool(claimed))

    @property
    def busy(self) -> bool:
        """Whether deliveries are under way."""
        return bool(self._held)

    def _wait(self, claimed: bool) -> None:
        """Until there are enough results for a turn, or some have waited long enough."""
        deadline = time.monotonic() + (_TURN if claimed or self._results else 0.25)
        while len(self._results) < _ENOUGH and (left := deadline - time.monotonic()) > 0:
            self._some.clear()
            self._some.wait(left)

    def _turn(self, connection: psycopg.Connection[Any], results: Sequence[Result], taking: bool) -> tuple[list[Job], list[Verdict]]:
        """Write ``results`` and claim anew, in one transaction."""
        for result in results:
            self._held[result.job.endpoint_id] -= 1
        self._held = +self._held
        room = min(BATCH, WINDOW - self._held.total()) if taking else 0
        with unscoped_raw(connection, "deliveries of all tenants wait in one queue"):
            connection.execute(queue.BY_INDEX)
            verdicts = self._write(connection, results)
            claimed = queue.claim(connection, self._owner, room, self._held) if room > 0 else []
        self._held.update(job.endpoint_id for job in claimed)
        return claimed, verdicts

    def _write(self, connection: psycopg.Connection[Any], results: Sequence[Result]) -> list[Verdict]:
        if not results:
            return []
        at, scale = now(), get_settings().retry_scale
        queue.record(connection, [_record(result.job, result.attempt, at, scale) for result in results if result.attempt is not None])
        queue.give_back(connection, [result.job for result in results if result.attempt is None])
        verdicts = note_results(connection, self._telling(results), at, scale)
        for verdict in verdicts:
            self._note(verdict)
        return verdicts

    def _telling(self, results: Sequence[Result]) -> list[Result]:
        """Results of endpoints whose health must be written: those with a failure, and those not looked at for a while."""
        failed = {result.job.endpoint_id for result in results if result.attempt is not None and not result.attempt.succeeded}
        due = time.monotonic() - _SETTLED
        return [r for r in results if r.job.endpoint_id in failed or self._settled.get(r.job.endpoint_id, float("-inf")) < due]

    def _note(self, verdict: Verdict) -> None:
        if verdict.trusted:
            self._settled[verdict.endpoint_id] = time.monotonic()
        else:
            self._settled.pop(verdict.endpoint_id, None)
        if verdict.open_for > 0 or verdict.disable:
            self._shut[verdict.endpoint_id] = time.monotonic() + (verdict.open_for or _DISABLING)
        else:
            self._shut.pop(verdict.endpoint_id, None)

    # On the loop

    async def _make_sender(self) -> Sender:
        return Sender()

    def _start(self, jobs: Sequence[Job]) -> None:
        if len(self._gates) > _MOST_GATES:  # those of endpoints under way live on with their tasks
            self._gates = {}
        for job in jobs:
            if job.endpoint_id not in self._gates:
                self._gates[job.endpoint_id] = asyncio.Semaphore(get_settings().webhook_concurrency)
            task = self._loop.loop.create_task(self._deliver(job, self._gates[job.endpoint_id]))
            self._tasks.add(task)  # the loop itself holds tasks weakly
            task.add_done_callback(self._end)

    async def _deliver(self, job: Job, gate: asyncio.Semaphore) -> None:
        attempt: Attempt | None = None
        try:
            async with gate:
                if self._shut.get(job.endpoint_id, 0.0) <= time.monotonic():
                    attempt = await self._sender.send(job)
        finally:
            self._results.append(Result(job, attempt))
            self._some.set()
        if attempt is not None:
            WEBHOOKS.labels("delivered" if attempt.succeeded else "failed").inc()

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("webhook_crashed", error=repr(error))

    def _take_results(self) -> list[Result]:
        return [self._results.popleft() for _ in range(len(self._results))]


def _record(job: Job, attempt: Attempt, at: datetime, scale: float) -> queue.Record:
    """What is written of an attempt: delivered, to be tried again, or failed for good."""
    entry = attempt.as_log(job.tries + 1)
    if attempt.succeeded:
        return queue.Record(job.delivery_id, job.claim, DeliveryState.DELIVERED, None, entry)
    gap = None if attempt.gone else policy.next_gap(job.tries + 1, attempt.retry_after, random.random(), scale)
    if gap is None:
        return queue.Record(job.delivery_id, job.claim, DeliveryState.FAILED, None, entry)
    return queue.Record(job.delivery_id, job.claim, DeliveryState.PENDING, at + timedelta(seconds=gap), entry)
