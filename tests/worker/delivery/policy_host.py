"""A host of MTA-STS policies: a real HTTPS server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.worker.delivery.engine_rig import server_context

ENFORCE = "version: STSv1\r\nmode: enforce\r\nmx: mx2.example.test\r\nmx: *.mail.example.test\r\nmax_age: 604800\r\n"


@dataclass
class PolicyHost:
    """What it answers, and what it was asked. ``raw``: the whole answer in place of a good one; ``silent``: none at all."""

    policy: str = ENFORCE
    raw: bytes | None = None
    silent: bool = False
    port: int = 0
    requests: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            if self.silent:
                await asyncio.sleep(30)
            body = self.policy.encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(self.raw if self.raw is not None else head.encode() + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def policy_host(pem: Path, **changes: object) -> AsyncIterator[PolicyHost]:
    """A host with the certificate in `pem`."""
    host = PolicyHost(**changes)  # type: ignore[arg-type]
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0, ssl=server_context(pem))
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
