"""Secrets and signatures of webhooks as Standard Webhooks 1.0 has them (https://www.standardwebhooks.com): ``whsec_`` and HMAC-SHA256.

What is signed is ``<webhook-id>.<webhook-timestamp>.<body>``. Receivers compare with each space-separated ``v1,<base64>`` of ``webhook-signature``,
so that during a rotation the old and the new secret are both right.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Sequence

PREFIX = "whsec_"
_BYTES = 32


def make_secret() -> str:
    """A new secret: ``whsec_`` and 256 random bits in base64."""
    return PREFIX + base64.b64encode(os.urandom(_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The octets that sign. Raises ``ValueError`` for what is no ``whsec_`` secret of 24 to 64 octets."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError(f"a secret is {PREFIX} and base64 of 24 to 64 octets")
    return key


def sign(keys: Sequence[bytes], webhook_id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` header: one signature a key. ``timestamp``: seconds since the epoch."""
    content = f"{webhook_id}.{timestamp}.".encode() + body
    return " ".join("v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys)
