"""What travels through accept: a unit is one request (one message, or a batch), a draft one message of it on its way to rows."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from webapp.kernel import blobs
from webapp.kernel.clock import parse_rfc3339, rfc3339
from webapp.kernel.errors import DomainError, InvalidParameter
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Mode
from webapp.messages.service.sender import BridgeFacts, Sender
from webapp.messages.types import Accepted, AttachmentInput, EventType, MessageSubmission, RecipientInput, RecipientKind, RecipientState
from webapp.settings import get_settings

LONGEST_KEY = 255

_STATUSES = {state: state.value for state in RecipientState}
_SAYINGS = {
    **{state: f"Email {state.value}" for state in RecipientState},
    RecipientState.QUEUED: "Email queued for delivery",
    RecipientState.SCHEDULED: "Email scheduled for delivery",
    RecipientState.SANDBOXED: "Email captured in the sandbox; it will not be delivered",
}

#: First event of a recipient, by its first state.
FIRST_EVENT = {
    RecipientState.QUEUED: EventType.QUEUED.value,
    RecipientState.SCHEDULED: EventType.SCHEDULED.value,
    RecipientState.SANDBOXED: EventType.SANDBOXED.value,
    RecipientState.SUPPRESSED: EventType.SUPPRESSED.value,
}


def json_text(value: Any) -> str:
    """JSON as the database takes it: quicker than the standard library's by a factor of ten."""
    return msgspec.json.encode(value).decode()


def answer_of(accepted: Accepted) -> dict[str, Any]:
    """The flat answer of the Sending API, always in this order: a replay must give the same bytes."""
    answer: dict[str, Any] = {
        "id": str(accepted.id),
        "message_id": accepted.message_id,
        "status": _STATUSES[accepted.status],
        "sandbox": accepted.sandbox,
        "message": _SAYINGS[accepted.status],
    }
    if accepted.send_at is not None:
        answer["send_at"] = rfc3339(accepted.send_at)
    return answer


def accepted_of(answer: dict[str, Any]) -> Accepted:
    """Read back what ``answer_of`` wrote, as a replay."""
    send_at = parse_rfc3339(answer["send_at"]) if "send_at" in answer else None
    mode = Mode.SANDBOX if answer["sandbox"] else Mode.LIVE
    return Accepted(UUID(answer["id"]), answer["message_id"], RecipientState(answer["status"]), mode, send_at, replayed=True)


class StoredRefusal(DomainError):
    """A refusal inside a batch that is answered again."""

    def __init__(self, stored: dict[str, Any]) -> None:
        super().__init__(stored["message"], param=stored["param"])
        self.code, self.status, self.retryable = stored["code"], stored["status"], stored["retryable"]


def refusal_answer(error: DomainError) -> dict[str, Any]:
    """What a batch's idempotency row keeps of a refused message."""
    return {"code": error.code, "message": error.message, "param": error.param, "status": error.status, "retryable": error.retryable}


@dataclass(slots=True)
class Unit:
    """One request: all of it is written by one transaction, and at most once per idempotency key.

    ``results`` stand in the order of ``submissions``; ``error`` refuses the unit as a whole.
    """

    sender: Sender
    submissions: Sequence[MessageSubmission]
    key: str | None = None
    fingerprint: bytes = b""
    results: list[Accepted | DomainError] = field(default_factory=list)
    error: DomainError | None = None
    replayed: bool = False
    is_batch: bool = False
    #: Place of the first message that came as far as a draft: the idempotency key is claimed in its name.
    first: int = 0
    #: Attachments as they will stand in the row, by the message's place; doors store them before they wait for a group.
    files: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def store_files(self, index: int) -> list[dict[str, Any]]:
        """The attachments of one message, stored; once. Raises ``Unavailable`` when the disk is full: no row without its body."""
        if index not in self.files:
            files = self.submissions[index].attachments
            self.files[index] = [store_attachment(file, self.sender.tenant_id) for file in files]
        return self.files[index]

    def refuse(self, error: DomainError) -> None:
        """Nothing of this unit is accepted."""
        self.error = error
        self.results = [error] * len(self.submissions)


def unit_of(sender: Sender, submission: MessageSubmission) -> Unit:
    """A unit of one message, with its own idempotency key."""
    return Unit(sender, (submission,), submission.idempotency_key, submission.fingerprint)


