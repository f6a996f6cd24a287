"""Group commit: whatever waits in a process is accepted together, one transaction a tenant, so that a commit is paid once for many messages.

A committer thread with a database connection of its own, which stays in pipeline mode, takes what waits (a single message when there is no more:
nobody waits for a group to fill); a helper works beside it while a commit hangs. Nothing is answered before its COMMIT came back. One bad message
never fails its neighbours: when the database refuses a group, its halves are tried, and so on down to the culprit.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import errors as pg
from sqlalchemy.engine import make_url

from webapp import metrics
from webapp.http import ratelimit
from webapp.kernel.errors import DomainError, IdempotencyConflict, RateLimited, Unavailable
from webapp.kernel.jobs import wake_delivery
from webapp.kernel.scope import Mode
from webapp.messages.service import Sender, Unit, Wire, accept_on_wire, needs_wake, refusal_of, unit_of
from webapp.messages.service.statements import SET_TENANT
from webapp.messages.service.wire import BEGIN, COMMIT
from webapp.messages.types import Accepted, MessageSubmission
from webapp.settings import get_settings

log = structlog.get_logger()

MOST_IN_A_GROUP = 200
#: Seconds: a lock is held for a commit at most; a statement of accept takes milliseconds.
_OPTIONS = (
    "-c lock_timeout=5s -c statement_timeout=20s -c idle_in_transaction_session_timeout=60s -c synchronous_commit=on "
    "-c plan_cache_mode=force_generic_plan"
)
#: Seconds a request waits for its group before it gives up on a database that neither answers nor fails.
_PATIENCE = 40.0
#: Seconds a commit may take before the helper works beside it.
_STALL = 0.05
#: Seconds between two wake-ups of the delivery workers; the first of a row comes at once, and a worker at work looks by itself.
_WAKE_PAUSE = 0.1


class Ticket:
    """A request that waits for its group. ``meter``: the key and limit to count it under; ``usage``: where that key stands then."""

    __slots__ = ("done", "meter", "request_id", "unit", "usage")

    def __init__(self, unit: Unit, meter: tuple[str, int] | None, done: Callable[[], None], request_id: str = "") -> None:
        self.unit = unit
        self.meter = meter
        self.done = done
        self.request_id = request_id
        self.usage: ratelimit.Usage | None = None


class GroupAcceptor:
    """The group commit of this process. Threads start with the first message; ``close`` lets those that wait finish."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()
        self._busy_since = 0.0
        self._stalled = threading.Event()
        self._closing = False
        self._waker = _Waker()

    def submit(self, sender: Sender, submission: MessageSubmission) -> Future[Accepted]:
        """Queue one message; the future brings ``Accepted`` after the commit, or raises the refusal. For doors that must not block."""
        future: Future[Accepted] = Future()
        unit = unit_of(sender, submission)
        self._put(Ticket(unit, None, lambda: _resolve(future, unit)))
        return future

    def accept(self, unit: Unit, meter: tuple[str, int] | None = None, request_id: str = "") -> Ticket:
        """Queue a request and wait for its commit. The unit holds the results, or the error that refused it as a whole."""
        committed = threading.Lock()
        committed.acquire()
        ticket = Ticket(unit, meter, committed.release, request_id)
        self._put(ticket)
        if not committed.acquire(timeout=_PATIENCE):
            ticket.unit = Unit(unit.sender, unit.submissions)
            ticket.unit.refuse(Unavailable("The database does not answer; it is not known whether the message was kept.", retry_after=5))
        return ticket

    def close(self) -> None:
        """Finish what waits and end the threads."""
        if self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(timeout=_PATIENCE)
        self._threads.clear()
        self._waker.close()

    def _put(self, ticket: Ticket) -> None:
        self._waiting.put(ticket)
        if not self._threads:
            self._start()
        if self._busy_since and time.monotonic() - self._busy_since > _STALL:
            self._stalled.set()

    def _start(self) -> None:
        with self._starting:
            if not self._threads:
                self._threads = [threading.Thread(target=work, name=work.__name__.strip("_"), daemon=True) for work in (self._commit, self._help)]
                for thread in self._threads:
                    thread.start()

    def _commit(self) -> None:
        """The committer: takes what waits, as long as there is anything."""
        committer = _Committer(self._waker)
        while (first := self._waiting.get()) is not None:
            self._busy_since = time.monotonic()
            committer.commit(self._rest([first]))
            self._busy_since = 0.0
        self._closing = True
        self._stalled.set()
        committer.close()

    def _help(self) -> None:
        """The helper: works beside the committer while a commit hangs (a slow disk, a lock), else sleeps. One committer makes larger groups."""
        committer = _Committer(self._waker)
        while not self._closing:
            self._stalled.wait()
            self._stalled.clear()
            while tickets := self._rest([]):
                committer.commit(tickets)
        committer.close()

    def _rest(self, tickets: list[Ticket]) -> list[Ticket]:
        """Everything that waits by now, up to the size of a group."""
        with contextlib.suppress(queue.Empty):
            while len(tickets) < MOST_IN_A_GROUP:
                ticket = self._waiting.get_nowait()
                if ticket is None:
                    self._waiting.put(None)
                    break
                tickets.append(ticket)
        return tickets


