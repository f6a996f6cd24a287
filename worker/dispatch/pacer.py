"""Chooses the way out of each delivery and keeps its pace: weights, health, warm-up, budgets, throttles, holds.

Everything here is memory. The state of the pace comes in as a value every two seconds (``renew``), what replies teach goes out with the outcomes; in
between a delivery costs a look-up by pool and provider, one draw a member, and a token.
"""

from __future__ import annotations

import math
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from uuid import UUID

from webapp.pace.service import budget_of
from webapp.pace.types import ANY, RELAY, WARMUP_HOURLY, Action, Budget, PaceState, Subject, ThrottleState, provider_name
from webapp.sending_accounts.types import Usage
from webapp.settings import get_settings
from worker.delivery.types import Member, MemberKind
from worker.dispatch.buckets import Bucket
from worker.dispatch.quotas import QuotaBucket, wait_for
from worker.dispatch.routes import Route, Source

#: A way out on probation gets one message in so many seconds from each process, and this share of its weight.
_PROBE_SECONDS, _PROBE_HEALTH = 5.0, 0.2
#: Mail that found its allowance of this hour used up, or its reservation not made yet, comes back after so long.
_WARMUP_SECONDS, _RESERVE_SECONDS = 600.0, 1.0
#: Mail for which other processes hold all connections comes back at once, perhaps to one of these.
_ELSEWHERE_SECONDS = 1.0
_LONGEST_WAIT = 600.0
#: An address that this machine does not have is tried again after so long, and after twice as long each time, up to the second. Only here: another
#: machine may have it.
_REST_SECONDS, _LONGEST_REST = 30.0, 1800.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: why, for people, and in how many seconds to look again."""

    reason: str
    seconds: float


@dataclass(slots=True)
class _Way:
    """One member towards one provider. ``buckets``: all must give a token. ``plan``: the warm-up plan that must give one recipient."""

    member: Member
    weight: float
    buckets: tuple[Bucket | QuotaBucket, ...]
    plan: UUID | None


@dataclass(slots=True)
class _Choice:
    """The ways out of a pool to one provider at this state; ``wait`` when there is none."""

    ways: list[_Way]
    wait: Wait | None


class Pacer:
    """One per delivery process, used on the event loop; ``renew`` is called there too."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.state = PaceState()
        self._choices: dict[tuple[int, str], tuple[Route, _Choice]] = {}
        self._buckets: dict[tuple[UUID | None, str], Bucket] = {}
        self._quotas: dict[UUID, QuotaBucket] = {}
        self._throttles: dict[tuple[UUID | None, str], ThrottleState] = {}
        self._plans: dict[tuple[UUID, str], UUID] = {}
        self._left: Counter[UUID] = Counter()
        self._wanted: Counter[UUID] = Counter()
        self._used_up: set[UUID] = set()
        self._used_up_now: set[UUID] = set()
        self.watched: set[tuple[UUID, str]] = set()
        #: Addresses that this machine could not send from, with the moment until when they rest, and for how long they were told to.
        self.resting: dict[UUID, tuple[float, float]] = {}
        #: Ways out met so far, by what is behind them.
        self.sources: dict[UUID, Source] = {}

    # -- state ---------------------------------------------------------------------------------------------------

    def renew(self, state: PaceState, given: dict[UUID, int]) -> None:
        """Go on with a newer state. ``given``: recipients of warm-up plans that were reserved for this process by now."""
        if state.day != self.state.day:
            self._left.clear()
        self.state = state
        self._throttles = {(t.source_id, t.provider): t for t in state.throttles}
        self._plans = {(p.source_id, p.provider): p.id for p in state.plans}
        hour = datetime.now(UTC).hour
        self._used_up = {p.id for p in state.plans if p.reserved >= p.allowance}
        self._used_up_now = {p.id for p in state.plans if p.reserved >= math.ceil(round(p.allowance * min(1.0, WARMUP_HOURLY * (hour + 1)), 6))}
        for plan, count in given.items():
            self._left[plan] += count
        # Ways out whose successes must be counted: those under a throttle, and those that warm up.
        self.watched = {(t.source_id, t.provider) for t in state.throttles if t.source_id is not None} | set(self._plans)
        self._choices.clear()

    def take_wanted(self) -> dict[UUID, int]:
        """What deliveries asked of warm-up plans since the last call, to be reserved."""
        wanted, self._wanted = dict(self._wanted), Counter()
        return wanted

    def take_unused(self) -> dict[UUID, int]:
        """Reservations nobody used, to be given back when the process ends."""
        unused, self._left = {plan: count for plan, count in self._left.items() if count > 0}, Counter()
        return unused

    def plan_of(self, source_id: UUID, provider: str) -> UUID | None:
        """The warm-up plan that mail of a way out to a provider counts for."""
        return self._plans.get((source_id, provider)) or (self._plans.get((source_id, ANY)) if provider != RELAY else None)

    def is_watched(self, source_id: UUID, provider: str) -> bool:
        """Whether successes of this way out are to be counted."""
        watched = self.watched
        return bool(watched) and ((source_id, provider) in watched or (source_id, ANY) in watched)

    def full_rates(self, keys: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], float | None]:
        """The rates that ways out are slowed from, and get back to."""
        owners = {source_id: source.owner_id for source_id, source in self.sources.items()}
        return {key: budget_of(self.state.budgets, owners.get(key[0]), key[0], key[1]).rate for key in keys}

    def note_bound(self, member: Member, *, bound: bool) -> None:
        """Whether this machine has the address that a member sends from. May be called from another thread; counts from the next ``renew`` on."""
        if member.source_id is None or member.kind is not MemberKind.IP:
            return
        until, seconds = self.resting.get(member.source_id, (0.0, 0.0))
        if bound:
            self.resting.pop(member.source_id, None)
        elif until <= self._clock():
            seconds = min(max(_REST_SECONDS, 2 * seconds), _LONGEST_REST)
            self.resting[member.source_id] = (self._clock() + seconds * get_settings().retry_scale, seconds)

    def held(self, tenant_id: UUID, bridge_id: UUID | None, pool_id: UUID | None) -> str | None:
        """Why a person holds this mail back, wherever it goes; None when nobody does."""
        for hold in self.state.holds:
            wanted = {Subject.TENANT: tenant_id, Subject.BRIDGE: bridge_id, Subject.POOL: pool_id}.get(hold.subject)
            if wanted is not None and hold.subject_id == wanted:
                return f"The {hold.subject} is held back: {hold.reason}"
        return None

    # -- choosing ------------------------------------------------------------------------------------------------

    def admit(self, route: Route, provider: str, tenant_id: UUID, key: bytes) -> tuple[Member, ...] | Wait:
        """The members to try for one recipient, best first; or why it must wait.

        ``key`` (of the recipient) draws by weighted rendezvous: shares follow the weights, and a retry leaves the way it left before as long as that is
        healthy, which hosts that greylist ask for.
        """
        for hold in self.state.holds:
            if hold.subject is Subject.PROVIDER and hold.provider == provider and hold.tenant_id in (None, tenant_id):
                return Wait(f"Mail to {provider_name(provider)} is held back: {hold.reason}", 60.0 * random.uniform(0.8, 1.2))
        kept = self._choices.get((id(route), provider))
        if kept is None or kept[0] is not route:
            kept = self._choices[id(route), provider] = (route, self._choose(route, provider))
        choice = kept[1]
        if choice.wait is not None:
            return choice.wait
        ways = choice.ways
        if len(ways) > 1:
            ways = sorted(ways, key=lambda way: _draw(way, key))
        for first in ways:
            if first.plan is not None and not self._may_warm(first.plan):
                continue
            if not all(bucket.has() for bucket in first.buckets):
                continue
            for bucket in first.buckets:
                bucket.take()
            if first.plan is not None:
                self._left[first.plan] -= 1
            # The others step in when it fails; a warming one would send beyond its allowance.
            return (first.member, *(way.member for way in ways if way is not first and way.plan is None)) if len(ways) > 1 else (first.member,)
        return self._refusal(ways, provider)

    def _may_warm(self, plan: UUID) -> bool:
        self._wanted[plan] += 1
        return self._left[plan] > 0

    def _refusal(self, ways: Sequence[_Way], provider: str) -> Wait:
        """Every way out has sent what it may for now."""
        for way in ways:
            if way.plan is None or self._left[way.plan] > 0:
                wait = max((bucket.book() for bucket in way.buckets if not bucket.has()), default=1.0)
                return Wait(self._why_slow(way.member, provider), wait)
        if all(way.plan in self._used_up for way in ways):
            return Wait(f"Today's warm-up allowance for {provider_name(provider)} is used up; it goes on tomorrow, or by a warm address.", _WARMUP_SECONDS)
        if all(way.plan in self._used_up_now for way in ways):
            next_hour = 3600 - time.time() % 3600 + random.uniform(1, 60)
            return Wait(f"The warm-up allowance of this hour for {provider_name(provider)} is used up.", min(next_hour, _WARMUP_SECONDS))
        return Wait(f"It waits for its place in the warm-up of {provider_name(provider)}.", _RESERVE_SECONDS * random.uniform(0.5, 1.5))

    def _why_slow(self, member: Member, provider: str) -> str:
        throttle = self._throttle_of(member.source_id, provider)
        name = "The relay" if provider == RELAY else provider_name(provider)
        if throttle is not None:
            return f"{name} is slowed until {throttle.until:%H:%M} UTC: {throttle.reason}."
        return f"{name} gets as many messages a second as its budget allows; this one waits for its turn."

    def _throttle_of(self, source_id: UUID | None, provider: str) -> ThrottleState | None:
        """The strictest throttle on a way out to a provider."""
        keys = ((source_id, ANY), (None, ANY), (source_id, provider), (None, provider))
        found = [self._throttles[key] for key in keys if key in self._throttles]
        return max(found, key=lambda t: (t.action is not Action.SLOW, t.until), default=None)

    def _choose(self, route: Route, provider: str) -> _Choice:
        ways: list[_Way] = []
        reasons: list[Wait] = []
        for source in route.sources:
            way = self._way(source, RELAY if source.member.kind is MemberKind.RELAY else provider)
            if isinstance(way, Wait):
                reasons.append(way)
            else:
                ways.append(way)
        if ways:
            return _Choice(ways, None)
        if not reasons:
            return _Choice([], Wait("The pool has no active member to send through.", 30.0))
        soonest = min(reasons, key=lambda wait: wait.seconds)
        return _Choice([], Wait(" ".join(dict.fromkeys(wait.reason for wait in reasons))[:500], soonest.seconds))

    def _way(self, source: Source, provider: str) -> _Way | Wait:
        """One member towards one provider, or why it is left out."""
        member = source.member
        assert member.source_id is not None
        self.sources[member.source_id] = source
        rests = self.resting.get(member.source_id, (0.0, 0.0))[0] - self._clock()
        if rests > 0:
            return Wait(f"{source.label} is no address of this machine ({socket.gethostname()}), so nothing can leave from it here.", min(rests, 30.0))
        budget = budget_of(self.state.budgets, source.owner_id, member.source_id, provider)
        throttle = self._throttle_of(member.source_id, provider)
        health, scale = source.health, get_settings().retry_scale  # where hours pass in seconds, so do the messages of an hour
        buckets: tuple[Bucket | QuotaBucket, ...] = self._budget_buckets(member.source_id, provider, budget)
        if source.usage is not None:
            if source.usage.resets_at is not None:
                reason = f"{source.label} has used up its quota; it goes on at {source.usage.resets_at:%H:%M} UTC."
                return Wait(reason, wait_for(source.usage, datetime.now(UTC)))
            buckets = (*buckets, self._quota(member.source_id, source.usage))
        if throttle is not None and throttle.action is not Action.SLOW:
            left = (throttle.until - datetime.now(UTC)).total_seconds()
            if left > 0:
                return Wait(_why_out(source, provider, throttle), min(left, _LONGEST_WAIT) * random.uniform(1.0, 1.1) + 0.05)
            health, buckets = health * _PROBE_HEALTH, (*buckets, self._bucket(member.source_id, f"probe:{provider}", 1 / _PROBE_SECONDS / scale))
        elif throttle is not None:
            rate = throttle.rate or 1.0
            health *= max(0.05, min(1.0, rate / (budget.rate or 100.0)))
            buckets = (*buckets, self._bucket(throttle.source_id, f"slow:{throttle.provider}", self._share_of_rate(rate / scale)))
        wanted = min(member.max_connections, budget.connections or member.max_connections)
        connections = self._share(wanted)
        total = self._share(budget.total_connections) if budget.total_connections is not None else None
        if connections < 1 or total == 0:
            return Wait("The other delivery processes hold the connections this provider allows.", _ELSEWHERE_SECONDS * random.uniform(0.5, 1.5))
        fitted = replace(
            member, provider=provider, max_connections=connections, messages_per_connection=budget.messages_per_connection, provider_connections=total
        )
        return _Way(fitted, member.weight * health, buckets, self.plan_of(member.source_id, provider) if provider != RELAY else None)

    def _budget_buckets(self, source_id: UUID, provider: str, budget: Budget) -> tuple[Bucket, ...]:
        found = []
        if budget.rate is not None:
            found.append(self._bucket(source_id, provider, self._share_of_rate(budget.rate)))
        if budget.total_rate is not None:
            found.append(self._bucket(None, provider, self._share_of_rate(budget.total_rate)))
        return tuple(found)

    def _quota(self, source_id: UUID, usage: Usage) -> QuotaBucket:
        bucket = self._quotas.get(source_id)
        if bucket is None:
            bucket = self._quotas[source_id] = QuotaBucket(usage, self.state.workers)
        bucket.renew(usage, self.state.workers)
        return bucket

    def _bucket(self, source_id: UUID | None, name: str, rate: float) -> Bucket:
        bucket = self._buckets.get((source_id, name))
        if bucket is None:
            if len(self._buckets) > 50_000:
                self._buckets.clear()
            bucket = self._buckets[source_id, name] = Bucket(rate, self._clock)
        else:
            bucket.set_rate(rate)
        return bucket

    def _share_of_rate(self, rate: float) -> float:
        return max(rate / self.state.workers, 1e-4)

    def _share(self, count: int) -> int:
        """This process's part of a number of connections: they differ by one at most, and together they are exactly that number."""
        return count // self.state.workers + (self.state.place < count % self.state.workers)


def _why_out(source: Source, provider: str, throttle: ThrottleState) -> str:
    what = source.label if throttle.provider in (ANY, RELAY) else f"{provider_name(provider)} on {source.label}"
    until = f"{throttle.until:%H:%M} UTC" if (throttle.until - datetime.now(UTC)).total_seconds() < 43200 else f"{throttle.until:%d %b %H:%M} UTC"
    return f"{what} is {'left out' if throttle.provider == ANY else 'paused'} until {until}: {throttle.reason}."


def _draw(way: _Way, key: bytes) -> float:
    """Weighted rendezvous hashing: the lower, the earlier."""
    drawn = (int.from_bytes(blake2b(way.member.id.bytes + key, digest_size=8).digest(), "big") + 1) / 2**64
    return -math.log(drawn) / way.weight if way.weight > 0 else math.inf
