"""Load for an SMTP server: N messages over S sessions that wait for every reply, as ordinary mail libraries do.

Distinct recipients, AUTH PLAIN and STARTTLS when asked for, one message a connection or as many as it takes. Prints one line of JSON when all
are answered: how long it took, and how many replies of each code the final dots got.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import uvloop

from bench import mail
from bench.machine import LOOPBACK


class Refused(Exception):
    """The server did not let us in; the text is what it said."""


@dataclass(slots=True)
class Load:
    """What is to be sent, shared by all sessions, and what was answered."""

    port: int
    run: str
    numbers: Iterator[int]
    per_connection: int
    starttls: bool
    login: bytes | None
    codes: Counter[int] = field(default_factory=Counter)


class Client(asyncio.Protocol):
    """One connection: writes, and waits for whole replies. Cheaper than streams, so that the load does not eat the machine it measures."""

    def __init__(self) -> None:
        self._buffer = b""
        self._waiting: asyncio.Future[bytes] | None = None
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is of no class of asyncio's

    def data_received(self, data: bytes) -> None:
        """Collect until the last line of a reply (RFC 5321 4.2.1: code and a blank) is complete."""
        self._buffer += data
        if self._waiting is not None and not self._waiting.done() and self._is_complete():
            reply, self._buffer = self._buffer, b""
            self._waiting.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits learns that nothing more comes."""
        self._closed = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError("closed by the server"))

    def _is_complete(self) -> bool:
        if not self._buffer.endswith(b"\n"):
            return False
        last = self._buffer.rfind(b"\n", 0, -1) + 1
        return self._buffer[last + 3 : last + 4] != b"-"

    async def reply(self) -> bytes:
        """The next reply. Raises ``OSError`` when the connection ends, ``TimeoutError``."""
        if self._is_complete():
            reply, self._buffer = self._buffer, b""
            return reply
        if self._closed:
            raise ConnectionResetError("closed by the server")
        self._waiting = asyncio.get_running_loop().create_future()
        return await self._waiting

    async def ask(self, line: bytes) -> bytes:
        """Write and wait."""
        self.transport.write(line)
        return await self.reply()

    async def must(self, line: bytes, code: bytes) -> bytes:
        """The same, refusing other codes. Raises ``Refused``."""
        answer = await self.ask(line) if line else await self.reply()
        if not answer.startswith(code):
            raise Refused(answer.decode(errors="replace").strip())
        return answer


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # a certificate made for this run
    return context


async def _open(load: Load) -> Client:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(Client, LOOPBACK, load.port)
    await client.must(b"", b"220")
    await client.must(b"EHLO load.example.org\r\n", b"250")
    if load.starttls:
        await client.must(b"STARTTLS\r\n", b"220")
        secured = await loop.start_tls(client.transport, client, _tls(), server_hostname="localhost")
        client.transport = cast("asyncio.Transport", secured)
        await client.must(b"EHLO load.example.org\r\n", b"250")
    if load.login is not None:
        await client.must(b"AUTH PLAIN " + load.login + b"\r\n", b"235")
    return client


async def _send(client: Client, number: int, load: Load) -> None:
    for line, code in (
        (b"MAIL FROM:<%s>\r\n" % mail.SENDER.encode(), b"250"),
        (b"RCPT TO:<%s>\r\n" % mail.recipient(number, load.run), b"250"),
        (b"DATA\r\n", b"354"),
    ):
        await client.must(line, code)
    answer = await client.ask(mail.message(number, load.run) + b".\r\n")
    load.codes[int(answer[:3])] += 1


async def _session(load: Load) -> None:
    """Connections one after the other until nothing is left."""
    number = next(load.numbers, None)
    while number is not None:
        client = await _open(load)
        left = load.per_connection or -1
        while number is not None and left:
            await _send(client, number, load)
            number, left = next(load.numbers, None), left - 1
        await client.ask(b"QUIT\r\n")
        client.transport.close()


async def run(load: Load, sessions: int, patience: float) -> float:
    """Send everything; returns the seconds it took. Raises ``Refused``, ``OSError`` and ``TimeoutError``."""
    start = time.monotonic()
    async with asyncio.timeout(patience):
        await asyncio.gather(*(_session(load) for _ in range(sessions)))
    return time.monotonic() - start


def main() -> None:
    """Entry of ``python -m bench.load_smtp``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("-n", type=int, default=2000, help="messages, at most 200,000")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--run", default="r", help="a word in every address, different in every run")
    parser.add_argument("--per-connection", type=int, default=0, help="messages a connection; 0: as many as it takes")
    parser.add_argument("--starttls", action="store_true")
    parser.add_argument("--user", help="user:password for AUTH PLAIN")
    parser.add_argument("--patience", type=float, default=180.0, help="seconds for everything")
    options = parser.parse_args()
    user, _, password = (options.user or "").partition(":")
    login = base64.b64encode(f"\0{user}\0{password}".encode()) if user else None
    load = Load(options.port, options.run, iter(range(min(options.n, 200_000))), options.per_connection, options.starttls, login)
    start = time.monotonic()
    seconds = uvloop.run(run(load, options.sessions, options.patience))
    print(json.dumps({"start": start, "seconds": seconds, "codes": {str(code): count for code, count in load.codes.items()}}))


if __name__ == "__main__":
    main()