def _resolve(future: Future[Accepted], unit: Unit) -> None:
    if not future.set_running_or_notify_cancel():
        return  # nobody waits any more; what was committed stays
    result = unit.results[0]
    if isinstance(result, DomainError):
        future.set_exception(result)
    else:
        future.set_result(result)


class _Waker:
    """Rings for the delivery workers from a thread of its own, so that the broker's round trips stand in nobody's way."""

    def __init__(self) -> None:
        self._bell = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False

    def ring(self) -> None:
        """Something is due. Rings within a tenth of a second are one."""
        self._bell.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="waker", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._closed = True
        self._bell.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._closed:
            self._bell.wait()
            self._bell.clear()
            try:
                wake_delivery()
            except Exception:
                log.exception("wake_failed")
            time.sleep(_WAKE_PAUSE)


class _Committer:
    """One thread's connection and what it does with a group."""

    def __init__(self, waker: _Waker) -> None:
        self._waker = waker
        self._connection: psycopg.Connection[Any] | None = None
        self._wire: Wire | None = None
        #: Whether COMMIT was sent: from then on a lost connection leaves the outcome unknown, and nothing is tried again.
        self._committing = False

    def commit(self, tickets: Sequence[Ticket]) -> None:
        """Accept every ticket and release its waiter, whatever happens."""
        try:
            for group in _by_tenant(_within_limits(tickets)):
                self._accept([ticket.unit for ticket in group])
                for ticket in group:
                    ticket.done()
                _log_accepted(group)
        except Exception:  # never the thread's end: others wait for it
            log.exception("committer_failed")

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._wire = None

    def _accept(self, units: Sequence[Unit]) -> None:
        """A group; when the database refuses it, its halves, and so on down to the culprit."""
        fault = self._try(units)
        if fault is None:
            _count(units)
            if any(needs_wake(unit) for unit in units):
                self._waker.ring()
        elif len(units) > 1 and not isinstance(fault, Unavailable):
            half = len(units) // 2
            self._accept(units[:half])
            self._accept(units[half:])
        else:
            for unit in units:
                unit.refuse(fault)

    def _try(self, units: Sequence[Unit], *, again: bool = True) -> DomainError | None:
        try:
            self._transact(units)
        except psycopg.OperationalError as error:
            lost = not self._recover()
            if lost and again and not self._committing:
                return self._try(units, again=False)  # an idle connection that the server had closed: nothing was written
            return _fault_of(error)
        except Exception as error:
            self._recover()
            if len(units) == 1:
                _log_fault(error)
            return _fault_of(error)
        return None

    def _recover(self) -> bool:
        """Make the connection usable again, or drop it; whether it was kept."""
        with contextlib.suppress(psycopg.Error):
            if self._wire is not None:
                self._wire.reset()
                return True
        self.close()
        return False

    def _transact(self, units: Sequence[Unit]) -> None:
        self._committing = False
        wire = self._wire or self._open()
        wire.send(BEGIN)
        wire.send(SET_TENANT, {"tenant": units[0].sender.tenant_id.bytes})
        accept_on_wire(wire, units, commit=self._commit)

    def _commit(self) -> None:
        assert self._wire is not None
        self._committing = True
        self._wire.send(COMMIT)

    def _open(self) -> Wire:
        self._connection = psycopg.connect(database_dsn(), connect_timeout=3, options=_OPTIONS, autocommit=True)
        self._connection.pgconn.enter_pipeline_mode()
        self._wire = Wire(self._connection.pgconn, set())
        return self._wire


