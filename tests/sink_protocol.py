"""One connection to the scriptable SMTP server of `sinks.py`, where its behaviours are listed."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64decode
from collections import deque
from collections.abc import Callable
from typing import ClassVar, cast

from tests.sink_script import DATA_REPLIES, REPLIES, Received, SinkOptions, SinkState, behaviour_of, code_in


class SinkProtocol(asyncio.Protocol):
    """One connection to the sink."""

    def __init__(self, options: SinkOptions, state: SinkState) -> None:
        self.options, self.state = options, state
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport
        self.buffer = bytearray()
        self.in_data = self.secure = self.deaf = self.counted = self.leaving = False
        self.outbox: deque[tuple[float, bytes]] = deque()
        self.user: str | None = None
        self.helo = ""
        self.sender: str | None = None
        self.recipient: str | None = None
        self.refused = ""
        self.mail_options = ""
        self.number = 0
        self.taken = 0
        self.scan = 0
        self.delay = 0.0
        self.auth_step: list[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or refuse when too many are connected."""
        self.transport = cast(asyncio.Transport, transport)
        if self.counted:  # the loop calls again after STARTTLS
            return
        state, options = self.state, self.options
        self.counted = True
        self.secure = options.tls is not None
        state.connections += 1
        state.open += 1
        self.number = state.connections
        if options.max_connections is not None and state.open > options.max_connections:
            state.refused += 1
            self.say(b"421 4.7.0 too many connections from your host")
            self.close()
            return
        state.peak = max(state.peak, state.open)
        self.say(options.banner)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it out."""
        self.state.open -= 1

    # -- answering -----------------------------------------------------------------------------------------------

    def say(self, reply: bytes) -> None:
        """Send a reply, late when the options or the recipient want that, but never before an earlier one."""
        delay = self.delay or self.options.latency
        if not delay and not self.outbox:
            self._write(reply + b"\r\n")
            return
        self.outbox.append((self.loop.time() + delay, reply + b"\r\n"))
        if len(self.outbox) == 1:
            self.loop.call_later(delay, self.say_due)

    def say_due(self) -> None:
        """Send what has waited long enough, and come back for the rest."""
        now = self.loop.time() + 0.0001
        while self.outbox and self.outbox[0][0] <= now:
            self._write(self.outbox.popleft()[1])
        if self.outbox:
            self.loop.call_at(self.outbox[0][0], self.say_due)
        elif self.leaving:
            self.transport.close()

    def _write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        """Read no further, and close once what was said has left."""
        self.deaf = self.leaving = True
        if not self.outbox:
            self.transport.close()

    def reset(self) -> None:
        """Drop the connection hard."""
        self.deaf = True
        self.transport.abort()

    # -- reading -------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Cut commands and messages from the stream."""
        buffer = self.buffer
        buffer += data
        while buffer and not self.deaf:
            if self.in_data:
                if self.refused == "dropmid":
                    self.reset()
                    return
                end = 0 if buffer[:3] == b".\r\n" else buffer.find(b"\r\n.\r\n", max(0, self.scan - 5))
                if end < 0:
                    self.scan = len(buffer)
                    return
                size = 3 if buffer[:3] == b".\r\n" else end + 5
                content = b"" if size == 3 else bytes(buffer[: end + 2])
                del buffer[:size]
                self.in_data, self.scan = False, 0
                self.end_of_data(content)
                continue
            end = buffer.find(b"\r\n")
            if end < 0:
                return
            line = bytes(buffer[:end])
            del buffer[: end + 2]
            self.command(line)

    def command(self, line: bytes) -> None:
        """One command line."""
        text = line.decode("utf-8", "replace")
        if self.options.keep:
            self.state.commands.append(text)
        if self.auth_step is not None:
            self.auth_answer(line)
            return
        verb, _, rest = text.partition(" ")
        handler = self._handlers.get(verb.upper())
        if handler is None:
            self.say(b"500 5.5.1 unknown command")
        else:
            handler(self, rest)

    def do_ehlo(self, rest: str) -> None:
        self.helo = rest
        self.forget()
        options = self.options
        if options.ehlo is not None:
            self.say(options.ehlo)
            return
        lines = ["sink.test", "ENHANCEDSTATUSCODES"]
        lines += ["PIPELINING"] * options.pipelining + ["8BITMIME"] * options.eight_bit + ["SMTPUTF8"] * options.utf8
        if options.size is not None:
            lines.append(f"SIZE {options.size}")
        if (options.starttls or options.starttls_reply) and not self.secure:
            lines.append("STARTTLS")
        if options.auth:
            lines.append(f"AUTH {options.auth_methods}")
        self.say("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]).encode())

    def do_helo(self, rest: str) -> None:
        self.helo = rest
        self.forget()
        self.say(b"250 sink.test")

    def do_starttls(self, rest: str) -> None:
        if self.options.starttls_reply:
            self.say(self.options.starttls_reply)
        elif self.options.starttls is None or self.secure:
            self.say(b"503 5.5.1 no TLS here")
        else:
            self.buffer.clear()  # what was said in the clear is gone
            self.transport.write(b"220 2.0.0 go ahead\r\n" + self.options.inject)
            self.deaf = True
            self.task = self.loop.create_task(self.upgrade(self.options.starttls))

    async def upgrade(self, context: ssl.SSLContext) -> None:
        """The TLS handshake; a client that breaks it off is gone."""
        self.buffer.clear()
        try:
            transport = await self.loop.start_tls(self.transport, self, context, server_side=True)
        except (OSError, ConnectionError):
            return
        if transport is not None:
            self.transport = transport
            self.secure, self.deaf = True, False
            self.user = None
            self.helo = ""
            self.forget()
            self.data_received(b"")  # the client may have been quicker than this task

    def do_auth(self, rest: str) -> None:
        if self.options.auth is None:
            self.say(b"503 5.5.1 no AUTH here")
            return
        method, _, initial = rest.partition(" ")
        if method.upper() == "PLAIN" and initial:
            self.check_login(b64decode(initial).split(b"\0")[1:])
        elif method.upper() == "LOGIN":
            self.auth_step = []
            self.say(b"334 VXNlcm5hbWU6")
        else:
            self.say(b"504 5.5.4 unknown method")

    def auth_answer(self, line: bytes) -> None:
        """The two answers of AUTH LOGIN."""
        assert self.auth_step is not None
        self.auth_step.append(b64decode(line))
        if len(self.auth_step) == 1:
            self.say(b"334 UGFzc3dvcmQ6")
        else:
            given, self.auth_step = self.auth_step, None
            self.check_login(given)

    def check_login(self, given: list[bytes]) -> None:
        """Compare user and password with the only ones."""
        assert self.options.auth is not None
        if given == [part.encode() for part in self.options.auth]:
            self.user = self.options.auth[0]
            self.say(b"235 2.7.0 welcome")
        else:
            self.say(b"535 5.7.8 bad credentials")

    # -- a transaction -------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Back to the state before MAIL."""
        self.sender = self.recipient = None
        self.refused, self.delay = "", 0.0

    def do_mail(self, rest: str) -> None:
        if self.options.auth and self.user is None:
            self.say(b"530 5.7.0 log in first")
            return
        if self.sender is not None:
            self.say(b"503 5.5.1 nested MAIL")
            return
        path, _, self.mail_options = rest[5:].partition("> ")
        sender = path.strip("<>")
        code = code_in(behaviour_of(sender), "m")
        if code:
            self.refuse(REPLIES.get(code, f"{code} refused".encode()))
            return
        self.sender = sender
        self.say(b"250 2.1.0 sender ok")

    def do_rcpt(self, rest: str) -> None:
        if self.sender is None:
            self.say(b"503 5.5.1 MAIL first")
            return
        recipient = rest[3:].partition(">")[0].strip("<")
        word = "ok" if self.state.healed else self.options.always or behaviour_of(recipient)
        if self.options.rcpt_replies:
            self.refuse(self.options.rcpt_replies.pop(0))
            return
        if word == "slow":
            self.delay = self.options.slow_seconds
        code = code_in(word, "r")
        if code:
            self.refuse(REPLIES.get(code, f"{code} refused".encode()))
        elif word == "multi":
            self.say(b"550-5.1.1 the first line\r\n550-5.1.1 of a refusal: user\r\n550 5.1.1 unknown")
        elif word == "twonum":
            self.say(b"550 5.1 user unknown")
        elif word == "grey" and recipient not in self.state.grey:
            self.state.grey.add(recipient)
            self.say(REPLIES[450])
        elif word == "garbage":
            self.say(b"\xff\xfe<h1>not SMTP</h1>")
        elif word == "long":
            self.say(b"550-5.1.1 and so on\r\n" * 1000 + b"550 5.1.1 and so forth")
        elif word == "data354":
            self.refused = word
            self.say(REPLIES[550])
        elif word == "stall":
            self.deaf = True
        elif word == "reset":
            self.reset()
        else:
            self.recipient, self.refused = recipient, word
            self.say(b"250 2.1.5 recipient ok")

    def do_data(self, rest: str) -> None:
        if self.recipient is None and self.refused != "data354":
            self.say(b"503 5.5.1 RCPT first")
            return
        self.in_data = True
        self.say(b"354 go on")

    def end_of_data(self, content: bytes) -> None:
        """Answer a whole message as its recipient wants it."""
        word, recipient = self.refused, self.recipient
        code = code_in(word, "d")
        if recipient is None:
            self.say(b"554 5.5.1 no valid recipients")
        elif code:
            self.refuse(DATA_REPLIES.get(code, f"{code} refused".encode()))
        elif word == "dmulti":
            self.say(b"554-5.6.0 we do not like\r\n554 5.6.0 this content")
        elif word == "dgarbage":
            self.say(b"what?")
        elif word == "stalldata":
            self.state.stalled += 1
            self.deaf = True
        elif word in ("dropdot", "taken"):
            if word == "taken":
                self.keep(content)
            self.deaf = True
            self.transport.close()
        else:
            self.keep(content)
            self.say(b"250 2.0.0 ok queued as %d" % self.state.messages)
            self.taken += 1
            if self.options.messages_per_connection == self.taken:
                self.say(b"421 4.4.2 enough for one connection")
                self.close()
        self.forget()

    def refuse(self, reply: bytes) -> None:
        """Send a refusal; 421 also ends the connection."""
        self.say(reply)
        if reply.startswith(b"421"):
            self.close()

    def keep(self, content: bytes) -> None:
        """Count a message, and keep it when the options say so."""
        state = self.state
        state.messages += 1
        if not self.options.keep:
            return
        assert self.sender is not None and self.recipient is not None
        state.recipients[self.recipient] += 1
        if content.startswith(b"."):
            content = content[1:]
        peer = self.transport.get_extra_info("peername")
        state.received.append(
            Received(
                self.sender, self.recipient, content.replace(b"\r\n.", b"\r\n"), self.helo, peer[0], self.secure, self.user, self.number, self.mail_options
            )
        )

    def do_rset(self, rest: str) -> None:
        self.forget()
        self.say(b"250 2.0.0 forgotten")

    def do_noop(self, rest: str) -> None:
        self.say(b"250 2.0.0 ok")

    def do_quit(self, rest: str) -> None:
        self.say(b"221 2.0.0 bye")
        self.close()

    _handlers: ClassVar[dict[str, Callable[[SinkProtocol, str], None]]] = {
        "EHLO": do_ehlo,
        "HELO": do_helo,
        "STARTTLS": do_starttls,
        "AUTH": do_auth,
        "MAIL": do_mail,
        "RCPT": do_rcpt,
        "DATA": do_data,
        "RSET": do_rset,
        "NOOP": do_noop,
        "QUIT": do_quit,
    }
