"""What machines write back: delivery status notifications, feedback reports, automatic replies.

Sources: RFC 3464 and 6522 (DSN), RFC 6533 (internationalised DSN), RFC 5965 (ARF), RFC 3834 (automatic replies).

Nothing here is proof: anybody can mail a report. Whether it counts is decided by the caller through the signed return
path it came to. Pure functions over hostile octets; they never raise for bad input, they find less.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from webapp.messages.mime_headers import (
    Header,
    IntakeError,
    decode_words,
    find_header,
    normalise_newlines,
    one_line,
    split_headers,
)
from webapp.messages.mime_parts import Part, parse_parts
from webapp.messages.reports_text import bounces_in_text, find_status

MAX_OCTETS = 1024 * 1024
"""Octets of a report that are looked at; the rest is the returned message's body."""
MAX_RECIPIENTS = 1000
_MAX_TEXT = 2000
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_ADDRESS = re.compile(r"<?([^\s<>;,]{1,255}@[^\s<>;,]{1,255})>?")
_MACHINE = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon|mdaemon|mail delivery|microsoftexchange)", re.IGNORECASE)
_BOUNCE_SUBJECT = re.compile(
    r"undeliver|delivery (?:status|failure|has failed|problem|report)|failure notice|returned mail|mail delivery|delivery notification"
    r"|non remis|unzustellbar|no se puede entregar|mail system error|could not (?:send|be delivered)|non[- ]delivery",
    re.IGNORECASE,
)
_AWAY_SUBJECT = re.compile(
    r"out of (?:the )?office|auto(?:matic|mated)?[- ]?(?:reply|response)|abwesen|automatische antwort|vacation|réponse automatique"
    r"|respuesta automática|risposta automatica|away from",
    re.IGNORECASE,
)


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
        return self.feedback_type in ("abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", "dmca", "miscategorized")


@dataclass(frozen=True, slots=True)
class AutoReply:
    """A vacation note or other automatic answer (RFC 3834): says nothing about delivery."""

    subject: str
    original: Original


Report = BounceReport | ComplaintReport | AutoReply


def parse_report(data: bytes) -> list[Report]:
    """All reports in one received message; [] when it is ordinary mail or cannot be understood.

    A DSN gives one BounceReport per recipient named in it. Only the first megabyte is looked at.
    """
    raw = normalise_newlines(data[:MAX_OCTETS])
    try:
        headers, _ = split_headers(raw, strict=False)
        parts = parse_parts(raw, strict=False)
    except IntakeError:
        return []
    original = _find_original(parts)
    complaints = _complaints(headers, parts, original)
    if complaints:
        return list(complaints)
    bounces = _dsn_bounces(headers, parts, original)
    if bounces:
        return list(bounces)
    if _is_auto_reply(headers):
        return [AutoReply(one_line(decode_words(find_header(headers, "Subject") or ""))[:_MAX_TEXT], original)]
    return list(_text_bounces(headers, parts, original))


# --- DSN ----------------------------------------------------------------------------------------------------------------


def _dsn_bounces(headers: list[Header], parts: list[Part], original: Original) -> list[BounceReport]:
    found: list[BounceReport] = []
    for part in parts:
        if part.content_type not in ("message/delivery-status", "message/global-delivery-status"):
            continue
        blocks = field_blocks(part.text())
        per_message = blocks[0] if blocks and "reporting-mta" in blocks[0] else {}
        reporting = _after_semicolon(per_message.get("reporting-mta"))
        for block in blocks:
            if "action" in block or "status" in block or "final-recipient" in block:
                found.append(_dsn_bounce(block, reporting, original))
                if len(found) >= MAX_RECIPIENTS:
                    return found
    return found