def check_key(key: str | None) -> None:
    """1 to 255 characters without control characters. Raises ``InvalidParameter``."""
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise InvalidParameter("An idempotency key has 1 to 255 printable characters.", param="Idempotency-Key")


def expiry_hours(stream: str) -> int:
    """How long mail of a stream is tried when it does not say so itself."""
    return get_settings().bulk_expiry_hours if stream == "bulk" else get_settings().default_expiry_hours


@dataclass(slots=True)
class Draft:
    """One message that passed the checks so far, with everything its rows need."""

    unit: Unit
    index: int
    submission: MessageSubmission
    bridge: BridgeFacts | None
    mode: Mode
    pool_id: UUID | None
    now: datetime
    recipients: Sequence[RecipientInput]
    #: Made of ``now``: what the id says of its time must not be later than the first event.
    id: UUID
    #: Canonical address -> reason, of the recipients that must not be written to.
    suppressed: dict[str, str] = field(default_factory=dict)
    subject: str = ""
    html: str | None = None
    text: str | None = None
    size: int = 0
    error: DomainError | None = None

    @property
    def state(self) -> RecipientState:
        """State of every recipient that is not suppressed, and of the whole."""
        if self.mode is Mode.SANDBOX:
            return RecipientState.SANDBOXED
        return RecipientState.QUEUED if self.submission.send_at is None else RecipientState.SCHEDULED

    @property
    def stream(self) -> str:
        """Bulk when the bridge or the message itself says so: a message is never less bulk than its bridge."""
        if self.submission.list_mail:
            return "bulk"
        return self.bridge.stream if self.bridge else "transactional"

    @property
    def due_at(self) -> datetime:
        """When delivery may begin."""
        return self.submission.send_at or self.now

    @property
    def expires_at(self) -> datetime:
        """When delivery is given up."""
        seconds = self.submission.expires_in or expiry_hours(self.stream) * 3600
        return self.due_at + timedelta(seconds=seconds)

    @property
    def message_id(self) -> str:
        """The Message-ID header: the client's own, else one made of the id."""
        return self.submission.message_id_header or f"<{self.id}@{self.submission.from_address.domain}>"

    @property
    def accepted(self) -> Accepted:
        """What is answered when the rows are committed."""
        return Accepted(self.id, self.message_id, self.state, self.mode, self.submission.send_at)


def draft_of(unit: Unit, index: int, bridge: BridgeFacts | None, mode: Mode, pool_id: UUID | None, now: datetime) -> Draft:
    """A draft with its content measured; addresses named twice are written to once."""
    submission = unit.submissions[index]
    recipients = submission.recipients
    if len(recipients) > 1:
        recipients = tuple({entry.address.canonical: entry for entry in reversed(recipients)}.values())[::-1]
    draft = Draft(unit, index, submission, bridge, mode, bridge.pool_id if bridge else pool_id, now, recipients, uuid7(int(now.timestamp() * 1000)))
    draft.subject, draft.html, draft.text = submission.subject, submission.html, submission.text
    draft.size = content_size(draft)
    return draft


def content_size(draft: Draft) -> int:
    """Bytes of the content, roughly as they will travel (attachments unencoded)."""
    size = sum(len(file.data) for file in draft.submission.attachments) + len(draft.submission.raw or b"")
    for text in (draft.html, draft.text):
        if text:
            size += len(text) if text.isascii() else len(text.encode())
    return size


def store_attachment(file: AttachmentInput, tenant: UUID) -> dict[str, Any]:
    """How one file stands in ``message_contents.attachments``: small ones inside, large ones under their name in the object store."""
    entry: dict[str, Any] = {"filename": file.filename, "content_type": file.content_type, "size": len(file.data)}
    if file.content_id:
        entry["content_id"] = file.content_id
    if len(file.data) <= get_settings().attachment_inline_bytes:
        entry["data"] = base64.b64encode(file.data).decode()
    else:
        entry["blob"] = blobs.put(file.data, str(tenant))
    return entry


def addresses_json(draft: Draft) -> str:
    """``message_contents.addresses``: what the To, Cc and Reply-To headers will say; bcc is in no header."""
    headers: dict[str, list[list[str | None]]] = {}
    for entry in draft.recipients:
        if entry.kind is not RecipientKind.BCC:
            headers.setdefault(entry.kind.value, []).append([entry.address.name, entry.address.email])
    if draft.submission.reply_to:
        headers["reply_to"] = [[address.name, address.email] for address in draft.submission.reply_to]
    return json_text(headers)
