"""One SMTP server: its sessions, limits and counters. The listeners are opened in `worker.smtp.serve`."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import os
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from worker.smtp import replies
from worker.smtp.connection import Connection
from worker.smtp.guard import AuthGuard, FailureCounter, network_of
from worker.smtp.limits import Limits
from worker.smtp.protocol import SmtpConnection
from worker.smtp.receiver import Budget
from worker.smtp.replies import Reply
from worker.smtp.session import Handler, Session

_SWEEP_SECONDS = 1.0


@dataclass(slots=True)
class Counters:
    """What a server process has seen since its start; read by the metrics page."""

    connections: int = 0
    rejected_connections: int = 0
    tls_sessions: int = 0
    tls_failures: int = 0
    logins: int = 0
    failed_logins: int = 0
    messages: int = 0
    refusals: int = 0
    failures: int = 0


class SmtpServer:
    """Holds the open connections of one server (submission, inbound or simulator) in this process."""

    def __init__(
        self,
        name: str,
        hostname: str,
        handler: Handler,
        limits: Limits | None = None,
        *,
        tls_context: ssl.SSLContext | None = None,
        login_required: bool = False,
        allow_plain_login: bool = False,
        plain_login_networks: Iterable[str] = (),
        failure_counter: FailureCounter | None = None,
    ) -> None:
        """name: for logs ("submission"); hostname: said in greeting and EHLO; tls_context: offers STARTTLS when given;
        login_required: AUTH is offered and MAIL refused without it; allow_plain_login: AUTH without TLS too, meant for
        tests only; plain_login_networks: the same for clients in these networks (CIDR); failure_counter: a store shared with
        other processes for failed logins."""
        self.name = name
        self.handler = handler
        self.limits = limits or Limits()
        self.tls_context = tls_context
        self.login_required = login_required
        self.allow_plain_login = allow_plain_login
        self._plain_networks = tuple(ipaddress.ip_network(network, strict=False) for network in plain_login_networks)
        self.guard = AuthGuard(self.limits, failure_counter)
        self.budget = Budget(self.limits.buffered_octets)
        self.counters = Counters()
        self.greeting = Reply(220, "", f"{hostname} ESMTP Postbridge")
        self.hello = Reply(250, "", hostname)
        self._hostname = hostname
        self._capabilities: dict[tuple[bool, bool], Reply] = {}
        self._connections: set[Connection] = set()
        self._per_network: Counter[str] = Counter()
        self._numbers = itertools.count(1)
        self._prefix = os.urandom(5).hex()
        self._sweeper: asyncio.TimerHandle | None = None
        self._stopping = False
        self._empty: asyncio.Event | None = None
        self.now: Callable[[], float] = time.monotonic

    # --- used by connections ------------------------------------------------------------------------------------

    def factory(self, *, implicit_tls: bool = False) -> Callable[[], SmtpConnection]:
        """Protocol factory for `loop.create_server`; implicit_tls: the client starts with a TLS handshake (port 465)."""
        return lambda: SmtpConnection(self, implicit_tls)

    def new_session(self, peer: str, port: int) -> Session:
        """A fresh session for a connection from `peer`."""
        return Session(f"{self._prefix}-{next(self._numbers):x}", peer, port, self.now())

    def admit(self, connection: Connection) -> Reply | None:
        """Register a connection, or say why not."""
        network = network_of(connection.session.peer)
        refusal: Reply | None = None
        if self._stopping:
            refusal = replies.SHUTTING_DOWN
        elif len(self._connections) >= self.limits.connections:
            refusal = replies.SERVER_FULL
        elif self._per_network[network] >= self.limits.connections_per_address:
            refusal = replies.TOO_MANY_CONNECTIONS
        if refusal is not None:
            self.counters.rejected_connections += 1
            if not self._per_network[network]:
                del self._per_network[network]
            return refusal
        self.counters.connections += 1
        self._connections.add(connection)
        self._per_network[network] += 1
        if self._sweeper is None:
            self._schedule_sweep()
        return None

    def forget(self, connection: Connection) -> None:
        """A connection ended."""
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        network = network_of(connection.session.peer)
        self._per_network[network] -= 1
        if self._per_network[network] <= 0:
            del self._per_network[network]
        if not self._connections and self._empty is not None:
            self._empty.set()

    def may_login_plainly(self, session: Session) -> bool:
        """Whether this client may log in without TLS: the operator vouches for the network between us."""
        if not self._plain_networks:
            return self.allow_plain_login
        peer = ipaddress.ip_address(session.peer.partition("%")[0])
        return self.allow_plain_login or any(peer in network for network in self._plain_networks)

    def capabilities(self, session: Session) -> Reply:
        """The answer to EHLO for this session."""
        offers_tls = self.tls_context is not None and session.tls is None
        offers_login = self.login_required and (session.tls is not None or self.may_login_plainly(session))
        key = (offers_tls, offers_login)
        reply = self._capabilities.get(key)
        if reply is None:
            lines = [self._hostname, "PIPELINING", f"SIZE {self.limits.message_octets}"]
            lines += ["STARTTLS"] * offers_tls + ["AUTH PLAIN LOGIN"] * offers_login
            lines += ["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
            reply = self._capabilities[key] = Reply(250, "", "\n".join(lines))
        return reply

    # --- used by the process ------------------------------------------------------------------------------------

    @property
    def open_sessions(self) -> list[Session]:
        """The sessions now open."""
        return [connection.session for connection in self._connections]

    def close_sessions(self, predicate: Callable[[Session], bool], reply: Reply = replies.REVOKED) -> int:
        """End every session the predicate names (a deleted bridge's, say) at once; returns how many.

        A message that is still arriving is cut off; one that is already being committed is answered first.
        """
        chosen = [connection for connection in self._connections if predicate(connection.session)]
        for connection in chosen:
            connection.end(reply, finish=False)
        return len(chosen)

    async def stop(self, grace: float = 20.0) -> None:
        """End all sessions: idle ones at once with 421, those with a message under way when it is answered.

        grace: seconds to wait for them before the connections are cut. New connections are refused from now on.
        """
        self._stopping = True
        self._empty = asyncio.Event()
        for connection in list(self._connections):
            connection.end(replies.SHUTTING_DOWN, finish=True)
        if self._connections:
            try:
                await asyncio.wait_for(self._empty.wait(), grace)
            except TimeoutError:
                for connection in list(self._connections):
                    connection.abort()
                await asyncio.sleep(0)
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def _schedule_sweep(self) -> None:
        self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """One timer for all sessions instead of one each; it sleeps while nobody is connected."""
        now = self.now()
        for connection in list(self._connections):
            connection.check_deadline(now)
        self._sweeper = None
        if self._connections:
            self._schedule_sweep()