def _dsn_bounce(block: Mapping[str, str], reporting: str | None, original: Original) -> BounceReport:
    diagnostic = one_line(_after_semicolon(block.get("diagnostic-code")) or "")[:_MAX_TEXT]
    code, status_in_text = find_status(diagnostic)
    match = _STATUS.search(block.get("status", ""))
    status = match[0] if match else None
    # "Status: 5.0.0" says no more than the action; the diagnostic often does.
    if status is None or status in ("5.0.0", "4.0.0"):
        status = status_in_text or status
    return BounceReport(
        action=_action(block.get("action"), status, code),
        recipient=_address(block.get("final-recipient")),
        original_recipient=_address(block.get("original-recipient"), xtext=True),
        status=status,
        code=code,
        diagnostic=diagnostic,
        remote_mta=_after_semicolon(block.get("remote-mta")),
        reporting_mta=reporting,
        evidence=Evidence.DSN,
        original=original,
    )


def _action(text: str | None, status: str | None, code: int | None) -> Action:
    words = (text or "").split()
    word = words[0].strip(";,.").lower() if words else ""
    if word in Action.__members__.values():
        return Action(word)
    if word in ("fail", "failure", "undeliverable"):
        return Action.FAILED
    first = status[0] if status else str(code or 5)[0]
    return {"2": Action.DELIVERED, "4": Action.DELAYED}.get(first, Action.FAILED)


def field_blocks(text: str) -> list[dict[str, str]]:
    """Groups of `Name: value` lines between blank lines, names in lower case, folded lines joined; the first of a name wins."""
    blocks: list[dict[str, str]] = []
    for paragraph in re.split(r"\n[ \t]*\n", text.replace("\r", "")):
        block: dict[str, str] = {}
        name = ""
        for line in paragraph.split("\n"):
            if line[:1] in (" ", "\t") and name:
                block[name] = f"{block[name]} {line.strip()}"[:_MAX_TEXT]
                continue
            key, colon, value = line.partition(":")
            name = key.strip().lower() if colon else ""
            if name and name not in block:
                block[name] = value.strip()[:_MAX_TEXT]
            else:
                name = ""
        if block:
            blocks.append(block)
        if len(blocks) > MAX_RECIPIENTS + 1:
            break
    return blocks


def _after_semicolon(value: str | None) -> str | None:
    """The part behind the type of a typed field ("dns; mx.example" gives "mx.example")."""
    if value is None:
        return None
    _, semicolon, rest = value.partition(";")
    return one_line(rest if semicolon else value)[:255 if len(value) < 256 else _MAX_TEXT] or None


def _address(value: str | None, *, xtext: bool = False) -> str | None:
    """The address of a typed address field. xtext: undo RFC 3461 section 4 encoding (original recipients only)."""
    if value is None:
        return None
    kind, semicolon, rest = value.partition(";")
    text = (rest if semicolon else value).strip()
    if kind.strip().lower() == "utf-8":
        text = _UNITEXT.sub(lambda match: _char(int(match[1], 16)), text)
    elif xtext:
        text = _XTEXT.sub(lambda match: chr(int(match[1], 16)), text)
    match = _ADDRESS.search(one_line(text))
    return match[1].rstrip(".") if match else None


def _char(number: int) -> str:
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "�"


# --- the message reported on -------------------------------------------------------------------------------------------------


def _find_original(parts: list[Part]) -> Original:
    """Headers of the enclosed message: message/rfc822, message/global or only its headers."""
    for part in parts:
        if part.content_type in ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"):
            octets = normalise_newlines(part.octets()).lstrip(b"\r\n")
            try:
                headers, _ = split_headers(octets[: 100 * 1024], strict=False)
            except IntakeError:
                continue
            if headers:
                return Original(_message_id(headers), _subject(headers), tuple(headers))
    return Original()


def _message_id(headers: list[Header]) -> str | None:
    return one_line(find_header(headers, "Message-ID") or "")[:255] or None


def _subject(headers: list[Header]) -> str | None:
    return one_line(decode_words(find_header(headers, "Subject") or ""))[:_MAX_TEXT] or None


# --- complaints -----------------------------------------------------------------------------------------------------------


