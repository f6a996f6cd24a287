"""The transport side of an SMTP connection: lines in, replies out, waiting, time limits, TLS.

Why not a stream reader and a task a connection: commands are answered inside `data_received`, pipelined commands with
one write, so an ordinary message costs one callback and no task until its commit.

Rules that must not be lost when this is changed:
- Only CR LF ends a command; a bare LF in a command is refused.
- After STARTTLS everything already received is thrown away (CVE-2011-0411, CVE-2024-34083).
- While an answer is being worked out (`_busy`) nothing is parsed; input beyond a bound stops the reading.
- While the peer does not take our replies (`_write_blocked`) no command is taken.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from worker.smtp import replies
from worker.smtp.eager import begin_now
from worker.smtp.receiver import DataReceiver
from worker.smtp.replies import Reply
from worker.smtp.session import Session, TlsInfo

if TYPE_CHECKING:
    from worker.smtp.server import SmtpServer

log = logging.getLogger(__name__)
T = TypeVar("T")


class Connection(asyncio.Protocol):
    """Buffers and clocks of one connection. What the lines mean is decided in the subclass (`_take_line`, ...)."""

    __slots__ = (
        "_buffer", "_busy", "_closing", "_data", "_deadline_reply", "_eof", "_gone", "_held", "_implicit_tls",
        "_leaving", "_limits", "_out", "_pending", "_pending_is_login", "_read_paused", "_server", "_skipping",
        "_transport", "_write_blocked", "deadline", "session",
    )  # fmt: skip

    session: Session

    def __init__(self, server: SmtpServer, implicit_tls: bool = False) -> None:
        self._server = server
        self._limits = server.limits
        self._implicit_tls = implicit_tls
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._out: list[bytes] = []
        self._busy = self._closing = self._gone = self._eof = False
        self._skipping = self._write_blocked = self._read_paused = False
        self._data: DataReceiver | None = None
        self._held: DataReceiver | None = None
        self._pending: asyncio.Future[Any] | None = None
        self._pending_is_login = False
        self._leaving: Reply | None = None
        self.deadline = 0.0
        self._deadline_reply = replies.IDLE_TIMEOUT

    # --- what the subclass says ---------------------------------------------------------------------------------

    def _take_line(self, line: bytes) -> None:
        """Obey one command line (without CRLF, perhaps empty)."""
        raise NotImplementedError

    def _take_data(self) -> bool:
        """Take message octets from the buffer; False when more are needed."""
        raise NotImplementedError

    def _line_limit(self) -> int:
        """Longest acceptable line now, CRLF included."""
        raise NotImplementedError

    def _start_over(self) -> None:
        """Forget the transaction and any half-done exchange."""
        raise NotImplementedError

    # --- asyncio.Protocol ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or refuse when the server or the address has too many connections."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        self.session = self._server.new_session(str(peer[0]), int(peer[1]))
        refusal = self._server.admit(self)
        if refusal is not None:
            self._gone = True  # not registered: nothing to take back
            if not self._implicit_tls:
                self._transport.write(refusal.wire)
            self._transport.close()
            return
        self._transport.set_write_buffer_limits(high=self._limits.reply_octets)
        self._touch()
        if self._implicit_tls:
            self._start_tls(self._greet)
        else:
            self._greet()

    def data_received(self, data: bytes) -> None:
        """Keep the octets and, unless an answer is pending, work them off."""
        if self._gone or self._closing:
            return
        self._buffer += data
        if not self._busy and not self._write_blocked:
            self._feed()
        elif len(self._buffer) > self._limits.pipeline_octets and not self._read_paused:
            self._read_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """A half-closed client (`printf ... | nc`) still gets the answer it waits for, except under TLS."""
        self._eof = True
        return self._busy and self.session.tls is None and not self._implicit_tls

    def pause_writing(self) -> None:
        """The peer does not read: take no more commands."""
        self._write_blocked = True

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._write_blocked = False
        if not self._busy and not self._gone:
            self._feed()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything; a message being committed goes on, a login being checked does not."""
        if self._gone:
            return
        self._gone = True
        self._drop_data()
        if self._pending is not None and self._pending_is_login:
            self._pending.cancel()
        self._buffer.clear()
        self._server.forget(self)

    # --- for the server -----------------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """True while a command or message of this session is being worked on."""
        return self._busy

    def check_deadline(self, now: float) -> None:
        """End a session that is past its time. now: the event loop's clock. A pending answer has its own limits."""
        if now < self.deadline or (self._busy and not self._closing):
            return
        if self._closing:
            self._transport.abort()
        else:
            self._leave(self._deadline_reply)

    def end(self, reply: Reply, *, finish: bool) -> None:
        """End the session with `reply` (a 421).

        finish: a message that is still arriving may arrive and be answered first; one being committed always is.
        """
        if self._gone or self._closing:
            return
        if self._busy or (finish and self._data is not None):
            self._leaving = reply
            if self._pending is not None and self._pending_is_login:
                self._pending.cancel()
        else:
            self._leave(reply)

    def abort(self) -> None:
        """Cut the connection now."""
        self._transport.abort()

    # --- reading ------------------------------------------------------------------------------------------------

    def _feed(self) -> None:
        """Work off the buffer until it is empty, an answer is pending, or the peer does not take our replies."""
        while not (self._busy or self._closing or self._write_blocked):
            if self._data is not None:
                if not self._take_data():
                    break
                continue
            line = self._next_line()
            if line is None:
                break
            self._take_line(line)
            if len(self._out) >= 64:
                self._flush()
        self._flush()
        if self._read_paused and not self._busy and not self._closing and len(self._buffer) <= self._limits.pipeline_octets:
            self._read_paused = False
            self._transport.resume_reading()

    def _next_line(self) -> bytes | None:
        """Cut the next command line from the buffer (without CRLF); None when there is none.

        Lines that are too long or end with a bare LF are refused here, whatever they say.
        """
        buffer = self._buffer
        while not self._closing:
            index = buffer.find(b"\n")
            limit = self._line_limit()
            if index < 0:
                if len(buffer) > limit:
                    self._skipping = True
                    del buffer[:]
                return None
            line = bytes(buffer[:index])
            del buffer[: index + 1]
            if self._skipping or index + 1 > limit:
                self._skipping = False
                self._error(replies.LINE_TOO_LONG)
            elif not line.endswith(b"\r"):
                self._error(replies.BARE_LINE_FEED)
            else:
                return line[:-1]
        return None

    def _drop_data(self) -> None:
        if self._data is not None:
            self._data.release()
            self._data = None

    # --- writing ------------------------------------------------------------------------------------------------

    def _greet(self) -> None:
        self._say(self._server.greeting)
        self._flush()

    def _say(self, reply: Reply) -> None:
        self._out.append(reply.wire)

    def _flush(self) -> None:
        if self._out:
            if not self._gone and not self._transport.is_closing():
                self._transport.write(self._out[0] if len(self._out) == 1 else b"".join(self._out))
            self._out.clear()

    def _error(self, reply: Reply) -> None:
        """Refuse a command, and after too many refusals the client."""
        self._server.counters.refusals += 1
        self.session.errors += 1
        self._say(reply)
        if self.session.errors >= self._limits.errors:
            self._leave(replies.TOO_MANY_ERRORS)

    def _leave(self, reply: Reply) -> None:
        """Say a last word and close."""
        self._say(reply)
        self._close()

    def _close(self) -> None:
        self._flush()
        self._closing = True
        self._buffer.clear()
        self._drop_data()
        self.deadline = self._server.now() + self._limits.linger_seconds
        self._transport.close()

    def _touch(self) -> None:
        """A complete command arrived: the idle clock starts again, but never past the time to log in."""
        self.deadline, self._deadline_reply = self._server.now() + self._limits.idle_seconds, replies.IDLE_TIMEOUT
        if self._server.login_required and self.session.login is None:
            latest = self.session.connected_at + self._limits.login_seconds
            if latest < self.deadline:
                self.deadline, self._deadline_reply = latest, replies.LOGIN_TIMEOUT

    # --- waiting ------------------------------------------------------------------------------------------------

    def _ask(self, question: Callable[[], T | Awaitable[T]], then: Callable[[T], None]) -> None:
        """Put a question to the handler and go on with `then(answer)`, at once or when the answer is there.

        A handler that breaks costs its client a 451, never the server its life.
        """
        try:
            answer = question()
        except Exception as error:
            self._handler_failed(error)
            return
        if isinstance(answer, Awaitable):
            self._wait(answer, then)
        else:
            self._release_held()
            then(answer)

    def _wait(self, answer: Awaitable[T], then: Callable[[T], None], *, login: bool = False) -> None:
        self._busy = True
        self._pending_is_login = login
        self._pending = asyncio.ensure_future(answer)
        self._pending.add_done_callback(partial(self._settled, then))

    def _settled(self, then: Callable[[T], None], future: asyncio.Future[T]) -> None:
        self._pending = None
        self._busy = self._pending_is_login = False
        self._release_held()
        error = None if future.cancelled() else future.exception()
        if self._gone:
            if error is not None:
                log.error("smtp handler failed after its client left", exc_info=error)
            return
        self._touch()
        if error is not None:
            self._handler_failed(error)
        elif future.cancelled():
            self._start_over()
        else:
            then(future.result())
        self._go_on()

    def _go_on(self) -> None:
        """Behind an answer: leave if that was asked for meanwhile, else take up the input again."""
        if self._busy or self._closing:
            self._flush()
        elif self._leaving is not None:
            self._leave(self._leaving)
        elif self._eof and not self._buffer:
            self._close()
        else:
            self._feed()

    def _handler_failed(self, error: BaseException) -> None:
        self._release_held()
        log.error("smtp handler failed", exc_info=error, extra={"smtp_session": self.session.id})
        self._server.counters.failures += 1
        self._start_over()
        self._say(replies.INTERNAL)

    def _release_held(self) -> None:
        """Give back the memory of a message that was answered."""
        if self._held is not None:
            self._held.release()
            self._held = None

    # --- TLS ----------------------------------------------------------------------------------------------------

    def _start_tls(self, then: Callable[[], None]) -> None:
        """Upgrade the connection, then call `then`. Input received before the handshake is thrown away."""
        context = self._server.tls_context
        assert context is not None
        self._buffer.clear()
        self._busy = True
        upgrade = asyncio.get_running_loop().start_tls(
            self._transport, self, context, server_side=True, ssl_handshake_timeout=self._limits.tls_handshake_seconds
        )
        # Begun now, not in the loop's next round: what the client sends meanwhile would come to us, be lost to the handshake,
        # and that would wait for ever.
        self._pending = begin_now(upgrade)
        self._pending.add_done_callback(partial(self._tls_started, then))

    def _tls_started(self, then: Callable[[], None], future: asyncio.Future[asyncio.Transport | None]) -> None:
        self._pending = None
        self._busy = False
        failed = future.cancelled() or future.exception() is not None
        transport = None if failed else future.result()
        # uvloop calls an upgrade done whose peer left in the middle of it: there is no TLS then, and nobody reports the loss.
        if transport is None or transport.get_extra_info("ssl_object") is None:
            self._server.counters.tls_failures += 1
            self._transport.abort()
            self.connection_lost(None)  # a failed upgrade does not always report it
            return
        if self._gone:
            transport.abort()
            return
        self._transport = transport
        transport.set_write_buffer_limits(high=self._limits.reply_octets)
        ssl_object = transport.get_extra_info("ssl_object")
        cipher = ssl_object.cipher()
        session = self.session
        session.tls = TlsInfo(ssl_object.version() or "", cipher[0] if cipher else "")
        session.helo, session.esmtp, session.login = "", False, None
        self._server.counters.tls_sessions += 1
        self._start_over()
        self._touch()
        then()
        self._go_on()
