"""Email addresses: one parser for checking and for sending, and the canonical form by which they are compared."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import email_validator
import idna

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN = re.compile(rf"({_ATEXT}(?:\.{_ATEXT})*)@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9]))")
_NAMED = re.compile(r"\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^<>\"]*?))\s*<([^<>]+)>\s*")


class BadAddress(ValueError):
    """Why an address cannot be used, in words for the person who typed it."""


@dataclass(frozen=True, slots=True)
class Address:
    """A deliverable address. ``domain`` is an A-label in lower case; ``canonical`` is what suppressions and contacts compare."""

    name: str | None
    local: str
    domain: str

    @property
    def email(self) -> str:
        """local@domain as used in envelopes and headers."""
        return f"{self.local}@{self.domain}"

    @property
    def canonical(self) -> str:
        """Lower-cased for matching only; a +tag stays."""
        return f"{self.local.lower()}@{self.domain}"


def canonical(email: str) -> str:
    """The canonical form of a stored ``local@domain`` (one that ``parse_address`` gave)."""
    local, _, domain = email.rpartition("@")
    return f"{local.lower()}@{domain.lower()}"


@functools.lru_cache(maxsize=65536)
def parse_address(text: str) -> Address:
    """``user@example.net`` or ``Name <user@example.net>``. Raises ``BadAddress``.

    Quoted local parts, comments, source routes and address literals are refused for tenants: they are how mail goes astray
    (CVE-2023-27043 and kin).
    """
    name: str | None = None
    stripped = text.strip()
    if "<" in stripped or ">" in stripped:
        match = _NAMED.fullmatch(stripped)
        if match is None:
            raise BadAddress("write it as user@example.net or Name <user@example.net>")
        name = (re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2]).strip() or None
        if name and (len(name) > 200 or any(ord(c) < 32 or ord(c) == 127 or c in "\u0085\u2028\u2029" for c in name)):
            raise BadAddress("the display name holds control characters or is longer than 200 characters")
        stripped = match[3].strip()
    local, domain = _split(stripped)
    return Address(name, local, domain)


def _split(text: str) -> tuple[str, str]:
    if len(text) > 254:
        raise BadAddress("it is longer than 254 characters")
    if match := _PLAIN.fullmatch(text):
        local, domain = match[1], match[2].lower()
        if len(local) > 64:
            raise BadAddress("the part before the @ is longer than 64 characters")
        if "xn--" in domain:
            _check_alabels(domain)
        return local, domain
    try:
        checked = email_validator.validate_email(text, check_deliverability=False, allow_smtputf8=True, test_environment=True)
    except email_validator.EmailNotValidError as error:
        raise BadAddress(str(error).rstrip(".")) from None
    return checked.local_part, checked.ascii_domain.lower()


def _check_alabels(domain: str) -> None:
    try:
        idna.decode(domain)
    except idna.IDNAError as error:
        raise BadAddress(f"the domain is not a valid internationalised name ({error})") from None


def domain_of(text: str) -> str:
    """The A-label domain of a domain typed by a person. Raises ``BadAddress``."""
    cleaned = text.strip().rstrip(".").lower()
    try:
        ascii_form = idna.encode(cleaned, uts46=True).decode()
    except idna.IDNAError as error:
        raise BadAddress(f"not a domain name ({error})") from None
    if not re.fullmatch(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", ascii_form) or len(ascii_form) > 253:
        raise BadAddress("not a domain name; write it as example.net")
    return ascii_form
