"""Delivery status notifications (RFC 3464, RFC 6533): one report a recipient."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from webapp.messages.mime_headers import one_line
from webapp.messages.mime_parts import Part
from webapp.messages.reports.fields import MAX_RECIPIENTS, MAX_TEXT, address_in, after_type, field_blocks
from webapp.messages.reports.status import find_status
from webapp.messages.reports.types import Action, BounceReport, Evidence, Original

_TYPES = ("message/delivery-status", "message/global-delivery-status")
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
#: These say no more than the action does; the diagnostic often says more.
_EMPTY_STATUS = ("5.0.0", "4.0.0")


def dsn_bounces(parts: Sequence[Part], original: Original) -> list[BounceReport]:
    """What the delivery-status parts say, recipient by recipient; [] when there is none or it names nobody."""
    found: list[BounceReport] = []
    for part in parts:
        if part.content_type not in _TYPES:
            continue
        blocks = field_blocks(part.text())
        per_message = blocks[0] if blocks and "reporting-mta" in blocks[0] else {}
        reporting = after_type(per_message.get("reporting-mta"))
        for block in blocks:
            if "action" in block or "status" in block or "final-recipient" in block:
                found.append(_bounce(block, reporting, original))
                if len(found) >= MAX_RECIPIENTS:
                    return found
    return found


def _bounce(block: Mapping[str, str], reporting: str | None, original: Original) -> BounceReport:
    diagnostic = one_line(after_type(block.get("diagnostic-code")) or "")[:MAX_TEXT]
    code, status_in_text = find_status(diagnostic)
    match = _STATUS.search(block.get("status", ""))
    status = match[0] if match else None
    if status is None or status in _EMPTY_STATUS:
        status = status_in_text or status
    return BounceReport(
        action=_action(block.get("action"), status, code),
        recipient=address_in(block.get("final-recipient")),
        original_recipient=address_in(block.get("original-recipient"), xtext=True),
        status=status,
        code=code,
        diagnostic=diagnostic,
        remote_mta=after_type(block.get("remote-mta")),
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
