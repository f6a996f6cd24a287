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
from webapp.settings import get_settings
from worker.delivery.dkim import DkimSigner
from worker.delivery.types import Member, MemberKind, TlsMode

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
class Route:
    """A pool as the engine sees it."""

    paused: bool
    members: tuple[Member, ...]


def _look_up_route(pool_id: UUID) -> Route | None:
    with unscoped("delivery reads the pools of all tenants") as session:
        route = route_of(session, pool_id)
    return None if route is None else Route(route.paused, tuple(_member(member) for member in route.members))


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
    )


def _look_up_signers(key: tuple[UUID, str]) -> tuple[DkimSigner, ...]:
    with unscoped("delivery signs for the domains of all tenants") as session:
        identity = sending_identity(session, *key)
    return tuple(DkimSigner(s.domain, s.selector, s.private_key) for s in identity.signers) if identity else ()


route_for = Remembered(_look_up_route)
signers_for = Remembered(_look_up_signers, seconds=60.0)
