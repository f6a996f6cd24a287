"""Values of tenants that other slices use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class TenantStatus(StrEnum):
    """``sandbox``: may capture only; ``approved``: may send; ``suspended``: may do nothing but read."""

    SANDBOX = "sandbox"
    APPROVED = "approved"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class TenantState:
    """What the sending path must know of a tenant. Limits are None where there is none of its own."""

    id: UUID
    name: str
    status: TenantStatus
    status_reason: str | None
    daily_limit: int | None
    max_recipients: int | None

    @property
    def may_send_live(self) -> bool:
        """Whether mail of this tenant may leave."""
        return self.status is TenantStatus.APPROVED
