"""An SMTP server that takes everything, counts it, and says when the last message of a run came. The same one for us and for every peer.

``python -m bench.sink --port N`` reads commands on standard input, one a line, and answers each with one line of JSON:

``expect N``  forget what was counted; answer when N messages have come since.
``report``    answer now.
``delay S``   send every reply S seconds late from now on, as a receiver far away would.

Times are of the monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from typing import Any, cast

import uvloop

from bench.machine import LOOPBACK

_HELLO = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
_ANSWERS = {b"EHLO": _HELLO, b"HELO": b"250 sink\r\n", b"MAIL": b"250 2.1.0 Ok\r\n", b"RSET": b"250 2.0.0 Ok\r\n", b"NOOP": b"250 2.0.0 Ok\r\n"}
_END = b"\r\n.\r\n"


class Counters:
    """What came since the last ``expect``."""

    def __init__(self) -> None:
        self.expected = 0
        self.delay = 0.0
        self.reset(0)

    def reset(self, expected: int) -> None:
        """Begin anew."""
        self.expected = expected
        self.messages = self.connections = self.octets = 0
        self.last = time.monotonic()
        self.recipients: set[bytes] = set()

    def report(self) -> dict[str, Any]:
        """As JSON; ``distinct``: different recipients, ``last``: when the last message was complete."""
        return {
            "messages": self.messages, "distinct": len(self.recipients), "connections": self.connections, "octets": self.octets, "last": self.last,
        }  # fmt: skip

    def count(self, octets: int) -> None:
        """One more message."""
        self.messages += 1
        self.octets += octets
        if self.messages == self.expected:
            self.last = time.monotonic()
            say(self.report())
        elif self.messages > self.expected:
            self.last = time.monotonic()


def say(answer: dict[str, Any]) -> None:
    """One line to whoever started us."""
    print(json.dumps(answer), flush=True)


class Session(asyncio.Protocol):
    """One connection. Replies of commands that came together leave together."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self.buffer = bytearray()
        self.in_data = False
        self.searched = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is of no class of asyncio's
        self.counters.connections += 1
        self._say(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer every complete command and message."""
        self.buffer += data
        replies: list[bytes] = []
        while (reply := self._message() if self.in_data else self._command()) is not None:
            replies.append(reply)
        if replies:
            self._say(b"".join(replies), last=replies[-1].startswith(b"221"))

    def _say(self, reply: bytes, *, last: bool = False) -> None:
        if self.counters.delay:
            asyncio.get_running_loop().call_later(self.counters.delay, self._write, reply, last)
        else:
            self._write(reply, last)

    def _write(self, reply: bytes, last: bool) -> None:
        self.transport.write(reply)
        if last:
            self.transport.close()

    def _command(self) -> bytes | None:
        end = self.buffer.find(b"\n")
        if end < 0:
            return None
        line = bytes(self.buffer[:end]).rstrip(b"\r")
        del self.buffer[: end + 1]
        verb = line[:4].upper()
        if verb == b"RCPT":
            self.counters.recipients.add(line[8:])
            return b"250 2.1.5 Ok\r\n"
        if verb == b"DATA":
            self.in_data, self.searched = True, 0
            return b"354 Go on\r\n"
        if verb == b"QUIT":
            return b"221 2.0.0 Bye\r\n"
        return _ANSWERS.get(verb, b"502 5.5.1 Not known\r\n")

    def _message(self) -> bytes | None:
        end = self.buffer.find(_END, max(0, self.searched - len(_END)))
        if end < 0:
            self.searched = len(self.buffer)
            return None
        del self.buffer[: end + len(_END)]
        self.in_data = False
        self.counters.count(end)
        return b"250 2.0.0 Ok\r\n"


async def serve(port: int) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    counters = Counters()
    await loop.create_server(lambda: Session(counters), LOOPBACK, port, backlog=2048)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        word, _, number = line.decode().partition(" ")
        if word.strip() == "expect":
            counters.reset(int(number))
        elif word == "delay":
            counters.delay = float(number)
        else:
            say(counters.report())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