def database_dsn() -> str:
    """The database's address as the driver reads it."""
    return make_url(get_settings().database_url).set(drivername="postgresql").render_as_string(hide_password=False)


def _fault_of(error: Exception) -> DomainError:
    """The refusal for a request that failed alone; anything but ``Unavailable`` makes a group try its members one by one."""
    if isinstance(error, pg.LockNotAvailable | pg.DeadlockDetected):
        return IdempotencyConflict("The first request with this idempotency key is still under way; try again.", param="Idempotency-Key")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return refusal_of(error)
    return DomainError("The message could not be stored; nothing was kept. It was logged under the request id.")


_ACCEPTED = {mode: metrics.ACCEPTED.labels("api", mode.value) for mode in Mode}


def _count(units: Sequence[Unit]) -> None:
    """What /metrics shows of accepted mail."""
    for mode, counter in _ACCEPTED.items():
        fresh = sum(isinstance(r, Accepted) and r.mode is mode for unit in units if not unit.replayed for r in unit.results)
        if fresh:
            counter.inc(fresh)
    if replays := sum(unit.replayed for unit in units):
        metrics.REPLAYED.inc(replays)


def _log_accepted(tickets: Sequence[Ticket]) -> None:
    """One line a group: which request became which message."""
    pairs = [f"{ticket.request_id or '-'}={result.id}" for ticket in tickets for result in ticket.unit.results if isinstance(result, Accepted)]
    if pairs:
        log.info("accepted", tenant_id=str(tickets[0].unit.sender.tenant_id), count=len(pairs), messages=" ".join(pairs))


def _log_fault(error: Exception) -> None:
    """What the database said, without the row it said it about: that is somebody's mail."""
    if isinstance(error, psycopg.Error):
        log.error("accept_failed", sqlstate=error.sqlstate, error=error.diag.message_primary or type(error).__name__)
    else:
        log.error("accept_failed", exc_info=error)


def _by_tenant(tickets: Sequence[Ticket]) -> list[list[Ticket]]:
    groups: dict[UUID, list[Ticket]] = {}
    for ticket in tickets:
        groups.setdefault(ticket.unit.sender.tenant_id, []).append(ticket)
    return list(groups.values())


def _within_limits(tickets: Sequence[Ticket]) -> list[Ticket]:
    """Count the requests of all keys in one trip to the broker; those over their limit are refused here."""
    wanted: dict[str, tuple[int, int]] = {}
    for ticket in tickets:
        if ticket.meter is not None:
            key, limit = ticket.meter
            wanted[key] = (wanted.get(key, (0, 0))[0] + 1, limit)
    if not wanted:
        return list(tickets)
    usages = ratelimit.count_many(wanted)
    left = {key: usage.allowed_of(wanted[key][0]) for key, usage in usages.items()}
    allowed: list[Ticket] = []
    for ticket in tickets:
        if ticket.meter is not None:
            key = ticket.meter[0]
            ticket.usage = usages[key]
            left[key] -= 1
            if left[key] < 0:
                ticket.unit.refuse(_limited(usages[key]))
                ticket.done()
                continue
        allowed.append(ticket)
    return allowed


def _limited(usage: ratelimit.Usage) -> DomainError:
    try:
        usage.check()
    except RateLimited as error:
        return error
    return RateLimited("Too many requests.", retry_after=1)
