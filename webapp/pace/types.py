"""Values of pace that delivery and other slices use."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class Action(StrEnum):
    """What a throttle does. ``slow``: at most ``rate`` messages a second; ``pause``: nothing, mail waits or leaves by another way; ``move``: as pause,
    because the address is blocked there; ``out``: a relay that refuses us is left out for everything."""

    SLOW = "slow"
    PAUSE = "pause"
    MOVE = "move"
    OUT = "out"


class HoldKind(StrEnum):
    """``hold``: mail is taken and waits. ``drain``: nothing new is taken, what waits leaves."""

    HOLD = "hold"
    DRAIN = "drain"


class Subject(StrEnum):
    """What a hold is about."""

    TENANT = "tenant"
    BRIDGE = "bridge"
    POOL = "pool"
    PROVIDER = "provider"


class PlanState(StrEnum):
    """Of a warm-up plan."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"


#: The destination of everything that leaves through a relay: the relay itself.
RELAY = "relay"
#: Every provider: budgets and plans of those that have none of their own, and throttles of a whole way out.
ANY = "*"

#: Providers by key, as people call them. Other destinations are called by their registrable domain.
PROVIDERS = {
    "google": "Google", "microsoft": "Microsoft", "yahoo": "Yahoo", "apple": "Apple", "comcast": "Comcast", "gmx": "GMX and Web.de",
    "orange": "Orange", "proofpoint": "Proofpoint", "mimecast": "Mimecast", "zoho": "Zoho", "fastmail": "Fastmail", "proton": "Proton",
    "mailru": "Mail.ru", "yandex": "Yandex", "tencent": "QQ Mail", "netease": "NetEase",
}  # fmt: skip


def provider_name(provider: str) -> str:
    """A provider as people read it."""
    return {RELAY: "the relay itself", ANY: "everybody"}.get(provider) or PROVIDERS.get(provider, provider)


@dataclass(frozen=True, slots=True)
class Budget:
    """What one provider gets. ``connections``, ``messages_per_connection`` and ``rate`` (messages a second, None: any) are those of each address of
    ours; ``total_connections`` and ``total_rate`` of all of them together. All are shared out over the delivery processes."""

    connections: int | None = None
    messages_per_connection: int | None = None
    rate: float | None = None
    total_connections: int | None = None
    total_rate: float | None = None


#: Budgets where no row says otherwise. Sources: KumoMTA's shaping.toml (defaults and community rules), the providers' sender pages.
DEFAULT_BUDGETS: dict[str, Budget] = {
    ANY: Budget(connections=10, messages_per_connection=100, rate=100.0),
    "google": Budget(connections=5, messages_per_connection=50, rate=100.0),
    "microsoft": Budget(connections=5, messages_per_connection=50, rate=100.0),
    "yahoo": Budget(connections=10, messages_per_connection=20, rate=100.0),
    "apple": Budget(connections=10, messages_per_connection=100, rate=100.0),
    # A relay account says itself how many connections it takes; its rate is known to nobody but its operator.
    RELAY: Budget(),
}


@dataclass(frozen=True, slots=True)
class ThrottleState:
    """A throttle that has not ended. Once ``until`` has passed it is a probe: a trickle leaves, and the first success ends it or speeds it up."""

    id: UUID
    source_id: UUID | None
    provider: str
    action: Action
    rate: float | None
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class PlanToday:
    """A running warm-up plan and what is left of today's allowance, before reservations of the reader."""

    id: UUID
    source_id: UUID
    provider: str
    allowance: int
    reserved: int


@dataclass(frozen=True, slots=True)
class HoldState:
    """A hold in force. Exactly one of ``subject_id`` and ``provider`` is set; ``tenant_id`` bounds a provider's hold to one tenant's mail."""

    tenant_id: UUID | None
    subject: Subject
    subject_id: UUID | None
    provider: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class PaceState:
    """Everything the delivery processes must know about the pace at one moment, as values.

    ``workers``: how many delivery processes share the budgets; ``place``: which of them the reader is, from 0.
    ``budgets``: by (tenant, source, provider), each of the first two None for all.
    """

    throttles: tuple[ThrottleState, ...] = ()
    budgets: dict[tuple[UUID | None, UUID | None, str], Budget] = field(default_factory=dict)
    plans: tuple[PlanToday, ...] = ()
    holds: tuple[HoldState, ...] = ()
    workers: int = 1
    place: int = 0
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """What replies of one batch say about one way out and one provider.

    ``reply_class`` and ``stage`` as the delivery engine names them; ``kind``: ``relay`` or ``ip``; ``count``: how many replies of this class with
    the same rule; ``rate``: messages a second that left this way lately (all processes), None when unknown.
    """

    source_id: UUID
    tenant_id: UUID | None
    label: str
    kind: str
    provider: str
    reply_class: str
    stage: str
    code: int | None
    reply: str
    count: int = 1
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How much of one batch left one way to one provider, and how it went: for warm-up days and recoveries."""

    delivered: int = 0
    bounced: int = 0
    blocked: int = 0
    deferred: int = 0


#: Recipients a day of a new address to one provider, from the first day on.
WARMUP_STEPS = (50, 100, 500, 1_000, 5_000, 10_000, 20_000, 40_000, 70_000, 100_000, 150_000, 250_000, 400_000, 600_000, 1_000_000)
#: Plans made when a new address is warmed up; the last is for all other providers together.
WARMUP_PROVIDERS = ("google", "microsoft", "yahoo", "apple", ANY)
#: A day counts when at least this share of its allowance was sent ...
WARMUP_VOLUME = 0.8
#: ... at most this share of it bounced, and at most this share was blocked or told to slow down.
WARMUP_BOUNCES, WARMUP_BLOCKS = 0.05, 0.01
#: Share of a day's allowance that may leave in each hour of it: mail that comes all at once is what spammers send.
WARMUP_HOURLY = 0.1
