"""A received message (SMTP submission, `/email/send/raw`) turned into the fields that `messages.service.accept` needs.

Structure and bounds are checked here; whether the tenant may send so is judged by `accept`. Pure: no database, no Flask.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from webapp.kernel.addresses import Address
from webapp.messages.mailing_list import list_of
from webapp.messages.mime_addresses import parse_address_list
from webapp.messages.mime_headers import Header, IntakeError, decode_words, normalise_newlines, one_line, split_headers
from webapp.messages.mime_parts import Part, parse_parts

__all__ = ["Controls", "Intake", "IntakeError", "Part", "normalise_newlines", "parse_message"]

MAX_HOPS = 50
"""Received headers; more is a loop (RFC 5321 6.3 asks for at least 100 in relays; a submission has none or a few)."""
MAX_CONTROL = 16 * 1024
"""Characters of one control header."""
MAX_TAG = 128
_SINGLE = frozenset(
    {
        "from", "sender", "reply-to", "subject", "date", "message-id", "in-reply-to", "references", "mime-version",
        "content-type", "content-transfer-encoding",
    }
)
"""RFC 5322 3.6 and RFC 2045: at most once. To and Cc are joined instead, because mail programs do repeat them."""
_CONTROL_HEADERS = frozenset({"idempotency-key", "x-idempotency-key"})
_CONTROL_PREFIX = "x-postbridge-"
_DROPPED = frozenset({"bcc", "return-path", "resent-bcc"})
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_KEY = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, slots=True)
class Controls:
    """What the sender told us in headers that are for us and never leave.

    send_at: as written, to be parsed by the caller. tags and metadata are in the forms of the Sending API.
    """

    idempotency_key: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    template: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    send_at: str | None = None


@dataclass(frozen=True)
class Intake:
    """A parsed message. raw: its octets with CR LF line ends; from_: every address of the one From header.

    message_id: with angle brackets, None when absent or unusable. subject: decoded, one line, "" when absent.
    """

    raw: bytes
    body_offset: int
    headers: tuple[Header, ...]
    from_: tuple[Address, ...]
    sender: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    subject: str
    message_id: str | None
    date: str | None
    controls: Controls
    parts: tuple[Part, ...]

    @cached_property
    def html(self) -> str | None:
        """Text of the first HTML part that is no attachment; decoded on first use."""
        return self._first("text/html")

    @cached_property
    def text(self) -> str | None:
        """Text of the first plain part that is no attachment; decoded on first use."""
        return self._first("text/plain")

    @property
    def attachments(self) -> tuple[Part, ...]:
        """Parts a reader shows as files."""
        return tuple(part for part in self.parts if part.is_attachment)

    @cached_property
    def mailing_list(self) -> tuple[bool, str | None]:
        """Whether it says of itself that it is list mail, and its list's key."""
        return list_of((header.name, header.value) for header in self.headers)

    def outgoing(self) -> bytes:
        """The message to send on: without control headers, Bcc, Return-Path and an unusable Message-ID."""
        drop = [header for header in self.headers if self._is_dropped(header)]
        if not drop:
            return self.raw
        kept: list[bytes] = []
        position = 0
        for header in drop:
            kept.append(self.raw[position : header.start])
            position = header.end
        kept.append(self.raw[position:])
        return b"".join(kept)

    def _first(self, kind: str) -> str | None:
        return next((part.text() for part in self.parts if part.content_type == kind and not part.is_attachment), None)

    def _is_dropped(self, header: Header) -> bool:
        name = header.name.lower()
        return (
            name in _DROPPED
            or is_control_header(name)
            or (name == "message-id" and self.message_id is None)
        )


def is_control_header(name: str) -> bool:
    """True for headers that steer us and are not part of the message. name: any case."""
    lowered = name.lower()
    return lowered in _CONTROL_HEADERS or lowered.startswith(_CONTROL_PREFIX)


def parse_message(data: bytes) -> Intake:
    """Read a whole message as received; line ends are put right first.

    Raises IntakeError naming the header or part: malformed headers, none or two From, unreadable addresses, repeated
    single headers, MIME bounds (50 levels, 500 parts, 1,000 headers, 100 KB of them), loops, unreadable control headers.
    """
    raw = normalise_newlines(data)
    headers, body_offset = split_headers(raw)
    by_name = _group(headers)
    from_ = _addresses(by_name, "From")
    if not from_:
        raise IntakeError("From", "missing or empty; a message needs exactly one From header", status="5.6.0")
    sender = _addresses(by_name, "Sender")
    if len(sender) > 1:
        raise IntakeError("Sender", "holds more than one address")
    message_id = (by_name.get("message-id") or [""])[0].strip()
    return Intake(
        raw=raw,
        body_offset=body_offset,
        headers=tuple(headers),
        from_=from_,
        sender=sender,
        to=_addresses(by_name, "To"),
        cc=_addresses(by_name, "Cc"),
        bcc=_addresses(by_name, "Bcc"),
        reply_to=_addresses(by_name, "Reply-To"),
        subject=one_line(decode_words((by_name.get("subject") or [""])[0])),
        message_id=message_id if _MESSAGE_ID.fullmatch(message_id) else None,
        date=by_name["date"][0] if "date" in by_name else None,
        controls=_read_controls(by_name),
        parts=tuple(parse_parts(raw)),
    )