def _complaints(headers: list[Header], parts: list[Part], original: Original) -> list[ComplaintReport]:
    for part in parts:
        if part.content_type != "message/feedback-report":
            continue
        text = part.text()
        fields = {name: value for block in reversed(field_blocks(text)) for name, value in block.items()}
        kind = fields.get("feedback-type", "").split(";")[0].strip().lower()[:64]
        return [
            ComplaintReport(
                feedback_type=kind or "other",
                recipients=_reported_recipients(text, original),
                mail_from=_address(fields.get("original-mail-from")),
                user_agent=one_line(fields.get("user-agent", ""))[:255] or None,
                source_ip=one_line(fields.get("source-ip", ""))[:64] or None,
                original=original,
            )
        ]
    return _mixed_complaint(headers, original)


def _mixed_complaint(headers: list[Header], original: Original) -> list[ComplaintReport]:
    """Microsoft's feedback loop sends no feedback report: a multipart/mixed known by sender and subject."""
    sender = (find_header(headers, "From") or "").lower()
    subject = (find_header(headers, "Subject") or "").lower()
    if not original.headers or "staff@hotmail.com" not in sender or "complaint about message from" not in subject:
        return []
    recipient = _address(find_header(original.headers, "X-HmXmrOriginalRecipient"))
    source = re.search(r"complaint about message from ([0-9a-f.:]{2,45})", subject)
    return [ComplaintReport("abuse", (recipient,) if recipient else (), None, None, source[1] if source else None, original)]


def _reported_recipients(text: str, original: Original) -> tuple[str, ...]:
    """Recipients named by the report; when it was redacted, those in the To header of the enclosed copy."""
    found = [_address(line.partition(":")[2]) for line in text.split("\n") if line.lower().startswith("original-rcpt-to:")]
    named = tuple(dict.fromkeys(address for address in found[:MAX_RECIPIENTS] if address))
    if named:
        return named
    to = find_header(original.headers, "To") or ""
    return tuple(dict.fromkeys(match[1] for match in _ADDRESS.finditer(to[:_MAX_TEXT])))


# --- automatic replies and free text ---------------------------------------------------------------------------------------


def _is_auto_reply(headers: list[Header]) -> bool:
    """Whether an automatic responder wrote this, other than a mail system reporting on delivery."""
    if _is_from_machine(headers):
        return False
    submitted = (find_header(headers, "Auto-Submitted") or "no").split(";")[0].strip().lower()
    if submitted not in ("no", ""):
        return True
    if any(find_header(headers, name) is not None for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From")):
        return True
    if (find_header(headers, "Precedence") or "").strip().lower() == "auto_reply":
        return True
    return _AWAY_SUBJECT.search(_subject(headers) or "") is not None


def _is_from_machine(headers: list[Header]) -> bool:
    return_path = find_header(headers, "Return-Path")
    sender = find_header(headers, "From") or ""
    if _MACHINE.search(sender[:500]) or find_header(headers, "X-Failed-Recipients") is not None:
        return True
    empty = return_path is not None and return_path.strip() == "<>"
    return empty and _BOUNCE_SUBJECT.search(_subject(headers) or "") is not None


def _text_bounces(headers: list[Header], parts: list[Part], original: Original) -> list[BounceReport]:
    subject = _subject(headers) or ""
    if not (_is_from_machine(headers) or _BOUNCE_SUBJECT.search(subject)):
        return []
    text = next((part.text() for part in parts if part.content_type == "text/plain"), "")
    failed = [_address(item) for item in (find_header(headers, "X-Failed-Recipients") or "")[:_MAX_TEXT].split(",")]
    return [
        BounceReport(
            action=Action.DELAYED if guess.is_delay else Action.FAILED,
            recipient=guess.recipient,
            original_recipient=None,
            status=guess.status,
            code=guess.code,
            diagnostic=guess.diagnostic,
            remote_mta=None,
            reporting_mta=None,
            evidence=Evidence.TEXT,
            original=original,
        )
        for guess in bounces_in_text(subject, text, [address for address in failed if address])
    ]
