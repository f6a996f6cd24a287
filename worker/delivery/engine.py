"""The delivery engine: takes deliveries from a source, sends them over pooled connections, hands each result to a sink.

Values in, results out. One engine serves one event loop for the life of a process; connections outlive a `run`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any
from uuid import UUID

from worker.delivery.connection_pool import Route
from worker.delivery.egress import EgressPolicy
from worker.delivery.gate import Barrier
from worker.delivery.handshake import TlsContexts
from worker.delivery.mta_sts import StsPolicy
from worker.delivery.resolver import Destination, NullMx, ResolutionError, ResolutionFailed, Resolver
from worker.delivery.sts_policies import StsPolicies
from worker.delivery.tls_report import Tally
from worker.delivery.transaction import Failure, Reporter, Transaction, order_members
from worker.delivery.types import AttemptResult, Delivery, Fault, Limits, Member, MemberKind, ReplyClass, Stage, TlsMode

Source = Callable[[], Awaitable[Delivery | None]]
Sink = Callable[[AttemptResult], None]
_RouteKey = tuple[UUID, TlsMode, tuple[Destination, ...] | None, StsPolicy | None]

_BREATHE_EVERY = 32
_BACK_SECONDS = 5.0


class Engine:
    """Sends mail. Not thread-safe: everything happens on the loop that `run` is called on, always the same one.

    `resolver` finds destinations, `egress` says which addresses may be dialled, `clock` gives seconds since the epoch for
    the times in results. Raises OSError when the trusted roots named in `limits` cannot be read.
    """

    def __init__(self, resolver: Resolver, egress: EgressPolicy, limits: Limits | None = None, clock: Callable[[], float] = time.time) -> None:
        self.resolver, self.egress = resolver, egress
        self.limits = limits or Limits()
        if self.limits.mx_port not in egress.ports:
            self.egress = EgressPolicy(egress.allow, egress.ports | {self.limits.mx_port})
        self.reporter = Reporter(clock, self.limits)
        self.tls_contexts = TlsContexts.load(self.limits.tls_ca_file)
        self.tls_tally = Tally()
        #: Finds MTA-STS policies; None: they are not looked at.
        self.sts: StsPolicies | None = None
        #: Whether this system itself takes mail for a domain, so that an MX host that greets with our name is no loop.
        self.takes_mail_for: Callable[[str], bool] = lambda domain: False
        self.stopping = False
        self.now: Callable[[], float] = time.monotonic
        self.share = max(1, self.limits.window // 8)
        self._clock = clock
        self._window = self.limits.window
        self._held = 0
        self._connections = 0
        self._budgets: dict[tuple[UUID | None, str], int] = {}
        self._wake_at = 0
        self._starving = False
        self._routes: dict[_RouteKey, Route] = {}
        self._retired: set[Route] = set()
        self._resolving: dict[str, list[Transaction]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        #: Its `gate` is asked before each dial and before content leaves; set by whoever gives the deliveries.
        self.barrier = Barrier(self)
        self._sink: Sink | None = None
        self._error: Exception | None = None
        self._room: asyncio.Future[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._running = False

    @property
    def in_flight(self) -> int:
        """Deliveries taken from the source and not settled yet: a source may wait for more work while this is not 0."""
        return self._held

    @property
    def open_connections(self) -> int:
        """Connections that are open or being opened."""
        return self._connections

    # -- running -------------------------------------------------------------------------------------------------

    async def run(self, source: Source, sink: Sink, window: int | None = None, linger: float | None = None) -> None:
        """Take deliveries until `source()` gives None, and return when each has been settled by one call of `sink`.

        With `linger`, return at the latest that many seconds after the source has ended: deliveries still under way (a
        server may take ten minutes over a final dot) go on as long as the loop runs, and `sink` hears of them later.

        `source` may wait (for a database, say) while others are being sent; at most `window` deliveries are held at a
        time. `sink` must be quick: it runs on the event loop. After `stop`, what has not begun is given back as
        RELEASED. What `source` or `sink` raises is raised from here once everything in flight is settled. Raises
        RuntimeError when a run is on already.
        """
        if self._running:
            raise RuntimeError("the engine is running already")
        self._running, self._sink, self._error = True, sink, None
        self._window = window or self.limits.window
        self.share = max(1, self._window // 8)
        loop = asyncio.get_running_loop()
        self.now = loop.time
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = loop.create_task(self._sweep_often())
        try:
            # Two turns of the loop show which kept connections were closed from afar while it stood still.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await self._pull(source)
            await self._settle(linger)
        except BaseException:
            self.stop()
            self._cut_off()
            raise
        finally:
            if not self._held:
                await self._end_tasks()
            self._running = False
        if self._error is not None:
            raise self._error

    async def _settle(self, linger: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(linger):
                while self._held:
                    await self._wait(None, below=0)

    async def _pull(self, source: Source) -> None:
        pulled = 0
        while not self.stopping:
            if self._held >= self._window:
                await self._make_room()
                continue
            try:
                delivery = await source()
            except Exception as error:
                self._error = self._error or error
                return
            if delivery is None:
                return
            self._accept(delivery)
            pulled += 1
            if pulled % _BREATHE_EVERY == 0:
                await asyncio.sleep(0)

    def _accept(self, delivery: Delivery) -> None:
        members = delivery.members if delivery.ordered else order_members(delivery.members, delivery.recipient_id.bytes)
        tx = Transaction(delivery, members, self._clock())
        self._held += 1
        if self.stopping:
            self.release(tx, "the worker is stopping")
        elif not tx.members:
            self.finish(self.reporter.failed(tx, Failure(Stage.WAITING, None, "the pool has no member to send with", ReplyClass.RELAY)))
        else:
            self.dispatch(tx)

    async def _make_room(self) -> None:
        """Wait until some of the window is free. What slow destinations heap up is given back rather than blocking all."""
        with suppress(TimeoutError):
            await self._wait(self.limits.patience / 4)
            return
        crowd = [route for route in self._routes.values() if route.waiting]
        for route in crowd:
            route.release_excess(max(1, self.share // len(crowd)))

    async def _wait(self, seconds: float | None, *, below: int | None = None) -> None:
        """Until no more than `below` deliveries are held (default: an eighth of the window is free), or something woke us.

        Raises TimeoutError after `seconds`.
        """
        self._wake_at = self._window - self.share if below is None else below
        self._room = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._room
        finally:
            self._room = None

    def stop(self) -> None:
        """Begin to stop, for good: nothing more is taken, what waits is given back, what is on a connection is finished.

        `run` returns when that is done, at the latest `limits.stop_grace` seconds later: then connections are cut, and
        deliveries whose end of data was unanswered are settled as unknown. May be called from a signal handler of the loop.
        """
        if self.stopping:
            return
        self.stopping = True
        for route in [*self._routes.values(), *self._retired]:
            route.release_all("the worker is stopping")
        for transactions in self._resolving.values():
            while transactions:
                self.release(transactions.pop(), "the worker is stopping")
        self.barrier.release_all("the worker is stopping")
        if self._held:
            asyncio.get_running_loop().call_later(self.limits.stop_grace, self._cut_off)
        self._wake()

    def _cut_off(self) -> None:
        for route in [*self._routes.values(), *self._retired]:
            route.close()

    async def close(self) -> None:
        """Close every connection, politely where nothing is under way. The engine may be run again afterwards."""
        self._cut_off()
        await self._end_tasks()
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        self._routes.clear()
        self._retired.clear()
        await asyncio.sleep(0)

    async def _end_tasks(self) -> None:
        """End connection attempts nobody waits for any more: the loop may stand still after a run."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- where to ------------------------------------------------------------------------------------------------

    def dispatch(self, tx: Transaction) -> None:
        """Send `tx` on its way: to the route of the member it is to leave through, once its destination is known."""
        member = tx.member
        if member.kind is MemberKind.RELAY:
            self._route(tx, None)
            return
        domain = tx.delivery.domain
        found = self.resolver.cached_mx(domain)
        if found is not None and (self.sts is None or self.sts.is_known(domain)):
            self._route(tx, found, self.sts.known(domain) if self.sts is not None else None)
        elif domain in self._resolving:
            self._resolving[domain].append(tx)
        else:
            self._resolving[domain] = [tx]
            self.spawn(self._resolve(domain))

    def _route(self, tx: Transaction, destinations: tuple[Destination, ...] | None, sts: StsPolicy | None = None) -> None:
        """Queue `tx` where it goes. Domains with the same MX hosts and MTA-STS policy share a route, and so its connections and limits."""
        member = tx.member
        tls = member.tls
        if tx.delivery.requires_tls and tls in (TlsMode.NONE, TlsMode.OPPORTUNISTIC):
            tls = TlsMode.REQUIRED
        key = (member.id, tls, destinations, sts)
        route = self._routes.get(key)
        if route is None or route.member is not member:
            if route is not None and route.member == member:
                route.adopt(member)
            else:
                if route is not None:  # its settings were changed: what is under way ends on the old connections
                    self._retire(route)
                route = self._routes[key] = Route(self, member, tls, destinations or (Destination(member.host or "", 0),), sts)
        route.add(tx)

    def _retire(self, route: Route) -> None:
        self._retired.add(route)
        for conn in tuple(route.idle_conns):
            conn.quit()

    async def _resolve(self, domain: str) -> None:
        failure: Failure | None = None
        found: tuple[Destination, ...] = ()
        sts: StsPolicy | None = None
        try:
            if self.sts is None:
                found = await self.resolver.mx(domain)
            else:  # both at once; a policy is never waited for long
                found, sts = await asyncio.gather(self.resolver.mx(domain), self.sts.find(domain))
        except NullMx as error:
            failure = Failure(Stage.DNS, 556, f"556 5.1.10 {error}", ReplyClass.BAD_DOMAIN)
        except ResolutionError as error:
            kind = ReplyClass.NET if isinstance(error, ResolutionFailed) else ReplyClass.BAD_DOMAIN
            failure = Failure(Stage.DNS, None, str(error), kind)
        except Exception as error:
            failure = Failure(Stage.DNS, None, f"looking up {domain}: {type(error).__name__}", ReplyClass.NET)
        finally:
            transactions = self._resolving.pop(domain, [])
        for tx in transactions:
            if failure is None:
                self._route(tx, found, sts)
            else:
                self.finish(self.reporter.failed(tx, failure))

    def unreachable(self, tx: Transaction, failure: Failure) -> None:
        """The destination of `tx` cannot be used through this member: the next member when that may help, else the end."""
        ours = tx.member.kind is MemberKind.RELAY or failure.code is not None or failure.reply_class is ReplyClass.RELAY
        tx_notes = failure.transcript or f"* {failure.text}"
        if ours and tx.position + 1 < len(tx.members) and not self.stopping:
            tx.note(tx_notes)
            self.next_member(tx, self.reporter.fault_of(tx, failure))
        else:
            self.finish(self.reporter.failed(tx, failure))

    def next_member(self, tx: Transaction, fault: Fault) -> bool:
        """Try `tx` through the next member of its pool, because of `fault`; False when there is none."""
        if tx.position + 1 >= len(tx.members):
            return False
        tx.faults += (fault,)
        tx.position += 1
        if tx.member.headers != fault.member.headers:
            tx.body = None
        tx.redials = 0
        tx.broken_hosts = frozenset()
        tx.forget_replies()
        self.dispatch(tx)
        return True

    # -- settling ------------------------------------------------------------------------------------------------

    def finish(self, result: AttemptResult) -> None:
        """Hand a result to the sink. A sink that raises stops the engine, and `run` raises the error."""
        self._held -= 1
        try:
            if self._sink is not None:
                self._sink(result)
        except Exception as error:
            self._error = self._error or error
            self.stop()
        if self._held <= self._wake_at:
            self._wake()

    def release(self, tx: Transaction, why: str, pause: float = _BACK_SECONDS) -> None:
        """Give a delivery back untried; another claim is worth while after `pause` seconds, but at once when this worker stops."""
        self.finish(self.reporter.released(tx, why, 0.0 if self.stopping else pause))

    def _wake(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    # -- connections ---------------------------------------------------------------------------------------------

    def may_open(self, member: Member) -> bool:
        """Count one more connection through `member` in, or say no and free an idle one elsewhere.

        Three bounds: the engine's, that of the member towards its provider, that of the provider. Domains with different MX hosts may
        belong to one provider; what one of them leaves idle is closed for the other.
        """
        mine, theirs = (member.source_id, member.provider), (None, member.provider)
        bound = member.provider_connections
        full_source = member.source_id is not None and self._budgets.get(mine, 0) >= max(1, member.max_connections)
        full = full_source or (bound is not None and self._budgets.get(theirs, 0) >= max(1, bound))
        if not full and self._connections < self.limits.max_connections:
            self._connections += 1
            self._budgets[mine] = self._budgets.get(mine, 0) + 1
            self._budgets[theirs] = self._budgets.get(theirs, 0) + 1
            return True
        self._starving = True
        for route in self._routes.values():
            other = route.member
            same = other.provider == member.provider and (not full_source or other.source_id == member.source_id)
            if route.idle_conns and (not full or same):
                asyncio.get_running_loop().call_soon(route.idle_conns[0].quit)
                break
        return False

    def closed_one(self, member: Member) -> None:
        """Count one connection through `member` out; routes that were denied one may try again."""
        for key in ((member.source_id, member.provider), (None, member.provider)):
            left = self._budgets.get(key, 0) - 1
            if left > 0:
                self._budgets[key] = left
            else:
                self._budgets.pop(key, None)
        self._connections -= 1
        if self._starving and not self.stopping:
            self._starving = False
            for route in tuple(self._routes.values()):
                if route.waiting:
                    route.grow()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a short piece of work (a look-up, a dial) beside the rest, and keep it from being collected."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _sweep_often(self) -> None:
        limits, timeouts = self.limits, self.limits.timeouts
        shortest = min(limits.idle_seconds, limits.steal_after, timeouts.mail, timeouts.rcpt, timeouts.data, timeouts.data_block, timeouts.end_of_data)
        every = min(1.0, max(0.02, shortest / 4))
        while self._running or self._held or self._connections:
            self._sweep()
            await asyncio.sleep(every)

    def _sweep(self) -> None:
        now = self.now()
        for route in [*self._routes.values(), *self._retired]:
            route.sweep(now)
        for key in [key for key, route in self._routes.items() if route.is_unused]:
            del self._routes[key]
        for route in [route for route in self._retired if route.is_unused]:
            self._retired.discard(route)
