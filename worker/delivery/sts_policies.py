"""The MTA-STS policies in force, by domain: looked up once, kept for minutes here and for their max_age in a store, never waited for long."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from worker.delivery.mta_sts import PolicyFetcher, PolicyStore, StoredPolicy, StsError, StsMode, StsPolicy, parse_record
from worker.delivery.resolver import ResolutionFailed, Resolver
from worker.delivery.tls_report import PolicyType, Tally, TlsFact

log = logging.getLogger(__name__)

RECHECK_SECONDS = 300.0
#: How long the first mail to a domain waits for its policy; a host that is down delays nothing more than this.
PATIENCE_SECONDS = 3.0
#: A policy is fetched anew when half of its age, or this much, has gone by: long before it could run out (RFC 8461 10.2).
REFRESH_SECONDS = 86_400.0
_MAX_KNOWN = 100_000
_MAX_FETCHES = 20


class _Known(NamedTuple):
    """What holds for a domain until `until` (seconds of the monotonic clock)."""

    policy: StsPolicy | None
    until: float


class StsPolicies:
    """Answers which policy holds for mail to a domain. Lives on one event loop.

    A policy that was fetched once holds until it expires, whatever becomes of its host or its DNS record meanwhile; a newer one is
    fetched beside the mail. Failures are counted in `tally`.
    """

    def __init__(
        self,
        resolver: Resolver,
        fetcher: PolicyFetcher,
        store: PolicyStore,
        tally: Tally,
        *,
        clock: Callable[[], float] = time.time,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._resolver, self._fetcher, self._store, self._tally = resolver, fetcher, store, tally
        self._clock, self._patience = clock, patience
        self._known: dict[str, _Known] = {}
        self._learning: dict[str, asyncio.Task[None]] = {}
        self._fetches = asyncio.Semaphore(_MAX_FETCHES)

    def is_known(self, domain: str) -> bool:
        """Whether `known` can answer without a look-up. Never blocks."""
        known = self._known.get(domain)
        return known is not None and known.until > time.monotonic()

    def known(self, domain: str) -> StsPolicy | None:
        """What `find` would answer, when `is_known`."""
        return self._known[domain].policy

    async def find(self, domain: str) -> StsPolicy | None:
        """The policy for mail to `domain` (lower-case ASCII), or None when it has none. Waits at most `patience` seconds."""
        known = self._known.get(domain)
        if known is None or known.until <= time.monotonic():
            task = self._learning.get(domain)
            if task is None or task.done():
                task = self._learning[domain] = asyncio.create_task(self._learn(domain))
                task.add_done_callback(lambda done: self._forget(domain, done))
            await asyncio.wait({task}, timeout=self._patience if known is None else 0)
            known = self._known.get(domain)
        return known.policy if known is not None else None

    def _forget(self, domain: str, task: asyncio.Task[None]) -> None:
        if self._learning.get(domain) is task:
            del self._learning[domain]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the MTA-STS policy of %s could not be learned", domain, exc_info=error)

    async def _learn(self, domain: str) -> None:
        stored = await self._load(domain)
        if stored is not None and stored.expires_at <= self._clock():
            stored = None
        if stored is not None:
            self._remember(domain, stored.policy)  # holds while the rest is asked
        try:
            published = parse_record(await self._resolver.texts(f"_mta-sts.{domain}"))
        except ResolutionFailed:
            published = None
        if published is not None and (stored is None or stored.id != published or self._is_old(stored)):
            stored = await self._renew(domain, published) or stored
        self._remember(domain, stored.policy if stored is not None else None)

    def _is_old(self, stored: StoredPolicy) -> bool:
        age = self._clock() - stored.fetched_at
        return age > min(REFRESH_SECONDS, (stored.expires_at - stored.fetched_at) / 2)

    async def _renew(self, domain: str, published: str) -> StoredPolicy | None:
        try:
            async with self._fetches:
                policy, max_age = await self._fetcher.fetch(domain)
        except StsError as error:
            self._tally.add(TlsFact(domain, PolicyType.STS, error.result, "", "", "", str(error)[:200]))
            return None
        stored = StoredPolicy(published, policy, self._clock(), self._clock() + max_age)
        with contextlib.suppress(Exception):  # a store that is away costs one fetch by another worker, no more
            await self._store.save(domain, stored)
        return stored

    async def _load(self, domain: str) -> StoredPolicy | None:
        try:
            return await self._store.load(domain)
        except Exception as error:
            log.warning("the store of MTA-STS policies is away: %s", type(error).__name__)
            return None

    def _remember(self, domain: str, policy: StsPolicy | None) -> None:
        if len(self._known) >= _MAX_KNOWN:
            for old in list(self._known)[: _MAX_KNOWN // 10]:
                del self._known[old]
        in_force = policy if policy is not None and policy.mode is not StsMode.NONE else None
        self._known[domain] = _Known(in_force, time.monotonic() + RECHECK_SECONDS)

    async def close(self) -> None:
        """End what is still being asked."""
        tasks = list(self._learning.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
