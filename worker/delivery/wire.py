"""The bytes of one SMTP client connection: cutting the stream into replies, the question-and-answer of the handshake, TLS."""

from __future__ import annotations

import asyncio
import ssl
from typing import NamedTuple, cast

from worker.delivery.replies import clean_text

MAX_LINE = 4096
MAX_REPLY = 16_384
MAX_REPLY_LINES = 128
_SEPARATORS = (b" ", b"-", b"")


class Reply(NamedTuple):
    """One complete reply: its code, and its lines with their codes, joined by LF, as they came."""

    code: int
    raw: bytes


class Wire(asyncio.Protocol):
    """Base of `Connection`: everything that does not depend on what the replies mean."""

    def __init__(self, host: str, ip: str) -> None:
        self.host, self.ip = host, ip
        self.tls: str | None = None
        self.extensions: dict[str, str] = {}
        self.greets_as = ""  # the name in the answer to EHLO
        self.closed = False
        self._waiter: asyncio.Future[Reply] | None = None
        self._early: Reply | None = None  # the banner may arrive before anybody waits for it
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._lines: list[bytes] = []
        self._lines_size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Also called again by the loop after STARTTLS on some versions; then only the transport changes."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Cut the stream into replies and hand each one on. Lines and replies are bounded; LF alone also ends a line."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            if self.closed:
                return
            line = data[start : end - 1] if end > start and data[end - 1] == 13 else data[start:end]
            start = end + 1
            mark = line[3:4]
            if not (line[:3].isdigit() and mark in _SEPARATORS and 50 <= line[0] <= 53) or len(line) > MAX_LINE:
                self._fail(f"unreadable reply: {clean_text(line, 100)}")
                return
            if mark == b"-":
                self._lines.append(line)
                self._lines_size += len(line)
                if len(self._lines) > MAX_REPLY_LINES or self._lines_size > MAX_REPLY:
                    self._fail("the reply is too long")
                    return
            elif self._lines:
                self._lines.append(line)
                raw = b"\n".join(self._lines)
                self._lines, self._lines_size = [], 0
                self._reply(Reply(int(line[:3]), raw))
            else:
                self._reply(Reply(int(line[:3]), line))
        if self.closed:
            return
        if start < len(data):
            self._buffer = data[start:]
            if len(self._buffer) > MAX_LINE:
                self._fail("a reply line is too long")
                return
        self._after_replies()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side or the network ended the connection."""
        self._fail(f"connection lost: {exc}" if exc is not None else "the connection was closed")

    # -- handshake -----------------------------------------------------------------------------------------------

    async def ask(self, command: bytes, timeout: float) -> Reply:
        """Send `command` (empty: only wait) and return the reply. For the handshake only.

        Raises ConnectionError when the connection ends, TimeoutError after `timeout` seconds.
        """
        if self.closed:
            raise ConnectionError("the connection was closed")
        if self._early is not None:
            early, self._early = self._early, None
            if command:
                self._fail("a reply without a command")
                raise ConnectionError("a reply without a command")
            return early
        self._waiter = self._loop.create_future()
        if command:
            self._write(command)
        async with asyncio.timeout(timeout):
            return await self._waiter

    def unread(self) -> bool:
        """Whether bytes arrived that nobody asked for: before TLS these are an injection (CVE-2011-0411)."""
        return bool(self._buffer or self._lines or self._early)

    async def start_tls(self, context: ssl.SSLContext, host: str, timeout: float) -> None:
        """Wrap the connection in TLS and forget all that was said in the clear. Raises OSError (ssl.SSLError) or TimeoutError."""
        assert self._transport is not None
        transport = await self._loop.start_tls(
            self._transport,
            self,
            context,
            server_hostname=host,
            ssl_handshake_timeout=timeout,
        )
        if transport is None or self.closed:
            raise ConnectionError("the connection was closed during the TLS handshake")
        self._transport = transport
        self._buffer, self._lines, self._early = b"", [], None
        self.extensions = {}
        self.note_tls()

    def tls_object(self) -> ssl.SSLObject | None:
        """The TLS of the present transport, or None in the clear."""
        return self._transport.get_extra_info("ssl_object") if self._transport is not None else None

    def note_tls(self) -> None:
        """Remember version and cipher of the present transport, if it is TLS."""
        found = self.tls_object()
        if found is not None:
            cipher = found.cipher()
            self.tls = f"{found.version()} {cipher[0] if cipher else ''}".strip()

    def abort(self, why: str) -> None:
        """Drop the connection now; deliveries on it end as after a lost connection."""
        self._fail(why)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _reply(self, reply: Reply) -> None:
        """During the handshake: hand the reply to whoever waits."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)
        elif self._early is None:
            self._early = reply
        else:
            self._fail("more replies than commands")

    def _after_replies(self) -> None:
        """Called once after every batch of replies."""

    def _fail(self, why: str, *, quietly: bool = False) -> None:
        """The connection is over: close it (`quietly`: let what is written leave first) and tell whoever waits, once."""
        if self.closed:
            return
        self.closed = True
        if self._transport is not None:
            if quietly:
                self._transport.close()
            else:
                self._transport.abort()
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_exception(ConnectionError(why))
