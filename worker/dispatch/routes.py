"""What delivery needs to know about pools and domains, remembered for a few seconds so that a batch costs no look-up per message."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from webapp.domains.service import sending_identity
from webapp.kernel.db import unscoped
from webapp.pools.service import route_of
from webapp.pools.types import MemberKind as PoolMemberKind
from webapp.pools.types import RouteMember
from webapp.sending_accounts.types import Usage
from webapp.settings import get_settings
from webapp.tenants.service import system_tenant_id
from worker.delivery.dkim import DkimSigner
from worker.delivery.types import AuthMethod, Member, MemberKind, TlsMode

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_SECONDS = 5.0
_IP_CONNECTIONS = 20


class Remembered(Generic[K, V]):
    """Values by key for a few seconds; a look-up that fails is not remembered."""

    def __init__(self, look_up: Callable[[K], V], seconds: float = _SECONDS) -> None:
        self._look_up, self._seconds = look_up, seconds
        self._values: dict[K, tuple[float, V]] = {}

    def __call__(self, key: K) -> V:
        found = self._values.get(key)
        if found is not None and found[0] > time.monotonic():
            return found[1]
        if len(self._values) > 5000:
            self._values.clear()
        value = self._look_up(key)
        self._values[key] = (time.monotonic() + self._seconds, value)
        return value


@dataclass(frozen=True, slots=True)
class Source:
    """A pool member with whose it is, what people call it, how much of its weight counts (0 to 1), and what its account's quota has come to."""

    member: Member
    owner_id: UUID | None
    label: str
    health: float = 1.0
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A pool as delivery sees it."""

    paused: bool
    sources: tuple[Source, ...]

    @property
    def needs_mx(self) -> bool:
        """Whether any way out dials the recipient's own servers, so that the provider must be known."""
        return any(source.member.kind is MemberKind.IP for source in self.sources)


def _look_up_route(pool_id: UUID) -> Route | None:
    with unscoped("delivery reads the pools of all tenants") as session:
        route = route_of(session, pool_id)
    return None if route is None else Route(route.paused, tuple(_source(member) for member in route.members))


def _source(member: RouteMember) -> Source:
    return Source(_member(member), member.owner_id, member.label or str(member.id), usage=member.usage)


def _member(member: RouteMember) -> Member:
    relay = member.kind is PoolMemberKind.RELAY
    return Member(
        id=member.id,
        kind=MemberKind.RELAY if relay else MemberKind.IP,
        weight=member.weight,
        host=member.host,
        port=member.port,
        tls=TlsMode(member.tls.value) if member.tls else TlsMode.OPPORTUNISTIC,
        username=member.username,
        password=member.password,
        source_ip=member.source_address,
        helo_name=member.helo_name or get_settings().ehlo_name,
        max_connections=member.max_connections or _IP_CONNECTIONS,
        trusted=member.trusted,
        source_id=member.source_id,
        auth=AuthMethod(member.auth.value),
        return_path=member.return_path,
        headers=member.headers,
    )


@dataclass(frozen=True, slots=True)
class Sender:
    """What mail of a From domain leaves with. ``return_path``, ``tracking_host``: the tenant's own hosts, None for the platform's."""

    signers: tuple[DkimSigner, ...]
    return_path: str | None
    tracking_host: str | None


def _look_up_sender(key: tuple[UUID, str]) -> Sender | None:
    with unscoped("delivery signs for the domains of all tenants") as session:
        identity = sending_identity(session, *key)
        vouched_for = identity is None and key[0] == system_tenant_id(session)
    if identity is None:
        return Sender((), None, None) if vouched_for else None  # the operator vouches for the platform's own sender
    signers = tuple(DkimSigner(s.domain, s.selector, s.private_key) for s in identity.signers)
    return Sender(signers, identity.return_path, identity.tracking_host)


route_for = Remembered(_look_up_route)
#: By tenant and From domain; None when the tenant has no verified domain that covers it (any more).
sender_for = Remembered(_look_up_sender, seconds=60.0)
