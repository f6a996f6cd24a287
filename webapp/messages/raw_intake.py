"""`/email/send/raw`: a whole RFC 5322 message, as `message/rfc822` or as base64 in JSON with the fields that no header can say."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence
from typing import Any

from webapp.kernel.addresses import Address
from webapp.kernel.clock import parse_rfc3339
from webapp.kernel.errors import Problem, ValidationFailed
from webapp.messages.intake import FieldReader, platform_limit
from webapp.messages.intake_files import LARGEST_SUM
from webapp.messages.mime_headers import IntakeError
from webapp.messages.mime_intake import Intake, parse_message
from webapp.messages.types import Door, MessageSubmission, RecipientInput, RecipientKind

FIELDS = frozenset("raw to tags metadata send_at expires_in bridge".split())


def read_raw(document: Any, *, key: str | None = None, fingerprint: bytes = b"", limit: Callable[[], int] = platform_limit) -> MessageSubmission:
    """One message. ``document``: the octets, or an object with `raw` (base64) and, optionally, the recipients to write to instead of those of the
    headers. Raises ``ValidationFailed``."""
    if isinstance(document, bytes):
        document = {"raw": document}
    if type(document) is not dict:
        raise ValidationFailed('Send {"raw": "<base64>"} or the message itself as message/rfc822.')
    reader = FieldReader(document, limit)
    intake = _parse(document.get("raw"))
    wanted = reader.people("to")
    if reader.problems:
        raise ValidationFailed.of(reader.problems)
    from_address, *more = intake.from_
    submission = MessageSubmission(
        from_address=from_address,
        recipients=_recipients(intake, wanted),
        subject=intake.subject,
        door=Door.API,
        raw=intake.outgoing(),
        reply_to=intake.reply_to,
        tags=reader.tags() or intake.controls.tags,
        metadata=reader.metadata() or intake.controls.metadata,
        send_at=reader.moment("send_at") or (parse_rfc3339(intake.controls.send_at) if intake.controls.send_at else None),
        expires_in=reader.seconds("expires_in"),
        also_from=(*more, *intake.sender),
        message_id_header=intake.message_id,
        bridge_id=reader.id("bridge"),
        list_mail=intake.mailing_list[0],
        list_key=intake.mailing_list[1],
        idempotency_key=key or intake.controls.idempotency_key,
        fingerprint=fingerprint,
    )
    if intake.controls.send_at and submission.send_at is None:
        reader.fault("send_at", "X-Postbridge-Send-At must be a time such as 2026-06-01T09:00:00Z.")
    reader.check_fields(FIELDS)
    if reader.problems:
        raise ValidationFailed.of(reader.problems)
    return submission


def _parse(value: Any) -> Intake:
    if isinstance(value, str):
        try:
            value = binascii.a2b_base64(b"".join(value.encode("ascii").split()), strict_mode=True)
        except (ValueError, UnicodeEncodeError):
            raise ValidationFailed("raw is not valid base64.", param="raw") from None
    if not isinstance(value, bytes) or not value:
        raise ValidationFailed.of([Problem("raw", "Give the message in raw, as base64.", "missing_parameter")])
    if len(value) > LARGEST_SUM + 1024 * 1024:
        raise ValidationFailed("The message is too large.", param="raw")
    if b"\x00" in value:
        raise ValidationFailed("The message holds a NUL octet; encode the part that does.", param="raw")
    try:
        return parse_message(value)
    except IntakeError as error:
        raise ValidationFailed(f"{error.param}: {error.message}", param=f"raw.{error.param}") from None


def _recipients(intake: Intake, wanted: Sequence[Address]) -> tuple[RecipientInput, ...]:
    """Those of the headers; with ``wanted`` only those, each in the header that names it, else in none."""
    kinds = ((RecipientKind.TO, intake.to), (RecipientKind.CC, intake.cc), (RecipientKind.BCC, intake.bcc))
    named = [RecipientInput(address, kind) for kind, addresses in kinds for address in addresses]
    if not wanted:
        if not named:
            raise ValidationFailed("Name at least one recipient, in `to` or in the message's headers.", param="to")
        return tuple(named)
    known = {entry.address.canonical: entry.kind for entry in reversed(named)}
    return tuple(RecipientInput(address, known.get(address.canonical, RecipientKind.BCC)) for address in wanted)
