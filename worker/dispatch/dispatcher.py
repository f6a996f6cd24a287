"""The drain: claims a batch while the last one is being sent, hands it to the engine, and writes outcomes together with the next claim.

Two threads: the loop sends, one database thread claims, prepares and records. No database connection is held while anything is dialled.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import sqlalchemy.exc
import structlog

from webapp.kernel.clock import now
from webapp.kernel.db import connect_raw, raw_of, unscoped, unscoped_raw
from webapp.kernel.errors import first_line
from webapp.messages.service.claim import Claimed, claim, hold, look_up, postpone, release, release_strays
from webapp.messages.service.outcomes import record_outcomes
from webapp.pace.service import count_sent, give_back, load_state, record_replies, reserve
from webapp.pace.types import PaceState
from webapp.sending_accounts.service import count_usage
from webapp.settings import get_settings
from webapp.suppressions.service import matters, note_bounces
from webapp.suppressions.types import Bounce
from worker import metrics
from worker.delivery.engine import Engine
from worker.delivery.types import AttemptResult, Delivery, MemberKind
from worker.delivery.types import Outcome as Verdict
from worker.dispatch.admission import Admission, PutOff
from worker.dispatch.gatekeeper import Gatekeeper
from worker.dispatch.lessons import Lesson, Observer
from worker.dispatch.pacer import Pacer
from worker.dispatch.prepare import Prepared, Preparer
from worker.dispatch.results import outcome_of_result, outcome_of_verdict
from worker.dispatch.setup import make_engine
from worker.dispatch.transport import TransportStore
from worker.runtime import LoopThread, process_name

log = structlog.get_logger()
_FLUSH_SECONDS = 0.05
_POLL_SECONDS = 0.25
#: Pause after a claim that emptied the queue: mail that trickles in is taken some at a time, not each by a transaction of its own.
_PACE_SECONDS = 0.06
#: How old what we know of throttles, budgets, warm-up and holds may be.
_RENEW_SECONDS = 2.0
#: How long a drain waits for servers that are silent; what they say later is written down between drains.
_LINGER_SECONDS = 5.0
#: How long a stopping worker tries to write down what it sent while the database is away; supervisors kill after thirty.
_LAST_WORDS_SECONDS = 20.0
#: What a database that is away or goes away raises: through SQLAlchemy, from the driver under it, from the socket.
_AWAY = (sqlalchemy.exc.SQLAlchemyError, psycopg.Error, OSError)


#: The pace as it was read, and what was reserved of warm-up plans.
_Pace = tuple[PaceState, dict[UUID, int]]


class Work(NamedTuple):
    """What the loop hands to the database thread: results, recipients to be put off, and recipients wanted of warm-up plans."""

    results: list[AttemptResult]
    put_off: list[PutOff]
    wanted: dict[UUID, int]


class Dispatcher:
    """One per delivery process; it and its SMTP connections outlive jobs."""

    def __init__(self) -> None:
        self._loop = LoopThread()
        self._database = ThreadPoolExecutor(1, "database")
        self._preparer = Preparer()
        self._engine: Engine | None = None
        self._transport: TransportStore | None = None
        self._gatekeeper = Gatekeeper()
        self._connection: psycopg.Connection[Any] | None = None
        self._flusher: asyncio.Future[None] | None = None
        self._owner = process_name("delivery")
        self._stopping = threading.Event()
        self._draining = False
        self._pacer = Pacer()
        self._observer = Observer(self._pacer)
        self._admission: Admission | None = None
        #: When the pace is read anew.
        self._renew_at = 0.0
        self._flying: dict[UUID, Claimed] = {}
        self._results: list[AttemptResult] = []
        self._working: asyncio.Future[None] | None = None
        self._empty_until = 0.0
        self._deadline = 0.0
        self._tried = 0
        # At the start too: in a container a lost worker had the same name, and its leases look like ours.
        self._may_hold_strays = True

    def stop(self) -> None:
        """Claim nothing more; what is in flight is finished, what is only leased is given back, and what is counted of TLS is written down.

        Called from a signal handler too: a drain that is on ends by itself and closes; where none is, this does.
        """
        self._stopping.set()
        if self._engine is not None:
            self._loop.loop.call_soon_threadsafe(self._engine.stop)
            if not self._draining:
                self._loop.run(self._close())

    async def _close(self) -> None:
        if self._transport is not None:
            transport, self._transport = self._transport, None
            await transport.close()

    def drain(self, seconds: float) -> int:
        """Send what is due until nothing is left or ``seconds`` have passed. Returns how many recipients were tried."""
        return self._loop.run(self._drain(seconds))

    async def _drain(self, seconds: float) -> int:
        if self._engine is None:
            self._engine, self._transport = make_engine()
            self._admission = Admission(self._pacer, self._engine.resolver)
            self._engine.barrier.gate = self._gatekeeper.ask
            self._gatekeeper.start(self._engine.barrier.ask_again)
            self._flusher = asyncio.ensure_future(self._flush_now_and_then())
        self._deadline, self._tried, self._empty_until = time.monotonic() + seconds, 0, 0.0
        self._draining = True
        try:
            await self._engine.run(self._next, self._results.append, get_settings().delivery_window, linger=_LINGER_SECONDS)
        finally:
            await self._settle()
            self._draining = False
            if self._stopping.is_set():
                await self._close()
        return self._tried

    async def _next(self) -> Delivery | None:
        """The engine's source: the next delivery, or None to end the drain."""
        admission = self._admission
        assert admission is not None
        while True:
            if (delivery := admission.take()) is not None:
                if len(admission) < get_settings().delivery_batch // 2:
                    self._work(claiming=True)
                self._tried += 1
                return delivery
            if self._working is None and not (self._may_claim() and self._work(claiming=True)) and self._is_over():
                return None
            if self._working is not None:
                await asyncio.shield(self._working)
            else:
                await admission.wait(min(_POLL_SECONDS, max(0.0, self._empty_until - time.monotonic())) or 0.01)

    def _is_over(self) -> bool:
        """Whether this drain should end: told to, out of time, or nothing due and nothing in flight.

        Never while rows may be leased to us that we do not know of: to the ticker they look taken care of, so nobody would ring for them.
        """
        if self._stopping.is_set() or self._may_hold_strays:
            return self._stopping.is_set()
        return time.monotonic() > self._deadline or not self._flying

    def _work(self, claiming: bool) -> bool:
        """Start one round of the database thread unless one runs or there is no reason to. True when one was started."""
        if self._working is not None:
            return False
        claiming = claiming and self._may_claim()
        assert self._admission is not None
        if not claiming and not self._results and not self._admission.put_off:
            return False
        self._working = asyncio.ensure_future(self._round(self._take_work(), claiming))
        return True

    def _take_work(self) -> Work:
        assert self._admission is not None
        work = Work(list(self._results), list(self._admission.put_off), self._pacer.take_wanted())
        self._results.clear()
        self._admission.put_off.clear()
        return work

    def _may_claim(self) -> bool:
        moment = time.monotonic()
        return not self._stopping.is_set() and moment >= self._empty_until and (moment < self._deadline or self._may_hold_strays)

    async def _round(self, work: Work, claiming: bool) -> None:
        assert self._admission is not None
        try:
            loop = asyncio.get_running_loop()
            asked = time.monotonic()
            prepared, pace = await loop.run_in_executor(self._database, self._in_database, work, claiming)
            self._gatekeeper.admit((candidate.claimed.recipient_id for candidate in prepared.candidates), asked)
            if pace is not None:
                self._pacer.renew(*pace)
                self._admission.look_again()
                if pace[0].holds:
                    self._gatekeeper.call_back(c.recipient_id for c in list(self._flying.values()) if self._pacer.held(c.tenant_id, c.bridge_id, c.pool_id))
            for candidate in prepared.candidates:
                self._flying[candidate.claimed.recipient_id] = candidate.claimed
                self._admission.add(candidate)
            if claiming and prepared.count < get_settings().delivery_batch:
                self._empty_until = time.monotonic() + (_PACE_SECONDS if prepared.count else _POLL_SECONDS)
        except _AWAY as error:
            log.warning("database_away", error=first_line(error))
            self._results[:0] = work.results
            self._admission.put_off[:0] = work.put_off
            self._may_hold_strays = True
            self._empty_until = time.monotonic() + 1.0
            await asyncio.sleep(0.5)
        finally:
            self._working = None

    def _in_database(self, work: Work, claiming: bool) -> tuple[Prepared, _Pace | None]:
        """Record what was sent and claim what is next: two transactions, because an outcome must never wait for a claim to succeed."""
        self._record(work.results)
        self._postpone(work.put_off)
        if not claiming:
            return Prepared(), None
        settings, pace = get_settings(), None
        with self._rows("delivery claims for all tenants") as connection:
            if work.wanted or time.monotonic() >= self._renew_at:
                given = reserve(connection, work.wanted, now())
                pace = load_state(connection, self._owner, settings.lease_silence_seconds, now()), given
                self._renew_at = time.monotonic() + _RENEW_SECONDS
            if self._may_hold_strays and (strays := release_strays(connection, self._owner, list(self._flying))):
                log.warning("strays_released", count=strays)
            batch = claim(connection, owner=self._owner, batch=settings.delivery_batch, lease_seconds=settings.delivery_lease_seconds)
            known = look_up(connection, batch) if batch else None
        self._may_hold_strays = False
        if known is None:
            return Prepared(), pace
        prepared = self._preparer.prepare(batch, known)
        if prepared.held or prepared.postponed or prepared.verdicts:
            with self._rows("delivery writes down what it will not dial, for all tenants") as connection:
                hold(connection, prepared.held)
                postpone(connection, prepared.postponed)
                record_outcomes(connection, [outcome_of_verdict(verdict) for verdict in prepared.verdicts])
        return prepared, pace

    def _postpone(self, put_off: list[PutOff]) -> None:
        if put_off:
            with self._rows("delivery puts off what the pace does not allow, for all tenants") as connection:
                postpone(connection, put_off)
            for recipient_id, *_ in put_off:
                self._flying.pop(recipient_id, None)
                self._gatekeeper.forget(recipient_id)

    def _record(self, results: list[AttemptResult]) -> None:
        known = [(self._flying[result.recipient_id], result) for result in results if result.recipient_id in self._flying]
        if not known:
            return
        try:
            self._write(known)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if len(known) > 1:
                for one in known:
                    self._record([one[1]])
                return
            # Kept among the flying: its lease runs out, and after some such attempts a person is asked.
            log.error("outcome_refused_by_database", recipient_id=str(known[0][1].recipient_id), error=first_line(error))
            return
        for claimed, result in known:
            self._flying.pop(claimed.recipient_id, None)
            self._gatekeeper.forget(claimed.recipient_id)
            metrics.observe_attempt(claimed, result)

    def _write(self, known: list[tuple[Claimed, AttemptResult]]) -> None:
        given_back = [(claimed.recipient_id, claimed.attempt, result.pause) for claimed, result in known if result.outcome is Verdict.RELEASED]
        spoken = [(claimed, result) for claimed, result in known if result.outcome is not Verdict.RELEASED]
        outcomes = [outcome_of_result(claimed, result) for claimed, result in spoken]
        lesson = self._observer.learn(result for _, result in spoken)
        if not any(matters(result.reply_class, result.blame, result.suppress) for _, result in spoken):
            with self._rows("delivery records for all tenants") as connection:
                release(connection, given_back, self._owner)
                record_outcomes(connection, outcomes)
                count_usage(connection, _taken_by_relays(spoken), os.getpid())
                self._write_lesson(connection, lesson)
            return
        with unscoped("delivery records and suppresses for all tenants") as session:
            connection = raw_of(session)
            release(connection, given_back, self._owner)
            recorded = {row.recipient_id: row for row in record_outcomes(connection, outcomes)}
            count_usage(connection, _taken_by_relays(spoken), os.getpid())
            note_bounces(session, [_bounce(recorded[r.recipient_id].address, c, r) for c, r in spoken if r.recipient_id in recorded])
            self._write_lesson(connection, lesson)

    def _write_lesson(self, connection: psycopg.Connection[Any], lesson: Lesson) -> None:
        """In the transaction of the outcomes: what replies taught is never lost, and never known without them."""
        if lesson:
            moment = now()
            if record_replies(connection, lesson.signals, lesson.tallies, self._pacer.full_rates(lesson.keys()), moment):
                self._renew_at = 0.0
            count_sent(connection, lesson.plans, moment)

    async def _flush_now_and_then(self) -> None:
        """Outcomes reach the database soon even when no claim carries them along."""
        while True:
            await asyncio.sleep(_FLUSH_SECONDS if self._flying else 0.5)
            if self._results or (self._admission is not None and self._admission.put_off):
                self._work(claiming=False)

    async def _settle(self) -> None:
        """End of a drain: write every outcome, give back what was leased and never sent."""
        while self._working is not None:
            await asyncio.shield(self._working)
        assert self._admission is not None
        unsent = self._admission.give_up()
        work = self._take_work()
        started = time.monotonic()
        while not (self._stopping.is_set() and time.monotonic() - started > _LAST_WORDS_SECONDS):
            try:
                await asyncio.get_running_loop().run_in_executor(self._database, self._finish, work, unsent)
                return
            except _AWAY as error:
                log.warning("database_away", error=first_line(error), waiting=len(work.results))
                await asyncio.sleep(0.5)
        log.error("outcomes_unwritten", count=len(work.results))  # their leases run out, and they are sent again, marked as possible duplicates

    def _finish(self, work: Work, unsent: list[tuple[UUID, int]]) -> None:
        self._record(work.results)
        self._postpone(work.put_off)
        if self._stopping.is_set() and (day := self._pacer.state.day) is not None:
            with self._rows("delivery gives back the warm-up it did not use, for all tenants") as connection:
                give_back(connection, self._pacer.take_unused(), day)
        if unsent:
            with self._rows("delivery gives back what it did not send") as connection:
                release(connection, [(recipient_id, attempt, 0.0) for recipient_id, attempt in unsent], self._owner)
            for recipient_id, _ in unsent:
                self._flying.pop(recipient_id, None)
                self._gatekeeper.forget(recipient_id)


    @contextlib.contextmanager
    def _rows(self, reason: str) -> Iterator[psycopg.Connection[Any]]:
        """A transaction over all tenants on the connection of the database thread; one that broke is replaced the next time."""
        if self._connection is None or self._connection.closed:
            self._connection = connect_raw()
        try:
            # Pipelined: statements whose answer nobody waits for, such as BEGIN and COMMIT, cost no round trip of their own.
            with self._connection.pipeline(), unscoped_raw(self._connection, reason):
                yield self._connection
        except psycopg.OperationalError:
            self._connection.close()
            raise


def _taken_by_relays(spoken: Sequence[tuple[Claimed, AttemptResult]]) -> collections.Counter[tuple[UUID, UUID]]:
    """How many messages each sending account took for each tenant."""
    return collections.Counter(
        (result.member.source_id, claimed.tenant_id)
        for claimed, result in spoken
        if result.outcome is Verdict.DELIVERED and result.member is not None and result.member.source_id and result.member.kind is MemberKind.RELAY
    )


def _bounce(address: str, claimed: Claimed, result: AttemptResult) -> Bounce:
    return Bounce(
        claimed.tenant_id, address, claimed.recipient_id, claimed.message_id, result.reply_class.value, result.blame.value, result.suppress,
        result.reply or None, "delivery",
    )  # fmt: skip
