"""Names are looked up and checked in one step, and the connection goes to the address that was checked: a name cannot change its mind in between.

Every address a name has must be allowed. Look-ups run in threads of their own, so that a silent name server holds up nobody else.
"""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

from webapp.kernel import egress
from webapp.webhooks.service.addresses import Target, check_way

#: Seconds an answer, good or bad, is believed; and how many are kept.
_KEEP, _MOST = 20.0, 5000
_THREADS = 16


class GuardedResolver(AbstractResolver):
    """aiohttp's door to names: gives only checked addresses. Raises ``DomainError`` for a host that may not be dialled."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="names")
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def check(self, target: Target) -> tuple[str, ...]:
        """The addresses of a target, all allowed for its scheme and port. Raises ``DomainError``."""
        addresses = await self._addresses(target.host)
        check_way(target, addresses)
        return addresses

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Called by aiohttp when it connects; the address family is ignored, as both are offered."""
        return [_answer(host, port, address) for address in await self._addresses(host)]

    async def _addresses(self, host: str) -> tuple[str, ...]:
        known = self._known.get(host)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        found = await asyncio.get_running_loop().run_in_executor(self._threads, egress.addresses_of, host)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[host] = (time.monotonic() + _KEEP, found)
        return found

    async def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _answer(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
