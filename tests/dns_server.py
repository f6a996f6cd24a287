"""A small authoritative DNS server on loopback, UDP and TCP, for tests of everything that asks DNS.

    zone = {("example.test", "MX"): ["10 mx1.example.test."], ("mx1.example.test", "A"): ["127.0.0.1"]}
    async with DnsServer(zone) as server: Resolver([server.address])

A name without any entry is NXDOMAIN; a name with entries of other kinds only is an empty answer. `failing` names answer
SERVFAIL, `silent` names not at all, `truncated` names only over TCP, `validated` names with AD when the question asks for it.
`queries` records (name, kind, transport).
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = Mapping[tuple[str, str], Sequence[str]]


class DnsServer:
    """The server, for `async with DnsServer(zone) as server`. The zone may be changed while it runs."""

    def __init__(self, zone: Zone | None = None, *, host: str = "127.0.0.1", port: int = 0, ttl: int = 60) -> None:
        self.zone: dict[tuple[str, str], list[str]] = {key: list(records) for key, records in (zone or {}).items()}
        self.host, self.port, self.ttl = host, port, ttl
        self.failing: set[str] = set()
        self.silent: set[str] = set()
        self.truncated: set[str] = set()
        self.validated: set[str] = set()
        self.queries: list[tuple[str, str, str]] = []
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """`host:port`, as the resolver's settings want it."""
        return f"{self.host}:{self.port}"

    async def start(self) -> DnsServer:
        """Listen on the same port over UDP and TCP. Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._tcp = await asyncio.start_server(self._serve_tcp, self.host, self.port)
        self.port = self._tcp.sockets[0].getsockname()[1]
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=(self.host, self.port))
        return self

    async def stop(self) -> None:
        """Close both sockets."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        await asyncio.sleep(0)

    async def __aenter__(self) -> DnsServer:
        return await self.start()

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    def answer(self, wire: bytes, transport: str) -> bytes | None:
        """The reply to one query, or None for silence."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.queries.append((name, kind, transport))
        if name in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        if name in self.validated and query.flags & dns.flags.AD:
            response.flags |= dns.flags.AD
        if name in self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif name in self.truncated and transport == "udp":
            response.flags |= dns.flags.TC
        else:
            self._fill(response, name, kind)
        return response.to_wire()

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        for _ in range(8):
            records = self.zone.get((name, kind))
            alias = self.zone.get((name, "CNAME"))
            if records is not None:
                response.answer.append(dns.rrset.from_text(f"{name}.", self.ttl, "IN", kind, *records))
                return
            if alias is None:
                break
            response.answer.append(dns.rrset.from_text(f"{name}.", self.ttl, "IN", "CNAME", alias[0]))
            name = alias[0].rstrip(".").lower()
        # A name also exists when there are names below it.
        if not any(known == name or known.endswith(f".{name}") for known, _ in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                reply = self.answer(await reader.readexactly(length), "tcp")
                if reply is not None:
                    writer.write(struct.pack("!H", len(reply)) + reply)
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self.server = server
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self.server.answer(data, "udp")
        if reply is not None:
            self.transport.sendto(reply, addr)


@contextlib.contextmanager
def dns_in_thread(zone: Zone | None = None, *, port: int = 0) -> Iterator[DnsServer]:
    """A server with an event loop of its own, for tests that are not asynchronous."""
    server = DnsServer(zone, port=port)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="dns-server", daemon=True)
    thread.start()
    try:
        # In its own thread from the start: the caller's may have a loop of a browser's driver running.
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
