"""From the octets of a received message to what it reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from webapp.messages.mime_headers import Header, IntakeError, decode_words, find_header, normalise_newlines, one_line, split_headers
from webapp.messages.mime_parts import Part, parse_parts
from webapp.messages.reports.arf import complaints
from webapp.messages.reports.dsn import dsn_bounces
from webapp.messages.reports.fields import MAX_TEXT, address_in, addresses_in
from webapp.messages.reports.kinds import is_about_delivery, is_auto_reply, subject_of
from webapp.messages.reports.status import find_status
from webapp.messages.reports.text import Guess, Notice, guesses, own_text, read_notice, reason_in
from webapp.messages.reports.types import Action, AutoReply, BounceReport, Evidence, Original, Report

MAX_OCTETS = 1024 * 1024
"""Octets of a report that are looked at; the rest is the returned message's body."""
_ENCLOSED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
_ENCLOSED_OCTETS = 100 * 1024
_OWN_HEADERS = ("To", "From", "Sender", "Reply-To", "Return-Path", "Errors-To")


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
    found = complaints(headers, parts, original)
    if found:
        return list(found)
    bounces = dsn_bounces(parts, original)
    if bounces:
        return list(_with_reasons(bounces, headers, parts))
    if is_auto_reply(headers, parts):
        return [AutoReply(subject_of(headers), original)]
    return list(_bounces_for_people(headers, parts, original)) if is_about_delivery(headers) else []


def _bounces_for_people(headers: list[Header], parts: list[Part], original: Original) -> list[BounceReport]:
    """What the text says; when it names nobody, what a report says that a gateway wrapped into another message."""
    failed = [address_in(item) for item in (find_header(headers, "X-Failed-Recipients") or "")[:MAX_TEXT].split(",")]
    subject = subject_of(headers)
    said = guesses(_notice(headers, parts), subject, [address for address in failed if address])
    if not any(guess.recipient for guess in said):
        wrapped = _wrapped(parts)
        if wrapped:
            return wrapped
    return [_bounce_of(guess, original) for guess in said]


def _wrapped(parts: list[Part]) -> list[BounceReport]:
    """A delivery status one message further in; not deeper, and never its text: that could be anybody's mail."""
    for part in parts:
        if part.content_type != "message/rfc822":
            continue
        try:
            inner = parse_parts(normalise_newlines(part.octets()).lstrip(b"\r\n"), strict=False)
        except IntakeError:
            continue
        found = dsn_bounces(inner, _find_original(inner))
        if found:
            return found
    return []


def _notice(headers: list[Header], parts: list[Part]) -> Notice:
    known = [address.lower() for name in _OWN_HEADERS for address in addresses_in(find_header(headers, name) or "")]
    return read_notice(own_text(parts), known)


def _with_reasons(bounces: Sequence[BounceReport], headers: list[Header], parts: list[Part]) -> list[BounceReport]:
    """Failures whose diagnostic is empty get the words the system wrote for people beside it."""
    if all(report.diagnostic or not report.is_bounce for report in bounces):
        return list(bounces)
    notice = _notice(headers, parts)
    known = [address for report in bounces for address in (report.recipient, report.original_recipient) if address]
    by_address = {(guess.recipient or "").lower(): guess for guess in guesses(notice, "", [])}
    filled = []
    for report in bounces:
        if report.is_bounce and not report.diagnostic:
            near = by_address.get((report.recipient or "").lower()) or by_address.get((report.original_recipient or "").lower())
            words = near.diagnostic if near else " ".join(reason_in(notice, known).split())[:1000]
            code, status = find_status(words)
            known_status = report.status if report.status not in (None, "5.0.0", "4.0.0") else None
            report = replace(report, diagnostic=words, code=code, status=known_status or status or report.status)
        filled.append(report)
    return filled


def _bounce_of(guess: Guess, original: Original) -> BounceReport:
    return BounceReport(
        action=Action.DELAYED if guess.is_delay else Action.FAILED,
        recipient=guess.recipient,
        original_recipient=guess.original,
        status=guess.status,
        code=guess.code,
        diagnostic=guess.diagnostic,
        remote_mta=None,
        reporting_mta=None,
        evidence=Evidence.TEXT,
        original=original,
    )


def _find_original(parts: Sequence[Part]) -> Original:
    """Headers of the enclosed message: message/rfc822, message/global or only its headers."""
    for part in parts:
        if part.content_type not in _ENCLOSED:
            continue
        octets = normalise_newlines(part.octets()).lstrip(b"\r\n")
        try:
            headers, _ = split_headers(octets[:_ENCLOSED_OCTETS], strict=False)
        except IntakeError:
            continue
        if headers:
            message_id = one_line(find_header(headers, "Message-ID") or "")[:255] or None
            subject = one_line(decode_words(find_header(headers, "Subject") or ""))[:MAX_TEXT] or None
            return Original(message_id, subject, tuple(headers))
    return Original()
