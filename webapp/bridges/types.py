"""Values of bridges that other slices use."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from webapp.kernel.scope import Mode
from webapp.tenants.types import TenantStatus


class Stream(StrEnum):
    """Transactional mail goes first and is not stopped by unsubscribes; bulk mail carries one-click unsubscribe."""

    TRANSACTIONAL = "transactional"
    BULK = "bulk"


class BridgeStatus(StrEnum):
    """``paused``: takes no mail until it is resumed."""

    ACTIVE = "active"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What an application needs to use a bridge, in the clear. ``number`` ends the token and counts the rotations."""

    credential_id: UUID
    number: int
    username: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BridgeLogin:
    """A successful SMTP login: what the session may do. ``allowed_from``: addresses or domains; empty: every verified domain.

    ``is_paused``: the password is right but the bridge takes nothing now; answer with a 4xx so that the application tries again.
    """

    credential_id: UUID
    bridge_id: UUID
    bridge_name: str
    tenant_id: UUID
    tenant_status: TenantStatus
    mode: Mode
    stream: Stream
    allowed_from: tuple[str, ...]
    is_paused: bool
