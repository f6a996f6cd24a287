"""Values of the staff console that other modules use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RequestKind(StrEnum):
    """What a tenant asks staff for: live sending, or an end of its suspension."""

    PRODUCTION = "production"
    APPEAL = "appeal"


class RequestStatus(StrEnum):
    """Where a request stands. ``limited``: approved, with limits that staff chose and that do not grow by themselves."""

    OPEN = "open"
    APPROVED = "approved"
    LIMITED = "limited"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class StaffRole(StrEnum):
    """``owner`` may add and remove staff; everything else both may."""

    SUPPORT = "support"
    OWNER = "owner"


class NoticeKind(StrEnum):
    """Letters to a tenant's owners about what staff did."""

    REQUEST_DECIDED = "request_decided"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    LIMITS_CHANGED = "limits_changed"
    SUPPORT_STARTED = "support_started"
    SUPPORT_ENDED = "support_ended"


class EndCause(StrEnum):
    """Why a support session ended."""

    STOPPED = "stopped"
    EXPIRED = "expired"
    TENANT = "tenant"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    STAFF_GONE = "staff_gone"


#: The causes in the words of a page or a letter.
END_WORDS = {
    EndCause.STOPPED: "stopped by the staff member",
    EndCause.EXPIRED: "its time was over",
    EndCause.TENANT: "stopped by the tenant",
    EndCause.CONSENT_WITHDRAWN: "the tenant took its consent back",
    EndCause.STAFF_GONE: "the staff member signed out or left",
}


@dataclass(frozen=True, slots=True)
class ApprovalWish:
    """What a tenant says of its mail. ``volume``: recipients a month it expects."""

    what: str
    volume: int
    sources: str
    website: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What staff decides about a request. ``reason`` is read by the tenant. Limits are None where the plan's, or none, apply."""

    status: RequestStatus
    reason: str = ""
    daily_limit: int | None = None
    monthly_limit: int | None = None
    minute_limit: int | None = None


@dataclass(frozen=True, slots=True)
class SupportWish:
    """What a staff member gives as grounds for a session. ``ticket``: the tenant's request in the operator's own help desk."""

    reason: str
    ticket: str
