"""Values of pools that other slices and the delivery engine use."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from webapp.sending_accounts.types import AuthMethod, TlsPolicy, Usage


class MemberKind(StrEnum):
    """``ip``: direct to the recipient's MX from an address of ours; ``relay``: through a sending account."""

    IP = "ip"
    RELAY = "relay"


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member as people see it; ``label``: the address, or the account's name; ``usable``: both it and what it points at are active."""

    id: UUID
    kind: MemberKind
    ip_address_id: UUID | None
    sending_account_id: UUID | None
    label: str
    detail: str
    weight: int
    active: bool
    usable: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RouteMember:
    """One way out, complete: what the engine needs to dial, as values.

    ``source_address``: local address to bind, None for the system's choice. ``trusted``: the host was set by the operator (a shared account),
    so it may lie on a private network; the hosts of tenants may not.
    """

    id: UUID
    kind: MemberKind
    weight: int
    source_address: str | None = None
    helo_name: str | None = None
    host: str | None = None
    port: int = 25
    tls: TlsPolicy = TlsPolicy.OPPORTUNISTIC
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    max_connections: int = 20
    trusted: bool = False
    #: The address or account behind it, whose it is (None: shared), and what people call it.
    source_id: UUID | None = None
    owner_id: UUID | None = None
    label: str = ""
    auth: AuthMethod = AuthMethod.AUTO
    return_path: str | None = None
    #: Header fields that a relay wants to see, as they stand in a mail.
    headers: bytes = b""
    #: What an account with a quota has used, counted when the route was read; None without one.
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class PoolRoute:
    """A pool as delivery sees it. No ``members``: nothing can leave, recipients wait."""

    pool_id: UUID
    name: str
    paused: bool
    members: tuple[RouteMember, ...]


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Who needs a pool: live bridges, deleted bridges that still name it, recipients in flight (counted up to 1000)."""

    bridges: int
    named: bool
    waiting: int
