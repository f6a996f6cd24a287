"""Values of messages that other slices and the doors use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from webapp.kernel.addresses import Address
from webapp.kernel.errors import ValidationFailed
from webapp.kernel.scope import Mode


class RecipientState(StrEnum):
    """Where one recipient stands. The last six are final."""

    SCHEDULED = "scheduled"
    HELD = "held"
    QUEUED = "queued"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    SANDBOXED = "sandboxed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will be tried."""
        return self not in (RecipientState.SCHEDULED, RecipientState.HELD, RecipientState.QUEUED, RecipientState.DEFERRED)


class RecipientKind(StrEnum):
    """In which header the recipient stands; bcc in none."""

    TO = "to"
    CC = "cc"
    BCC = "bcc"


class EventType(StrEnum):
    """Facts about a recipient, named as webhooks name them."""

    QUEUED = "email.queued"
    SCHEDULED = "email.scheduled"
    SANDBOXED = "email.sandboxed"
    SENT = "email.sent"
    DELIVERED = "email.delivered"
    DEFERRED = "email.deferred"
    DELAYED = "email.delayed"
    BOUNCED = "email.bounced"
    FAILED = "email.failed"
    SUPPRESSED = "email.suppressed"
    HELD = "email.held"
    CANCELLED = "email.cancelled"
    BOUNCE_LIFTED = "email.bounce_lifted"
    OPENED = "email.opened"
    CLICKED = "email.clicked"
    COMPLAINED = "email.complained"
    UNSUBSCRIBED = "email.unsubscribed"


class Door(StrEnum):
    """Where a message came in."""

    API = "api"
    SMTP = "smtp"
    DASHBOARD = "dashboard"
    CLI = "cli"
    SYSTEM = "system"


class SenderNotVerified(ValidationFailed):
    """Live mail from a domain that the tenant has not proved to own."""


class AllSuppressed(ValidationFailed):
    """Every recipient of a message is on the suppression list."""


@dataclass(frozen=True, slots=True)
class AttachmentInput:
    """A file to send along; ``data`` are its bytes, ``content_id`` makes it inline."""

    filename: str
    content_type: str
    data: bytes
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class RecipientInput:
    """One address of a submission, with the header it stands in."""

    address: Address
    kind: RecipientKind = RecipientKind.TO


@dataclass(frozen=True, slots=True)
class MessageSubmission:
    """What every door hands to ``messages.service.accept``: parsed and syntactically valid, not yet judged.

    Exactly one of ``raw`` (a whole RFC 5322 message) and html/text/template is the content. ``fingerprint`` is the SHA-256 of the request
    body, compared when an idempotency key comes again. ``list_mail``: it says of itself that it is bulk (a List-Unsubscribe or List-Id, `stream`
    of the request): then it is, whatever the bridge says; the other way round the bridge wins. ``list_key``: its List-Id.
    """

    from_address: Address
    recipients: tuple[RecipientInput, ...]
    subject: str
    door: Door
    html: str | None = None
    text: str | None = None
    raw: bytes | None = None
    template: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    reply_to: tuple[Address, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[AttachmentInput, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    send_at: datetime | None = None
    expires_in: int | None = None
    #: Envelope sender and other header addresses that must be on a verified domain too (SMTP: MAIL FROM, Sender).
    also_from: tuple[Address, ...] = ()
    message_id_header: str | None = None
    bridge_id: UUID | None = None
    list_mail: bool = False
    list_key: str | None = None
    idempotency_key: str | None = None
    fingerprint: bytes = b""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a submission. ``replayed``: an earlier request with the same idempotency key was answered again."""

    id: UUID
    message_id: str
    status: RecipientState
    mode: Mode
    send_at: datetime | None = None
    replayed: bool = False

    @property
    def sandbox(self) -> bool:
        """Whether it was captured instead of queued."""
        return self.mode is Mode.SANDBOX
