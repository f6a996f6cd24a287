"""Recovery codes: 80 random bits each, in letters that nobody mistakes for digits. Enough that a plain hash keeps them (OWASP ASVS 6.5.2 asks 112
bits of tokens that are guessed at offline for ever; these are made anew at will, work once, and the hash is bound to the person)."""

from __future__ import annotations

import re
import secrets
from uuid import UUID

from webapp.kernel.secrets import digest

COUNT = 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32
_GROUPS, _SIZE = 4, 4


def new_codes() -> list[str]:
    """Ten codes as ``7f3k-9qxa-...``, to be shown once."""
    return ["-".join("".join(secrets.choice(_ALPHABET) for _ in range(_SIZE)) for _ in range(_GROUPS)) for _ in range(COUNT)]


def hash_code(user_id: UUID, code: str) -> bytes:
    """What is kept of a code; the same for what somebody types in capitals, with spaces, or with ``o`` for ``0``."""
    plain = re.sub(r"[^0-9a-z]", "", code.casefold()).translate(str.maketrans("oil", "011"))
    return digest(f"recovery|{user_id}|{plain}")


def looks_like_one(text: str) -> bool:
    """Whether it can only be a recovery code and not the six digits of an app."""
    return len(re.sub(r"[^0-9A-Za-z]", "", text)) == _GROUPS * _SIZE
