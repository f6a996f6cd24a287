"""Values of bridges that other slices use."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
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


class GuardRule(StrEnum):
    """What a bridge's guard watches."""

    BOUNCES = "bounces"
    COMPLAINTS = "complaints"
    SPIKE = "spike"
    SENDER = "sender"


class GuardAction(StrEnum):
    """What the guard does when a rule that the bridge may choose about strikes."""

    OFF = "off"
    WARN = "warn"
    PAUSE = "pause"


class GuardState(StrEnum):
    """``exempt``: staff lets it send until a day, whatever its figures; it is warned all the same."""

    WATCHING = "watching"
    WARNED = "warned"
    TRIPPED = "tripped"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True)
class BridgeCounts:
    """Recipients of one bridge's live mail in some stretch of time."""

    accepted: int = 0
    sent: int = 0
    delivered: int = 0
    hard_bounced: int = 0
    complained: int = 0

    def since(self, earlier: BridgeCounts) -> BridgeCounts:
        """What was added to ``earlier``."""
        return BridgeCounts(*(max(0, getattr(self, name) - getattr(earlier, name)) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Watched:
    """What the figures say of one bridge at one moment.

    ``window``: since the later of the window's begin and the hour in which counting began; ``hour``: this hour (UTC) alone.
    """

    tenant_id: UUID
    bridge_id: UUID
    window: BridgeCounts
    hour: BridgeCounts


@dataclass(frozen=True, slots=True)
class History:
    """A bridge's own past: recipients accepted in its busiest hour before this one, and when the first of these hours was."""

    busiest: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """A limit that was passed. ``figures`` and ``threshold`` are what ``text`` tells in words; ``counted_from`` says which counting it belongs to."""

    tenant_id: UUID
    bridge_id: UUID
    rule: GuardRule
    action: GuardAction
    text: str
    figures: dict[str, Any]
    counted_from: datetime | None = None
