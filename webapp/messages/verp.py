"""Addresses that name a recipient and cannot be forged: a letter + 26 base32 characters of the id + 16 of an 80-bit MAC.

``b``: the return path, where bounces and complaints go. ``u``: where mail unsubscribes. Each letter has a key of its own, so that one is never the other.
Only characters that survive lower-casing and old gateways; 43 of them, under the 64 of RFC 5321. Any key still on the ring is accepted.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
from uuid import UUID

from webapp.kernel.secrets import keyring
from webapp.settings import get_settings

#: Letter -> purpose of the key.
_PURPOSES = {"b": "verp", "u": "verp|unsubscribe"}
_LENGTH = 43


@functools.cache
def _keys(letter: str) -> tuple[bytes, ...]:
    return tuple(key for _, key in keyring().derive(_PURPOSES[letter]))


def _b32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()


def _mac(recipient_id: UUID, key: bytes) -> str:
    """Keyed BLAKE2b (RFC 7693): of so few octets it is made without letting the interpreter's lock go, for which every message would queue again."""
    return _b32(hashlib.blake2b(recipient_id.bytes, digest_size=10, key=key).digest())


def _make(letter: str, recipient_id: UUID) -> str:
    return f"{letter}{_b32(recipient_id.bytes)}{_mac(recipient_id, _keys(letter)[0])}"


def _find(letter: str, local_part: str) -> UUID | None:
    text = local_part.lower()
    if len(text) != _LENGTH or text[0] != letter:
        return None
    try:
        recipient_id = UUID(bytes=base64.b32decode(text[1:27].upper() + "======"))
        mac = text[27:].encode("ascii")
    except ValueError:
        return None
    if any(hmac.compare_digest(_mac(recipient_id, key).encode(), mac) for key in _keys(letter)):
        return recipient_id
    return None


def make_local_part(recipient_id: UUID) -> str:
    """The part before the @ of a recipient's return path."""
    return _make("b", recipient_id)


def make_return_path(recipient_id: UUID, domain: str | None = None) -> str:
    """The envelope sender for one recipient, the same over all its attempts."""
    return f"{make_local_part(recipient_id)}@{domain or get_settings().bounce_domain}"


def find_recipient(local_part: str) -> UUID | None:
    """The recipient a return path names, or None when it is not one of ours."""
    return _find("b", local_part)


def make_unsubscribe_address(recipient_id: UUID, domain: str | None = None) -> str:
    """The address that unsubscribes a recipient when mail comes to it (RFC 2369)."""
    return f"{_make('u', recipient_id)}@{domain or get_settings().bounce_domain}"


def find_unsubscriber(local_part: str) -> UUID | None:
    """The recipient an unsubscribe address names, or None when it is not one of ours."""
    return _find("u", local_part)
