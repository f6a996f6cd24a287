"""Secrets that must be read back (AES-256-GCM under a key ring), tokens that must not (SHA-256), and signed tokens (HMAC).

A sealed value is ``key id | nonce | ciphertext`` with ``tenant|table|column`` as associated data, so that a value moved to another row
of another tenant, table or column does not open.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import os
import secrets
import string
import zlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from webapp.settings import SettingError, get_settings, read_or_make_keys

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


class SecretUnreadable(Exception):
    """A sealed value does not open: wrong key ring, or it was moved or damaged."""


class KeyRing:
    """Keys by id, the first one seals. Rotate by putting a new key in front and running `postbridge db reseal`."""

    def __init__(self, entries: tuple[str, ...]) -> None:
        self._keys: dict[bytes, bytes] = {}
        for entry in entries:
            name, _, encoded = entry.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except ValueError:
                key = b""
            if len(key) != 32 or not name or len(name) > 15:
                raise SettingError("POSTBRIDGE_SECRET_KEYS: each entry is `id:base64 of 32 bytes`, the id at most 15 letters")
            self._keys[name.encode()] = key
        if not self._keys:
            raise SettingError("POSTBRIDGE_SECRET_KEYS holds no key")
        self._first = next(iter(self._keys))

    @property
    def mark(self) -> bytes:
        """What every value begins with that the first key sealed."""
        return bytes([len(self._first)]) + self._first

    def seal(self, plain: str, context: str) -> bytes:
        """Encrypt ``plain`` for the place named by ``context``."""
        nonce = os.urandom(12)
        body = AESGCM(self._keys[self._first]).encrypt(nonce, plain.encode(), context.encode())
        return bytes([len(self._first)]) + self._first + nonce + body

    def open(self, sealed: bytes, context: str) -> str:
        """Decrypt. Raises ``SecretUnreadable``."""
        size = sealed[0]
        name, nonce, body = sealed[1 : 1 + size], sealed[1 + size : 13 + size], sealed[13 + size :]
        key = self._keys.get(name)
        if key is None:
            raise SecretUnreadable(f"sealed with the key {name.decode(errors='replace')!r}, which is not on the ring")
        try:
            return AESGCM(key).decrypt(nonce, body, context.encode()).decode()
        except InvalidTag:
            raise SecretUnreadable("the sealed value does not belong here or is damaged") from None

    def derive(self, purpose: str) -> tuple[tuple[bytes, bytes], ...]:
        """``(key id, 32-byte key)`` for one purpose, newest first: no purpose can forge the tokens of another."""
        return tuple((name, hmac.digest(key, b"derive|" + purpose.encode(), "sha256")) for name, key in self._keys.items())


@functools.cache
def keyring() -> KeyRing:
    """The ring of this process."""
    return KeyRing(read_or_make_keys(get_settings()))


def seal(plain: str, context: str) -> bytes:
    """Encrypt a secret that must be read back. ``context``: `tenant|table|column`."""
    return keyring().seal(plain, context)


def unseal(sealed: bytes, context: str) -> str:
    """Read back what ``seal`` wrote."""
    return keyring().open(sealed, context)


def digest(token: str) -> bytes:
    """SHA-256 of a token: enough for 112 random bits and more (OWASP ASVS 6.5.2)."""
    return hashlib.sha256(token.encode()).digest()


def random_token(bits: int = 160) -> str:
    """Random base62 text that holds at least ``bits`` random bits."""
    return "".join(secrets.choice(_BASE62) for _ in range(-(-bits * 1000 // 5954)))


def checksum(text: str) -> str:
    """Six base62 characters of CRC-32: lets a scanner, and us, tell a typing mistake from an unknown key without a look-up."""
    value, out = zlib.crc32(text.encode()), ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        out = _BASE62[digit] + out
    return out
