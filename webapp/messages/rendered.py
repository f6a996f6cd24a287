"""A stored message as a person can look at it: parts, attachments, and its source."""

from __future__ import annotations

import email
import email.policy
import hashlib
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Any

from webapp.kernel.errors import NotFound
from webapp.messages.models import Message, MessageContent
from webapp.messages.queries import attachment_bytes

_PARSE = email.policy.default.clone(refold_source="none")


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a message. ``index`` is its place, by which it is downloaded."""

    index: int
    filename: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a message says. ``source`` is the RFC 5322 text; for API mail as it is before tracking and signing."""

    html: str | None
    text: str | None
    attachments: tuple[Attached, ...]
    headers: tuple[tuple[str, str], ...]
    source: bytes


def parse_mail(raw: bytes) -> Rendered:
    """A raw mail as parts; broken MIME shows as plain text rather than not at all."""
    try:
        parsed: EmailMessage = email.message_from_bytes(raw, policy=_PARSE)
        html, text = _body(parsed, "html"), _body(parsed, "plain")
        files = [_attached(i, part) for i, part in enumerate(_files(parsed))]
        headers = tuple((name, " ".join(str(value).split())) for name, value in parsed.items())
    except (RecursionError, ValueError, LookupError, AttributeError, IndexError):
        return Rendered(None, raw.decode("utf-8", "replace"), (), (), raw)
    return Rendered(html, text, tuple(files), headers, raw)


def subject_of(raw: bytes) -> str:
    """The decoded subject of a raw mail, reading its header only."""
    head = re.split(rb"\r?\n\r?\n", raw[:20000], maxsplit=1)[0]
    try:
        return " ".join(str(email.message_from_bytes(head + b"\r\n\r\n", policy=_PARSE).get("Subject", "")).split())
    except (ValueError, LookupError, AttributeError, IndexError):
        return ""


def _body(parsed: EmailMessage, kind: str) -> str | None:
    part = parsed.get_body(preferencelist=(kind,))
    if part is None:
        return None
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return None
    try:
        return data.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


def _files(parsed: EmailMessage) -> list[Any]:
    return [part for part in parsed.walk() if not part.is_multipart() and part.get_filename()]


def _attached(index: int, part: Any) -> Attached:
    data = part.get_payload(decode=True) or b""
    return Attached(index, part.get_filename() or f"attachment-{index + 1}", part.get_content_type(), len(data))


def render_message(message: Message, content: MessageContent) -> Rendered:
    """The parts of a stored message."""
    if content.raw is not None:
        return parse_mail(content.raw)
    source = _compose(message, content)
    files = tuple(
        Attached(i, entry["filename"], entry["content_type"], entry["size"]) for i, entry in enumerate(content.attachments or ())
    )
    headers = tuple((name, str(value)) for name, value in source.items())
    return Rendered(content.html, content.text, files, headers, source.as_bytes())


def _compose(message: Message, content: MessageContent) -> EmailMessage:
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = formataddr((message.from_name or "", message.from_address))
    for header, key in (("To", "to"), ("Cc", "cc"), ("Reply-To", "reply_to")):
        if people := content.addresses.get(key):
            mail[header] = ", ".join(formataddr((name or "", address)) for name, address in people)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = message.message_id_header
    for name, value in content.headers or ():
        mail[name] = value
    if content.text is not None:
        mail.set_content(content.text)
    if content.html is not None:
        if content.text is not None:
            mail.add_alternative(content.html, subtype="html")
        else:
            mail.set_content(content.html, subtype="html")
    for entry in content.attachments or ():
        main, _, sub = entry["content_type"].partition("/")
        try:
            data = attachment_bytes(entry)
        except NotFound:
            continue
        mail.add_attachment(data, maintype=main or "application", subtype=sub or "octet-stream", filename=entry["filename"])
    # The library draws a random boundary; one made from the id keeps the page's ETag still.
    if mail.is_multipart():
        mail.set_boundary("=_" + hashlib.sha256(message.id.bytes).hexdigest()[:24])
    return mail


def attachment_of(content: MessageContent, index: int) -> tuple[str, str, bytes]:
    """``(file name, content type, bytes)`` of one attachment. Raises ``NotFound``."""
    if content.raw is not None:
        return file_of_mail(content.raw, index)
    entries = content.attachments or []
    if not 0 <= index < len(entries):
        raise NotFound("attachment")
    entry = entries[index]
    return entry["filename"], entry["content_type"], attachment_bytes(entry)


def file_of_mail(raw: bytes, index: int) -> tuple[str, str, bytes]:
    """``(file name, content type, bytes)`` of one attachment of a raw mail. Raises ``NotFound``."""
    parsed: EmailMessage = email.message_from_bytes(raw, policy=_PARSE)
    files = _files(parsed)
    if not 0 <= index < len(files):
        raise NotFound("attachment")
    part = files[index]
    return part.get_filename() or f"attachment-{index + 1}", part.get_content_type(), part.get_payload(decode=True) or b""
