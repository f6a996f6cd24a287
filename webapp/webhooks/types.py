"""Values of webhooks that doors, jobs and the sending engine share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from webapp.kernel.clock import rfc3339


class EndpointState(StrEnum):
    """Whether events go to an endpoint. ``disabled``: by a person, by 410, or after days of failure."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DeliveryState(StrEnum):
    """Where one delivery stands. ``failed`` is final until somebody replays it."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class CircuitState(StrEnum):
    """``closed``: deliveries flow; ``open``: they wait; ``probing``: the wait is over and one delivery finds out."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


class NoticeKind(StrEnum):
    """Why the owners of a tenant are written to about an endpoint."""

    FAILING = "failing"
    DISABLED = "disabled"


class ReplayWhat(StrEnum):
    """What a replay sends again: only what was not delivered, or everything."""

    FAILED = "failed"
    ALL = "all"


class Provider(StrEnum):
    """Who reports to us about mail of a sending account; each proves itself in its own way."""

    SES = "ses"
    SENDGRID = "sendgrid"
    MAILGUN = "mailgun"
    POSTMARK = "postmark"
    BREVO = "brevo"
    GENERIC = "generic"


class Source(StrEnum):
    """Who may report; reports of providers have the provider's name."""

    POSTFIX = "postfix"


class MtaEvent(StrEnum):
    """What a mail system tells of mail it took over."""

    BOUNCE = "bounce"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class MtaReport:
    """One thing told of one recipient. ``status``: enhanced status code; ``key``: what makes it the same report when it comes again.

    ``reference``: the provider's own id of the mail, as it stood in the provider's reply when it took the mail over.
    """

    event: MtaEvent
    recipient: str
    message_id: str
    sender: str
    reason: str
    status: str | None
    key: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a report: ``id`` of its row; ``replayed``: it was here before, and is not applied again."""

    id: UUID
    event: MtaEvent
    replayed: bool


@dataclass(frozen=True, slots=True)
class Job:
    """One delivery to make now. ``secrets``: one, or two during a rotation; ``claim``: the fencing token; ``tries``: attempts made before."""

    delivery_id: UUID
    endpoint_id: UUID
    tenant_id: UUID
    claim: int
    tries: int
    event_id: UUID
    body: str
    url: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt brought. ``status`` None: no answer was read, and ``error`` says why. Bodies and headers are cut.

    ``retry_after``: seconds the endpoint asked for. ``seconds``: how long it took. ``request_headers`` hold no signature.
    """

    at: datetime
    seconds: float
    status: int | None
    error: str | None
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: str = ""
    response_cut: bool = False
    retry_after: float | None = None
    request_headers: tuple[tuple[str, str], ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint took the event: any 2xx (Standard Webhooks)."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def ended(self) -> datetime:
        """When it was over."""
        return self.at + timedelta(seconds=self.seconds)

    @property
    def gone(self) -> bool:
        """Whether the endpoint wants no event ever again."""
        return self.status == 410

    @property
    def summary(self) -> str:
        """The outcome in a few words."""
        return self.error or f"The endpoint answered {self.status}."

    def as_log(self, number: int) -> dict[str, Any]:
        """The attempt as its delivery's row keeps it."""
        return {
            "number": number, "at": rfc3339(self.at), "duration_ms": round(self.seconds * 1000), "status": self.status, "error": self.error,
            "request_headers": [list(pair) for pair in self.request_headers], "response_headers": [list(pair) for pair in self.response_headers],
            "response_body": self.response_body, "response_cut": self.response_cut,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """An attempt of a claimed delivery; ``attempt`` None: it was not tried after all and goes back to the queue."""

    job: Job
    attempt: Attempt | None
