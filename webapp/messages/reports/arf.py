"""Feedback reports (RFC 5965), and the feedback loop that sends none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from webapp.messages.mime_headers import Header, find_header, one_line
from webapp.messages.mime_parts import Part
from webapp.messages.reports.fields import MAX_RECIPIENTS, address_in, addresses_in, field_blocks
from webapp.messages.reports.types import ComplaintReport, Original

_SOURCE = re.compile(r"complaint about message from ([0-9a-f.:]{2,45})")


def complaints(headers: list[Header], parts: Sequence[Part], original: Original) -> list[ComplaintReport]:
    """The complaint a message is, [] when it is none."""
    for part in parts:
        if part.content_type != "message/feedback-report":
            continue
        text = part.text()
        fields = {name: value for block in reversed(field_blocks(text)) for name, value in block.items()}
        kind = one_line(fields.get("feedback-type", "").split(";")[0]).lower()[:64]
        return [
            ComplaintReport(
                feedback_type=kind or "other",
                recipients=_recipients(text, original),
                mail_from=address_in(fields.get("original-mail-from")),
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
    recipient = address_in(find_header(original.headers, "X-HmXmrOriginalRecipient"))
    source = _SOURCE.search(subject)
    return [ComplaintReport("abuse", (recipient,) if recipient else (), None, None, source[1] if source else None, original)]


def _recipients(text: str, original: Original) -> tuple[str, ...]:
    """Recipients named by the report; when it was redacted, those in the To header of the enclosed copy."""
    found = [address_in(line.partition(":")[2]) for line in text.split("\n") if line.lower().startswith("original-rcpt-to:")]
    named = tuple(dict.fromkeys(address for address in found[:MAX_RECIPIENTS] if address))
    return named or addresses_in(find_header(original.headers, "To") or "")
