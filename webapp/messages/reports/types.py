"""The values that reading a report gives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from webapp.messages.mime_headers import Header

_COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", "dmca", "miscategorized"})


class Action(StrEnum):
    """Fate of one recipient in a DSN (RFC 3464 2.3.3). Only FAILED is a bounce."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


class Evidence(StrEnum):
    """How a bounce was found: in a delivery-status part, or guessed from free text."""

    DSN = "dsn"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Original:
    """What the report says of the message it is about; None and empty where it says nothing."""

    message_id: str | None = None
    subject: str | None = None
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class BounceReport:
    """Fate of one recipient.

    status: enhanced status code of three numbers, None when none stands anywhere; code: SMTP reply code in the diagnostic;
    recipient: the final recipient, which after forwarding is not the address we sent to; original_recipient: as we wrote it.
    """

    action: Action
    recipient: str | None
    original_recipient: str | None
    status: str | None
    code: int | None
    diagnostic: str
    remote_mta: str | None
    reporting_mta: str | None
    evidence: Evidence
    original: Original

    @property
    def is_bounce(self) -> bool:
        """True when delivery was given up; delays and successes are not bounces."""
        return self.action is Action.FAILED


@dataclass(frozen=True, slots=True)
class ComplaintReport:
    """A feedback report. feedback_type: lower case, as reported ("abuse", "fraud", "not-spam", "auth-failure"...); mail_from: the
    envelope sender of the mail complained about."""

    feedback_type: str
    recipients: tuple[str, ...]
    mail_from: str | None
    user_agent: str | None
    source_ip: str | None
    original: Original

    @property
    def is_complaint(self) -> bool:
        """True when a reader did not want the mail. `not-spam` takes a complaint back, `auth-failure` is about DKIM and SPF."""
        return self.feedback_type in _COMPLAINTS


@dataclass(frozen=True, slots=True)
class AutoReply:
    """A vacation note, a read receipt or other automatic answer (RFC 3834, RFC 8098): says nothing about delivery."""

    subject: str
    original: Original


Report = BounceReport | ComplaintReport | AutoReply
