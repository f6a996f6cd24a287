"""The token by which a person confirms that they want to be on a list: mac(16) | list id(16) | contact id(16). Reading it needs no database."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from webapp.kernel.secrets import keyring

_MAC = 16
_PURPOSE = "contacts|confirm"


@dataclass(frozen=True, slots=True)
class Membership:
    """What a token names."""

    list_id: UUID
    contact_id: UUID


def _mac(key: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_MAC, key=key).digest()


def make_token(list_id: UUID, contact_id: UUID) -> str:
    """A token for the confirmation of one contact on one list, made with the newest key of the ring."""
    data = list_id.bytes + contact_id.bytes
    return base64.urlsafe_b64encode(_mac(keyring().derive(_PURPOSE)[0][1], data) + data).rstrip(b"=").decode()


def read_token(token: str) -> Membership | None:
    """What it names; None for anything that ``make_token`` did not write."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    mac, data = raw[:_MAC], raw[_MAC:]
    if len(data) != 32 or not any(hmac.compare_digest(mac, _mac(key, data)) for _, key in keyring().derive(_PURPOSE)):
        return None
    return Membership(UUID(bytes=data[:16]), UUID(bytes=data[16:]))
