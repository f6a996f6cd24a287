"""Return paths that name their recipient and cannot be forged: ``b`` + 26 base32 characters of the id + 16 of an 80-bit HMAC.

Only characters that survive lower-casing and old gateways; 43 of them, under the 64 of RFC 5321. Any key still on the ring is accepted.
"""

from __future__ import annotations

import base64
import functools
import hmac
from uuid import UUID

from webapp.kernel.secrets import keyring
from webapp.settings import get_settings


@functools.cache
def _keys() -> tuple[bytes, ...]:
    return tuple(key for _, key in keyring().derive("verp"))


def _b32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()


def _mac(recipient_id: UUID, key: bytes) -> str:
    return _b32(hmac.digest(key, recipient_id.bytes, "sha256")[:10])


def make_local_part(recipient_id: UUID) -> str:
    """The part before the @ of a recipient's return path."""
    return f"b{_b32(recipient_id.bytes)}{_mac(recipient_id, _keys()[0])}"


def make_return_path(recipient_id: UUID, domain: str | None = None) -> str:
    """The envelope sender for one recipient, the same over all its attempts."""
    return f"{make_local_part(recipient_id)}@{domain or get_settings().bounce_domain}"


def find_recipient(local_part: str) -> UUID | None:
    """The recipient a return path names, or None when it is not one of ours."""
    text = local_part.lower()
    if len(text) != 43 or text[0] != "b":
        return None
    try:
        recipient_id = UUID(bytes=base64.b32decode(text[1:27].upper() + "======"))
    except ValueError:
        return None
    if any(hmac.compare_digest(_mac(recipient_id, key), text[27:]) for key in _keys()):
        return recipient_id
    return None
