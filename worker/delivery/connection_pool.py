"""Routes: one way out (a member) to one destination (a relay, or the MX hosts of a group of domains), with its connections."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from worker.delivery.backlog import Backlog
from worker.delivery.handshake import DialFailure
from worker.delivery.hosts import Hosts
from worker.delivery.mta_sts import StsPolicy
from worker.delivery.resolver import Destination
from worker.delivery.smtp_client import Connection
from worker.delivery.transaction import Failure, Transaction
from worker.delivery.types import AttemptResult, Fault, Member, MemberKind, ReplyClass, Stage, TlsMode
from worker.delivery.wire import Reply

if TYPE_CHECKING:
    from worker.delivery.engine import Engine

log = logging.getLogger(__name__)

_RAISE_AFTER = 50  # deliveries without trouble before a lowered connection limit grows by one
_SLOW_SECONDS = 60.0  # how long nothing is pipelined behind the end of data of a destination found slow
_MAX_REDIALS = 2
_RELAY_REFUSES_US = frozenset({530, 534, 535, 538})
_TOO_SLOW = "the destination takes mail too slowly"
_OF_THIS_HOST = frozenset({ReplyClass.TEMPORARY, ReplyClass.NET, ReplyClass.PROTOCOL})


class Route:
    """The queue and the connections of one destination. All methods run on the event loop and never block.

    `limit` starts at the member's `max_connections`, falls to what the destination was seen to bear when it refuses a
    further connection, and grows again slowly.
    """

    def __init__(
        self, engine: Engine, member: Member, tls: TlsMode, destinations: tuple[Destination, ...], sts: StsPolicy | None = None
    ) -> None:
        self.engine, self.member = engine, member
        self._hosts = Hosts(engine, member, tls, destinations, sts)
        self.waiting: deque[Transaction] = deque()
        self.idle_conns: list[Connection] = []
        self.conns: set[Connection] = set()
        self.opening = 0
        self.limit = max(1, member.max_connections)
        self.most = self._messages_per_connection()
        self.backlog = Backlog()
        self._good = 0
        self._rests_until = 0.0
        self._failure: Failure | None = None
        self._slow_until = 0.0

    @property
    def is_unused(self) -> bool:
        """Whether the route can be forgotten."""
        return not (self.conns or self.opening or self.waiting) and self._rests_until <= self.engine.now()

    def _messages_per_connection(self) -> int:
        return min(self.engine.limits.max_messages_per_connection, self.member.messages_per_connection or 2**31)

    def adopt(self, member: Member) -> None:
        """Go on with a copy of the member that has other limits; connections above a lower one end with what they send now."""
        lowered = self.limit < self.member.max_connections
        self.limit = min(self.limit, max(1, member.max_connections)) if lowered else max(1, member.max_connections)
        self.member = member
        self.most = self._messages_per_connection()
        while self.idle_conns and len(self.conns) > self.limit:
            self.idle_conns.pop().quit()

    # -- deliveries in -------------------------------------------------------------------------------------------

    def add(self, tx: Transaction) -> None:
        """Send `tx` as soon as a connection is free; at once with the last failure while the destination rests."""
        if self._failure is not None:
            if self.engine.now() < self._rests_until:
                self.engine.unreachable(tx, self._failure)
                return
            self._failure = None
        if len(self.waiting) >= self.engine.share and self.release_excess(self.engine.share, room=1):
            self.engine.release(tx, _TOO_SLOW, self.backlog.clog(self.engine.now()))
            return
        if not self._start_idle(tx):
            if len(self.waiting) in (0, self.engine.share):
                self.backlog.begin(self.engine.now())
            self.waiting.append(tx)
            self.grow()

    def _start_idle(self, tx: Transaction) -> bool:
        for index in range(len(self.idle_conns) - 1, -1, -1):
            conn = self.idle_conns[index]
            if conn.closed or not _fits(tx, conn):
                continue
            del self.idle_conns[index]
            conn.start(tx)
            return True
        return False

    def grow(self) -> None:
        """Open connections for what waits, up to the limits of the route and of the engine."""
        engine = self.engine
        while len(self.waiting) > self.opening and len(self.conns) + self.opening < self.limit and not engine.stopping:
            if not engine.may_open(self.member):
                return
            self.opening += 1
            engine.spawn(self._open())

    # -- what connections ask and tell (smtp_client.Owner) -------------------------------------------------------

    def take(self, conn: Connection) -> Transaction | None:
        """The next delivery for an idle connection."""
        waiting = self.waiting
        if not waiting or conn.count >= self.most or len(self.conns) > self.limit:
            return None
        for _ in range(min(len(waiting), 8)):
            tx = waiting.popleft()
            if _fits(tx, conn):
                if not waiting:
                    self.backlog.clear()
                return tx
            waiting.append(tx)
        return None

    def take_behind(self, conn: Connection) -> Transaction | None:
        """The next delivery, to be pipelined behind an end of data; None where that has proved slow."""
        if not self.waiting or (self._slow_until and self.engine.now() < self._slow_until):
            return None
        return self.take(conn)

    def replied(self, tx: Transaction, conn: Connection, stage: Stage, reply: Reply) -> None:
        """A reply settled `tx`; a relay that refuses *us* passes it on to the next member."""
        self.backlog.count()
        if reply.code < 300:
            self._good += 1
            if self.limit < self.member.max_connections and self._good % _RAISE_AFTER == 0:
                self.limit += 1
            self.engine.finish(self.engine.reporter.replied(tx, conn, stage, reply))
            return
        result = self.engine.reporter.replied(tx, conn, stage, reply)
        if tx.position + 1 < len(tx.members) and not self.engine.stopping and self._is_about_us(result):
            tx.notes = result.transcript
            self.engine.next_member(tx, Fault(tx.member, stage, result.reply_class, result.code, result.reply))
            return
        if reply.code < 500 and not self.engine.stopping and _is_of_one_host(result) and self._has_another_host(tx, conn):
            self._try_another_host(tx, conn, result)
            return
        self.engine.finish(result)

    def _has_another_host(self, tx: Transaction, conn: Connection) -> bool:
        return tx.redials < _MAX_REDIALS and self._hosts.has_other(tx.broken_hosts | {conn.host})

    def _try_another_host(self, tx: Transaction, conn: Connection, result: AttemptResult) -> None:
        conn.count = max(conn.count, 1)  # it has had its say: no fresh connection that what waits could fall back on
        tx.redials += 1
        tx.notes = result.transcript
        tx.broken_hosts |= {conn.host}
        tx.forget_replies()
        self._put_back(tx)

    def _is_about_us(self, result: AttemptResult) -> bool:
        """Whether a refusal is of this way out, so that another one may be luckier: our address is blocked, or the relay refuses our login or has
        had enough of us. A provider that asks to slow down is not evaded through our other addresses."""
        if result.reply_class is ReplyClass.BLOCK:
            return True
        relay = self.member.kind is MemberKind.RELAY
        return relay and (result.reply_class is ReplyClass.THROTTLE or (result.stage is Stage.MAIL and result.code in _RELAY_REFUSES_US))

    def lost(self, tx: Transaction, conn: Connection, stage: Stage, why: str) -> None:
        """The connection broke under `tx` before it could have been delivered: the next host, the next member, or later."""
        engine = self.engine
        if engine.stopping:
            engine.release(tx, "the worker is stopping")
            return
        self._hosts.rest(conn.ip)
        result = engine.reporter.lost(tx, conn, stage, why)
        if self._has_another_host(tx, conn):
            self._try_another_host(tx, conn, result)
        elif self.member.kind is MemberKind.RELAY and tx.position + 1 < len(tx.members):
            tx.notes = result.transcript
            engine.next_member(tx, Fault(tx.member, stage, result.reply_class, None, why))
        else:
            engine.finish(result)

    def unknown(self, tx: Transaction, conn: Connection, why: str) -> None:
        """Nobody knows whether `tx` arrived. It is settled as such; only the schedule may send it again."""
        self.engine.finish(self.engine.reporter.unknown(tx, conn, why))

    def again(self, tx: Transaction, conn: Connection) -> None:
        """`tx` was not begun because of this connection alone: first in the queue."""
        if self.engine.stopping:
            self.engine.release(tx, "the worker is stopping")
            return
        if conn.stolen:
            self._slow_until = self.engine.now() + _SLOW_SECONDS
        tx.forget_replies()
        self._put_back(tx)

    def _put_back(self, tx: Transaction) -> None:
        if not self._start_idle(tx):
            self.waiting.appendleft(tx)
            self.grow()

    def impossible(self, tx: Transaction, stage: Stage, code: int | None, enhanced: str | None, text: str, reply_class: ReplyClass) -> None:
        """`tx` cannot be sent as it is."""
        self.engine.finish(self.engine.reporter.impossible(tx, stage, code, enhanced, text, reply_class))

    def may_begin(self, tx: Transaction) -> bool:
        """Whether `tx` may be sent now."""
        return self.engine.barrier.may_begin(tx)

    def may_finish(self, tx: Transaction) -> bool:
        """The same at the last moment."""
        return self.engine.barrier.may_finish(tx)

    def broken_render(self, tx: Transaction, error: Exception) -> None:
        """The content of `tx` would not render."""
        log.error("rendering of recipient %s failed", tx.delivery.recipient_id, exc_info=error)
        self.engine.finish(self.engine.reporter.broken_render(tx, error))

    def idle(self, conn: Connection) -> None:
        """Nothing to send on `conn`: keep it for a while, unless it has served its time or cannot take what waits."""
        if len(self.conns) > self.limit:
            conn.quit()
            return
        if self.waiting and not conn.count and not self.engine.stopping:
            # Fresh, and yet it does not suit what waits: the other hosts could not be reached, so this one again.
            for tx in self.waiting:
                tx.broken_hosts = frozenset()
            conn.start()
            return
        if self.waiting or self.engine.stopping or conn.count >= self.most:
            conn.quit()
            return
        conn.deadline = self.engine.now() + self.engine.limits.idle_seconds
        self.idle_conns.append(conn)

    def gone(self, conn: Connection) -> None:
        """`conn` is closed."""
        self.conns.discard(conn)
        if conn in self.idle_conns:
            self.idle_conns.remove(conn)
        self.engine.closed_one(self.member)
        self.grow()

    # -- opening -------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        conn: Connection | None = None
        failure: Failure | None = None
        try:
            head = self.waiting[0] if self.waiting else None
            conn = await self._hosts.connect(head.delivery.domain if head else "", head.broken_hosts if head else frozenset())
        except DialFailure as error:
            failure = error.failure
        except Exception as error:
            log.exception("opening a connection failed")
            failure = Failure(Stage.CONNECT, None, f"could not connect: {type(error).__name__}", ReplyClass.NET)
        finally:
            self.opening -= 1
            if conn is None:
                self.engine.closed_one(self.member)
        if conn is not None:
            self.conns.add(conn)
            conn.begin(self, conn.preamble)
            if not conn.closed:
                conn.start()
        elif failure is not None:
            self._open_failed(failure)

    def _open_failed(self, failure: Failure) -> None:
        """With other connections up, the destination bears no more than those; with none, all that waits has failed."""
        live = len(self.conns) + self.opening
        if live:
            self.limit = live
            return
        self._rests_until = self.engine.now() + self.engine.limits.cooldown
        self._failure = failure
        waiting, self.waiting = self.waiting, deque()
        self.backlog.clear()
        for tx in waiting:
            self.engine.unreachable(tx, failure)

    # -- care ----------------------------------------------------------------------------------------------------

    def sweep(self, now: float) -> None:
        """Close what idled long enough, end what waits too long, move what waits behind a silent end of data."""
        steal_before = now - self.engine.limits.steal_after
        for conn in tuple(self.conns):
            if now >= conn.deadline:
                if conn in self.idle_conns:
                    conn.quit()
                else:
                    conn.expire(now)
            elif conn.current is not None and conn.sent is not None and conn.sent_at < steal_before:
                conn.steal()

    def release_excess(self, least: int, room: int = 0) -> bool:
        """Give back the newest deliveries beyond what the destination takes, but for the `least` first ones; whether it has no `room` for more."""
        now = self.engine.now()
        bound = self.backlog.bound(least, now, self.engine.limits.patience)
        if bound is None or len(self.waiting) + room <= bound:
            return False
        pause = self.backlog.clog(now)
        while len(self.waiting) > bound:
            self.engine.release(self.waiting.pop(), _TOO_SLOW, pause)
        return True

    def release_all(self, why: str) -> None:
        """Give back everything that waits."""
        waiting, self.waiting = self.waiting, deque()
        for tx in waiting:
            self.engine.release(tx, why)

    def close(self) -> None:
        """End every connection: idle ones with QUIT, busy ones at once."""
        for conn in tuple(self.conns):
            if conn in self.idle_conns:
                conn.quit()
            else:
                conn.abort("the worker is stopping")


def _fits(tx: Transaction, conn: Connection) -> bool:
    """Whether `tx` may use `conn`: not where it broke before, and after a lost connection only a fresh one."""
    return conn.host not in tx.broken_hosts and not (tx.redials and conn.count)


def _is_of_one_host(result: AttemptResult) -> bool:
    """Whether a 4xx may be this host's alone (4.3.x is the state of its system, RFC 3463), so that the next MX is asked at once.

    Greylisting, throttles, blocks and full boxes are the same at every host of a destination, and asking them all would only make it worse.
    """
    return result.reply_class in _OF_THIS_HOST or (result.enhanced or "").startswith("4.3.")
