"""Values of access that doors and other slices use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from uuid import UUID

from webapp.kernel.permissions import PRESETS, PermissionSet
from webapp.kernel.scope import Actor, Mode
from webapp.tenants.types import TenantStatus

#: Ready-made roles a key may have; the plain names of ``PRESETS`` are for members.
KEY_PRESETS = {name: granted for name, granted in PRESETS.items() if name.startswith("root:")}

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Credential:
    """What a valid API key or bridge token lets its bearer do. ``rate_limit``: requests per 60 s, None for the platform's default.

    ``allowed_from``: addresses or domains the bearer may send from; empty: every verified domain of the tenant.
    """

    tenant_id: UUID
    tenant_status: TenantStatus
    actor: Actor
    permissions: PermissionSet
    mode: Mode
    bridge_id: UUID | None = None
    key_id: UUID | None = None
    rate_limit: int | None = None
    allowed_networks: tuple[Network, ...] = ()
    expires_at: datetime | None = None
    allowed_from: tuple[str, ...] = ()
