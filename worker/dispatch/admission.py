"""The last step before the engine: a prepared delivery gets its way out from the pacer, waits for its provider to be looked up, or is put off."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import random
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from webapp.messages.service.claim import Claimed
from webapp.pace.service import HOLD_SECONDS
from worker.delivery.resolver import ResolutionError, Resolver
from worker.delivery.types import Delivery
from worker.dispatch.pacer import Pacer, Wait
from worker.dispatch.providers import Providers, provider_of
from worker.dispatch.routes import Route


@dataclass(frozen=True, slots=True)
class Candidate:
    """A leased recipient whose mail is ready, and the pool it leaves by. ``delivery`` has no members yet."""

    claimed: Claimed
    route: Route
    delivery: Delivery


class PutOff(NamedTuple):
    """A leased recipient that is to be given back: why, for people, and in how many seconds it is due again."""

    recipient_id: UUID
    attempt: int
    reason: str
    seconds: float


class _Placed(NamedTuple):
    candidate: Candidate
    provider: str
    delivery: Delivery


class Admission:
    """Everything between claim and engine; lives on the event loop. ``arrived`` is set when something can be taken."""

    def __init__(self, pacer: Pacer, resolver: Resolver) -> None:
        self.pacer, self._resolver = pacer, resolver
        self.arrived = asyncio.Event()
        self.put_off: list[PutOff] = []
        self._ready: collections.deque[_Placed] = collections.deque()
        self._asked: dict[str, list[Candidate]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._providers = Providers()

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, candidate: Candidate) -> None:
        """Place a candidate, at once unless its provider must be looked up first."""
        if not candidate.route.needs_mx:
            self._place(candidate, "")
            return
        domain = candidate.delivery.domain
        found = self._resolver.cached_mx(domain)
        if found is not None:
            self._place(candidate, self._providers.of(domain, found))
        elif domain in self._asked:
            self._asked[domain].append(candidate)
        else:
            self._asked[domain] = [candidate]
            task = asyncio.get_running_loop().create_task(self._ask(domain))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(self, domain: str) -> None:
        """A domain that cannot be looked up is its own provider; the engine will say what is wrong with it."""
        try:
            provider = self._providers.of(domain, await self._resolver.mx(domain))
        except ResolutionError:
            provider = provider_of(domain, ())
        finally:
            candidates = self._asked.pop(domain, [])
        for candidate in candidates:
            self._place(candidate, provider)

    def _place(self, candidate: Candidate, provider: str) -> None:
        claimed = candidate.claimed
        if reason := self.pacer.held(claimed.tenant_id, claimed.bridge_id, claimed.pool_id):
            self._put_off(claimed, Wait(reason, HOLD_SECONDS * random.uniform(0.8, 1.0)))
            return
        members = self.pacer.admit(candidate.route, provider, claimed.tenant_id, claimed.recipient_id.bytes)
        if isinstance(members, Wait):
            self._put_off(claimed, members)
            return
        self._ready.append(_Placed(candidate, provider, replace(candidate.delivery, members=members, ordered=True)))
        self.arrived.set()

    def _put_off(self, claimed: Claimed, wait: Wait) -> None:
        self.put_off.append(PutOff(claimed.recipient_id, claimed.attempt, wait.reason, wait.seconds))

    def take(self) -> Delivery | None:
        """The next delivery for the engine, or None."""
        return self._ready.popleft().delivery if self._ready else None

    async def wait(self, seconds: float) -> None:
        """Until something can be taken, for at most so long."""
        self.arrived.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.arrived.wait()

    def look_again(self) -> None:
        """Place again what is ready but not sent: the state of the pace has changed since."""
        placed, self._ready = self._ready, collections.deque()
        for candidate, provider, _ in placed:
            self._place(candidate, provider)

    def give_up(self) -> list[tuple[UUID, int]]:
        """Everything that was not taken, as ``(recipient, attempt)``, to be given back: the drain is over."""
        for task in self._tasks:
            task.cancel()
        waiting = [placed.candidate for placed in self._ready] + [candidate for asked in self._asked.values() for candidate in asked]
        self._ready.clear()
        self._asked.clear()
        return [(candidate.delivery.recipient_id, candidate.delivery.attempt) for candidate in waiting]
