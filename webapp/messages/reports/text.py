"""Bounces written for people: qmail, Exim, Exchange, gateways and kin without a usable delivery-status part.

Line by line and bounded; a guess that names no address is still worth something, because the return path tells whom.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from webapp.messages.mime_headers import one_line
from webapp.messages.mime_parts import Part
from webapp.messages.reports.phrases import ANNOUNCES, CAME_FROM, DELAY, FAILURE, GIVEN_UP, LABEL, NOT_IT, ORIGINAL, QUOTED_HEADER
from webapp.messages.reports.status import find_status

MAX_LINES = 400
MAX_LINE = 500
MAX_GUESSES = 50
_MAX_HTML = 200_000
_MAX_DIAGNOSTIC = 1000
_LINES_ABOUT = 8

_ADDRESS = re.compile(r"(?<![A-Za-z0-9@._%+\-=])[A-Za-z0-9!#$%&*+/=?^_`{|}~.\-]{1,64}@[A-Za-z0-9.\-]{1,255}")
_AT_START = re.compile(r"^[\s*>|\-\d.)\[(<\"'\u2022]*(?:smtp[:=]|mailto:|rfc822;\s*)?[\s<\"'\[]*$", re.IGNORECASE)
_GATEWAY_FORM = re.compile(r"^(?:.*[;:])?smtp=", re.IGNORECASE)
_SYSTEMS = ("postmaster", "mailer-daemon", "mail-daemon", "mdaemon", "abuse")
_BREAK = re.compile(r"<(?:br|p|/p|div|/div|tr|/tr|li|h\d)\b[^<>]{0,500}>", re.IGNORECASE)
_TAG = re.compile(r"<(?![^<>\s@]{1,64}@)[^<>]{0,2000}>")
_QUOTED = re.compile(r"^[\s*>]*(?:subject|to|cc|from|sent|date|message-id|undeliverable): ", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{3,}")
_ENCLOSED = ("message/", "text/rfc822-headers")


@dataclass(frozen=True, slots=True)
class Guess:
    """One recipient found in free text. ``original``: the address the failing one was made of, by an alias or a forward."""

    recipient: str | None
    original: str | None
    status: str | None
    code: int | None
    diagnostic: str
    is_delay: bool


@dataclass(slots=True)
class _Found:
    """An address in the text: how surely it is one that failed (1 to 3), and the line it stands in."""

    address: str
    weight: int
    line: int
    original: str | None = None


@dataclass(slots=True)
class Notice:
    """What a mail system wrote about its delivery, up to where the returned message begins."""

    lines: list[str]
    found: list[_Found] = field(default_factory=list)

    @property
    def whole(self) -> str:
        """The text as one piece."""
        return "\n".join(self.lines)

    @property
    def is_delay(self) -> bool:
        """Whether it says that delivery is still being tried."""
        return DELAY.search(self.whole) is not None and GIVEN_UP.search(self.whole) is None


def own_text(parts: Sequence[Part]) -> str:
    """The text of a report without what it encloses: its plain text, else its HTML read as text."""
    own: list[Part] = []
    for part in parts:
        if part.content_type.startswith(_ENCLOSED) and part.content_type != "message/delivery-status":
            break
        own.append(part)
    for kind in ("text/plain", "text/html"):
        text = "\n".join(part.text()[:_MAX_HTML] for part in own if part.content_type == kind)
        if text.strip():
            return text if kind == "text/plain" else _text_of(text)
    return ""


def _text_of(markup: str) -> str:
    return html.unescape(_TAG.sub(" ", _BREAK.sub("\n", markup[:_MAX_HTML].replace("\n", " ")))).replace("\xa0", " ")


def read_notice(text: str, known: Iterable[str]) -> Notice:
    """Cut out the system's own lines and find the addresses in them. known: addresses that cannot be the one that failed
    (our own return path, the report's sender), in lower case."""
    notice = Notice(_own_lines(text))
    apart = frozenset(known)
    for number, line in enumerate(notice.lines):
        for match in _ADDRESS.finditer(line):
            _take(notice, number, line, match, apart)
    return notice


def _own_lines(text: str) -> list[str]:
    own: list[str] = []
    for line in text[: MAX_LINES * MAX_LINE].split("\n")[:MAX_LINES]:
        line = line[:MAX_LINE].rstrip()
        if ORIGINAL.search(line) and any(map(str.strip, own)):
            break
        own.append(line)
    return own


def _take(notice: Notice, number: int, line: str, match: re.Match[str], known: frozenset[str]) -> None:
    before = line[: match.start()]
    address = _GATEWAY_FORM.sub("", match[0]).rstrip(".")
    local, _, domain = address.rpartition("@")
    if not local or not domain.strip(".-") or address.lower() in known or local.lower() in _SYSTEMS:
        return
    if CAME_FROM.search(before) and notice.found:
        notice.found[-1].original = address
        return
    weight = _weight(notice.lines, number, before)
    if weight:
        notice.found.append(_Found(address, weight, number))


def _weight(lines: Sequence[str], number: int, before: str) -> int:
    """3: where mail systems list recipients; 2: beside words of failure; 1: somewhere; 0: surely another's address."""
    if CAME_FROM.search(before) or _AT_START.match(before):
        return 3
    if LABEL.search(before):
        return 3
    if NOT_IT.search(before):
        return 0
    if QUOTED_HEADER.search(before):
        return 1
    above = next((line for line in reversed(lines[max(0, number - 3) : number]) if line.strip()), "")
    return 2 if FAILURE.search(lines[number]) or ANNOUNCES.search(above) or FAILURE.search(above) else 1


def guesses(notice: Notice, subject: str, failed: Sequence[str]) -> list[Guess]:
    """Recipients and reasons in a bounce without delivery status; [] when the text tells of no failure and no delay.

    failed: addresses the mail system named in a header (Exim's X-Failed-Recipients); when given, only they count.
    """
    is_delay = notice.is_delay or (DELAY.search(subject) is not None and GIVEN_UP.search(notice.whole) is None)
    best = max((found.weight for found in notice.found), default=0)
    chosen = {found.address.lower(): found for found in reversed(notice.found) if found.weight == best}
    named = [chosen[key] for key in reversed(chosen)] if not failed else [_Found(address, 3, _line_of(notice, address)) for address in failed]
    said = [_guess(notice, found, named, is_delay) for found in named[:MAX_GUESSES]]
    if not said:
        said = [_guess(notice, None, [], is_delay)]
    tells = bool(failed) or is_delay or FAILURE.search(subject) is not None or FAILURE.search(notice.whole) is not None
    return [guess for guess in said if tells or guess.status or guess.code]


def _line_of(notice: Notice, address: str) -> int:
    return next((number for number, line in enumerate(notice.lines) if address in line), 0)


def _guess(notice: Notice, found: _Found | None, named: Sequence[_Found], is_delay: bool) -> Guess:
    near = _about(notice.lines, found, {other.line for other in named}) if found else ""
    for other in named:
        near = near.replace(other.address, " ")
    code, status = find_status(near)
    if not code and not status and (len(named) < 2 or len(_WORD.findall(near)) < 2):
        # The reason stands elsewhere. With several recipients it might be another's, so words beside the address are enough then.
        near = f"{near} {reason_in(notice, [other.address for other in named])}"
        code, status = find_status(near)
    if status and status.startswith("2"):
        status = None  # a version number, more likely than a success told in prose
    diagnostic = " ".join(one_line(near).split())[:_MAX_DIAGNOSTIC]
    return Guess(found.address if found else None, found.original if found else None, status, code, diagnostic, is_delay)


def reason_in(notice: Notice, addresses: Iterable[str]) -> str:
    """Everything the system said, without quoted header fields and without the addresses: their letters are no words of its."""
    text = "\n".join(line for line in notice.lines if not _QUOTED.match(line))
    for address in addresses:
        text = text.replace(address, " ")
    return text


def _about(lines: Sequence[str], found: _Found, starts: set[int]) -> str:
    """The lines about an address: from its own to the next blank line or the next address."""
    about = [lines[found.line]]
    for number in range(found.line + 1, min(found.line + _LINES_ABOUT, len(lines))):
        if number in starts or (not lines[number].strip() and len(about) > 1):
            break
        about.append(lines[number])
    return "\n".join(about)
