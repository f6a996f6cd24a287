"""Opens the ports of SMTP servers and runs them until a signal: uvloop, SO_REUSEPORT, graceful stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worker.smtp.server import SmtpServer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listener:
    """One port of a server. implicit_tls: TLS from the first octet (RFC 8314), else STARTTLS when the server has a
    certificate. port 0 takes any free one."""

    server: SmtpServer
    host: str
    port: int
    implicit_tls: bool = False


def make_tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Server context with TLS 1.2 as the least (RFC 8996). Raises OSError or ssl.SSLError for unusable files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(certificate, key)
    return context


def bind(host: str, port: int) -> socket.socket:
    """A listening socket that other processes of ours may share (SO_REUSEPORT: the kernel spreads connections).

    Raises OSError with the address in its text when the port is taken by somebody else.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
        sock.listen(1024)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on {host} port {port}: {error.strerror}") from None
    return sock


@contextlib.asynccontextmanager
async def listening(listeners: list[Listener], *, grace: float = 20.0) -> AsyncIterator[list[int]]:
    """Serve while the block runs; yields the port numbers in order. At its end ports close first, then sessions end
    as `SmtpServer.stop` says."""
    loop = asyncio.get_running_loop()
    opened: list[asyncio.Server] = []
    ports: list[int] = []
    try:
        for listener in listeners:
            sock = bind(listener.host, listener.port)
            ports.append(sock.getsockname()[1])
            factory = listener.server.factory(implicit_tls=listener.implicit_tls)
            opened.append(await loop.create_server(factory, sock=sock))
            log.info("%s listens on %s port %d", listener.server.name, listener.host, ports[-1])
        yield ports
    finally:
        for server in opened:
            server.close()
        for smtp_server in {listener.server for listener in listeners}:
            await smtp_server.stop(grace)


async def serve_until_signal(
    listeners: list[Listener], beside: list[Callable[[], Awaitable[None]]] | None = None, *, grace: float = 20.0
) -> None:
    """Serve until SIGTERM or SIGINT. beside: endless coroutines to run meanwhile (revocation checks, heartbeats);
    one of them failing ends the process, so that its supervisor starts it anew."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with listening(listeners, grace=grace):
        tasks = [asyncio.ensure_future(start()) for start in beside or []]
        waiting = asyncio.ensure_future(stop.wait())
        done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in (waiting, *tasks):
            task.cancel()
        for task in done:
            task.result()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a server process under uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
