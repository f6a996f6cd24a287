"""From a received message to a `MessageSubmission`, and from what `accept` says to an SMTP reply. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from webapp.kernel import errors
from webapp.kernel.addresses import Address
from webapp.kernel.clock import parse_rfc3339
from webapp.kernel.errors import DomainError
from webapp.kernel.scope import Mode
from webapp.messages.mime_headers import one_line
from webapp.messages.mime_intake import Intake, IntakeError, parse_message
from webapp.messages.types import Accepted, AttachmentInput, Door, MessageSubmission, RecipientInput, RecipientKind
from worker.smtp.replies import Reply

MAX_ATTACHMENTS = 100

_REFUSALS: tuple[tuple[type[DomainError], int, str], ...] = (
    (errors.Unavailable, 451, "4.3.0"),
    (errors.RateLimited, 451, "4.7.0"),
    (errors.LimitExceeded, 452, "4.7.1"),
    (errors.IdempotencyConflict, 554, "5.5.4"),
    (errors.Conflict, 450, "4.7.1"),
    (errors.PayloadTooLarge, 552, "5.3.4"),
    (errors.Forbidden, 550, "5.7.1"),
    (errors.Unauthenticated, 550, "5.7.1"),
)
_BY_PARAMETER = {"from": "5.7.1", "sender": "5.7.1", "to": "5.1.3"}


def build_submission(
    data: bytes, sender: Address | None, recipients: Iterable[Address], bridge_id: UUID, received: bytes = b""
) -> MessageSubmission:
    """Read the message and its control headers.

    sender: envelope sender, None for the null sender; recipients: envelope recipients, who are the ones written to; the To and
    Cc headers only tell which of them are named in the mail; received: our own trace header, put on top (a template makes a new
    message instead, which came from nowhere). Raises IntakeError.
    """
    intake = parse_message(data)
    controls = intake.controls
    everyone = tuple(recipients)
    from_address, *more = intake.from_
    template = controls.template
    return MessageSubmission(
        from_address=from_address,
        recipients=_with_kinds(intake, everyone),
        subject=intake.subject,
        door=Door.SMTP,
        raw=None if template else received + intake.outgoing(),
        template=template,
        variables=controls.variables,
        reply_to=intake.reply_to,
        attachments=_attachments(intake) if template else (),
        tags=controls.tags,
        metadata=controls.metadata,
        send_at=_send_at(controls.send_at),
        also_from=tuple({a.canonical: a for a in (*more, *intake.sender, *([sender] if sender else []))}.values()),
        message_id_header=intake.message_id,
        bridge_id=bridge_id,
        list_mail=intake.mailing_list[0],
        list_key=intake.mailing_list[1],
        idempotency_key=controls.idempotency_key or _repeat_key(intake, sender, everyone, bridge_id),
        fingerprint=_fingerprint(intake, everyone) if controls.idempotency_key else b"",
    )


def _with_kinds(intake: Intake, recipients: tuple[Address, ...]) -> tuple[RecipientInput, ...]:
    named: dict[str, tuple[RecipientKind, str | None]] = {}
    for kind, addresses in ((RecipientKind.CC, intake.cc), (RecipientKind.TO, intake.to)):
        named.update({address.canonical: (kind, address.name) for address in addresses})
    found = []
    for address in recipients:
        kind, name = named.get(address.canonical, (RecipientKind.BCC, None))
        found.append(RecipientInput(Address(name, address.local, address.domain), kind))
    return tuple(found)


def _attachments(intake: Intake) -> tuple[AttachmentInput, ...]:
    files = intake.attachments
    if len(files) > MAX_ATTACHMENTS:
        raise IntakeError("body", f"more than {MAX_ATTACHMENTS} attachments")
    return tuple(
        AttachmentInput(part.filename or f"attachment-{number}", part.content_type, part.octets(), part.content_id)
        for number, part in enumerate(files, 1)
    )


def _send_at(text: str | None) -> datetime | None:
    if text is None:
        return None
    value = parse_rfc3339(text)
    if value is None:
        raise IntakeError("X-Postbridge-Send-At", "must be a time with offset such as 2030-01-31T09:30:00Z")
    return value


def _repeat_key(intake: Intake, sender: Address | None, recipients: tuple[Address, ...], bridge_id: UUID) -> str | None:
    """Key under which the very same octets count as one message for an hour (`smtp_repeat_minutes`), when the client names the message.

    A client that lost its connection before it saw our 250 sends again; the Message-ID says that it is the same message, and
    it gets the answer of the first time instead of a second delivery. The form of the key says how long it lives
    (`webapp.messages.service.statements`); why an hour: docs/decisions/0009.
    """
    if intake.message_id is None:
        return None
    digest = hashlib.sha256(intake.raw)
    for part in (str(bridge_id), sender.canonical if sender else "", *(address.canonical for address in recipients)):
        digest.update(b"\0" + part.encode())
    return f"smtp:{digest.hexdigest()}"


def _fingerprint(intake: Intake, recipients: tuple[Address, ...]) -> bytes:
    """What must be equal when an idempotency key comes again. Not the octets: libraries draw new boundaries and dates."""
    digest = hashlib.sha256()
    parts = [intake.subject, intake.html or "", intake.text or "", repr(intake.controls), repr(intake.from_)]
    for text in (*parts, *sorted(address.canonical for address in recipients)):
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    for part in intake.attachments:
        digest.update(hashlib.sha256(part.octets()).digest())
    return digest.digest()


def reply_to_intake_error(error: IntakeError) -> Reply:
    """A refusal that names the header and what to do."""
    return Reply(error.code, error.status, one_line(f"{error.param}: {error.message}"))


def reply_to(result: Accepted | DomainError) -> Reply:
    """What the client is told about its message."""
    if isinstance(result, DomainError):
        return _refusal(result)
    note = " (sandbox: captured, not delivered)" if result.mode is Mode.SANDBOX else ""
    return Reply(250, "2.0.0", f"Ok: {'taken before, ' if result.replayed else ''}queued as {result.id}{note}")


def _refusal(error: DomainError) -> Reply:
    text = one_line(error.message)
    for kind, code, status in _REFUSALS:
        if isinstance(error, kind):
            return Reply(code, status, text)
    parameter = (error.param or "").partition("[")[0]
    return Reply(550, _BY_PARAMETER.get(parameter, "5.6.0"), text) if error.status < 500 else Reply(451, "4.3.0", text)
