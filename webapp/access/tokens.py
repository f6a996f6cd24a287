"""The form of API keys: ``mp_test_`` or ``mp_live_``, 160 random bits in base62, six characters of checksum."""

from __future__ import annotations

import re

from webapp.kernel.scope import Mode
from webapp.kernel.secrets import checksum, random_token

PREFIXES = {Mode.SANDBOX: "mp_test_", Mode.LIVE: "mp_live_"}
_FORM = re.compile(r"mp_(?:test|live)_[0-9A-Za-z]{27}[0-9A-Za-z]{6}", re.ASCII)


def make_key(mode: Mode) -> str:
    """A new plain key. It exists only in the answer that shows it."""
    body = PREFIXES[mode] + random_token(160)
    return body + checksum(body)


def is_well_formed(token: str) -> bool:
    """Whether form and checksum are right: what fails here is refused without asking the database."""
    return _FORM.fullmatch(token) is not None and checksum(token[:-6]) == token[-6:]


def looks_like_key(token: str) -> bool:
    """Whether the token claims to be an API key, as opposed to a bridge's."""
    return token.startswith("mp_")