def _group(headers: list[Header]) -> dict[str, list[str]]:
    by_name: dict[str, list[str]] = {}
    for header in headers:
        by_name.setdefault(header.name.lower(), []).append(header.value)
    for name in _SINGLE:
        if len(by_name.get(name, ())) > 1:
            raise IntakeError(name.title(), "appears more than once")
    if len(by_name.get("received", ())) > MAX_HOPS:
        raise IntakeError("Received", f"more than {MAX_HOPS} hops: this is a mail loop", status="5.4.6")
    return by_name


def _addresses(by_name: Mapping[str, list[str]], field: str) -> tuple[Address, ...]:
    values = by_name.get(field.lower())
    if not values:
        return ()
    return tuple(address for value in values for address in parse_address_list(field, value))


def _read_controls(by_name: Mapping[str, list[str]]) -> Controls:
    if not any(is_control_header(name) for name in by_name):
        return Controls()
    return Controls(
        idempotency_key=_idempotency_key(by_name),
        tags=_tags(by_name),
        metadata=_metadata(by_name),
        template=_control(by_name, "X-Postbridge-Template") or None,
        variables=_json_object(by_name, "X-Postbridge-Variables"),
        send_at=_control(by_name, "X-Postbridge-Send-At") or None,
    )


def _control(by_name: Mapping[str, list[str]], name: str) -> str:
    values = by_name.get(name.lower(), [])
    if len(values) > 1:
        raise IntakeError(name, "appears more than once")
    if not values:
        return ""
    if len(values[0]) > MAX_CONTROL:
        raise IntakeError(name, f"is longer than {MAX_CONTROL} characters")
    return one_line(decode_words(values[0]))


def _idempotency_key(by_name: Mapping[str, list[str]]) -> str | None:
    names = ("X-Postbridge-Idempotency-Key", "Idempotency-Key", "X-Idempotency-Key")
    keys = {key: name for name in names if (key := _control(by_name, name))}
    if not keys:
        return None
    if len(keys) > 1:
        raise IntakeError("Idempotency-Key", "two headers give different keys")
    ((key, name),) = keys.items()
    if _KEY.fullmatch(key) is None:
        raise IntakeError(name, "must be 1 to 255 printable ASCII characters without spaces")
    return key


def _tags(by_name: Mapping[str, list[str]]) -> tuple[str, ...]:
    texts = by_name.get("x-postbridge-tag", []) + by_name.get("x-postbridge-tags", [])
    if sum(map(len, texts)) > MAX_CONTROL:
        raise IntakeError("X-Postbridge-Tag", f"is longer than {MAX_CONTROL} characters")
    tags = [tag.strip() for text in texts for tag in one_line(decode_words(text)).split(",")]
    unique = tuple(dict.fromkeys(tag for tag in tags if tag))
    for tag in unique:
        if len(tag) > MAX_TAG:
            raise IntakeError("X-Postbridge-Tag", f"a tag is longer than {MAX_TAG} characters")
    return unique


def _metadata(by_name: Mapping[str, list[str]]) -> Mapping[str, str]:
    metadata: dict[str, str] = {}
    for key, value in _json_object(by_name, "X-Postbridge-Metadata").items():
        if isinstance(value, dict | list) or value is None:
            raise IntakeError("X-Postbridge-Metadata", f"the value of {key[:80]!r} must be text, a number or true/false")
        metadata[key] = value if isinstance(value, str) else json.dumps(value)
    return metadata


def _json_object(by_name: Mapping[str, list[str]], name: str) -> Mapping[str, Any]:
    text = _control(by_name, name)
    if not text:
        return {}
    try:
        value = json.loads(text)
        unstorable = "\0" in json.dumps(value, ensure_ascii=False).encode("utf-8").decode("utf-8") or "\\u0000" in text
    except (ValueError, RecursionError):
        value, unstorable = None, False
    if unstorable:
        raise IntakeError(name, "holds a NUL character")
    if not isinstance(value, dict):
        raise IntakeError(name, 'must be a JSON object such as {"order": "17"}')
    return value
