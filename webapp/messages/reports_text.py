"""Bounces written for people: qmail, Exim, Exchange, Postfix and kin without a delivery-status part.

Line by line and bounded; a guess that names no address is still worth something, because the return path tells whom.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LINES = 400
MAX_LINE = 500
MAX_GUESSES = 50

_ADDRESS = re.compile(r"<?([A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]{1,64}@[A-Za-z0-9.\-]{1,255})>?")
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.\-])([45][0-5]\d)(?=[ \-:#)\]]|$)")
_DELAY = re.compile(
    r"warning: (?:could not send|message)|will (?:keep|continue) trying|delivery (?:is )?delayed|has been delayed|not yet been delivered"
    r"|do not need to (?:re)?send|retry (?:timeout )?not exceeded",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"-{3,}.{0,40}(?:original message|copy of the message|message header|below this line|returned message)|^return-path:|^received: from",
    re.IGNORECASE,
)
_UNKNOWN_USER = re.compile(
    r"user unknown|unknown (?:user|recipient|local[- ]part)|no such (?:user|person|mailbox|recipient|address)|mailbox (?:not found|unavailable)"
    r"|does(?:n't| not) exist|no mailbox (?:here )?by that name|invalid (?:mailbox|recipient|user)|not a valid (?:mailbox|recipient)"
    r"|recipient (?:address )?(?:rejected|not found)|address (?:unknown|not found)|empf.nger unbekannt|unbekannter empf",
    re.IGNORECASE,
)
_FULL = re.compile(
    r"mailbox (?:is )?full|over ?quota|quota (?:exceeded|full)|exceeded (?:the )?(?:storage|quota)|not enough (?:storage|disk) space",
    re.IGNORECASE,
)
_NO_HOST = re.compile(
    r"host (?:unknown|not found)|domain (?:not found|does not exist|has no mail)|unrouteable address|unable to find any host"
    r"|couldn't find any host",
    re.IGNORECASE,
)
_INACTIVE = re.compile(r"account (?:is |has been )?(?:disabled|inactive|suspended)|mailbox (?:is )?(?:disabled|inactive|suspended)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Guess:
    """One recipient found in free text; status is given or inferred from the words."""

    recipient: str | None
    status: str | None
    code: int | None
    diagnostic: str
    is_delay: bool


def find_status(text: str) -> tuple[int | None, str | None]:
    """SMTP reply code and enhanced status code in a diagnostic, each None when absent.

    Only three numbers make a status; "5.1" or "5.1.1.1" are none (CVE-2026-43964).
    """
    code = _CODE.search(text)
    status = _ENHANCED.search(text)
    return (int(code[1]) if code else None), (status[1] if status else None)


def infer_status(text: str) -> str | None:
    """The enhanced status that the words of a diagnostic amount to, or None."""
    for pattern, status in ((_FULL, "5.2.2"), (_INACTIVE, "5.2.1"), (_UNKNOWN_USER, "5.1.1"), (_NO_HOST, "5.1.2")):
        if pattern.search(text):
            return status
    return None


def bounces_in_text(subject: str, text: str, failed: list[str]) -> list[Guess]:
    """Recipients and reasons in a bounce without delivery status.

    failed: addresses the mail system named in a header (Exim's X-Failed-Recipients); when given, only they count.
    """
    lines = _own_lines(text)
    whole = "\n".join(lines)
    is_delay = bool(_DELAY.search(subject[:MAX_LINE]) or _DELAY.search(whole))
    addresses = failed or _addresses(lines)
    guesses = []
    for address in addresses[:MAX_GUESSES]:
        near = _near(lines, address)
        guesses.append(_guess(address, near or whole, is_delay))
    if not guesses:
        guess = _guess(None, whole, is_delay)
        if guess.code or guess.status:
            guesses.append(guess)
    return [guess for guess in guesses if guess.status or guess.code or failed or guess.is_delay]


def _own_lines(text: str) -> list[str]:
    """Lines the mail system wrote: up to where the returned message begins."""
    own: list[str] = []
    for line in text[: MAX_LINES * MAX_LINE].split("\n")[:MAX_LINES]:
        line = line[:MAX_LINE].rstrip()
        if _ORIGINAL.search(line) and own:
            break
        own.append(line)
    return own


def _addresses(lines: list[str]) -> list[str]:
    """Addresses that begin a line or stand in angle brackets at its start, the way mail systems list recipients."""
    found: dict[str, None] = {}
    for line in lines:
        match = _ADDRESS.match(line.strip().lstrip("*- "))
        if match is not None and not match[1].lower().startswith(("postmaster@", "mailer-daemon@")):
            found[match[1].rstrip(".")] = None
    return list(found)


def _near(lines: list[str], address: str) -> str:
    """The lines about an address: from the one that begins with it (else names it) to the next blank line or address."""
    starts = [number for number, line in enumerate(lines) if _ADDRESS.match(line.strip().lstrip("*- ")) and address in line]
    starts += [number for number, line in enumerate(lines) if address in line][:1]
    if not starts:
        return ""
    about = [lines[starts[0]]]
    for following in lines[starts[0] + 1 : starts[0] + 8]:
        if (not following.strip() and len(about) > 1) or _ADDRESS.match(following.strip()):
            break
        about.append(following)
    return "\n".join(about)


def _guess(address: str | None, text: str, is_delay: bool) -> Guess:
    without = text.replace(address, " ") if address else text
    code, status = find_status(without)
    if status is None or status in ("5.0.0", "4.0.0"):
        status = infer_status(without) or status
    diagnostic = " ".join(without.split())[:500]
    return Guess(address, status, code, diagnostic, is_delay)
