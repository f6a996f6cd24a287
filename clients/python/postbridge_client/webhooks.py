"""Verify what the server sends to your webhook endpoints (Standard Webhooks: HMAC-SHA256 over id, time and body)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

#: Seconds that a signature may be old, or ahead: what comes later may be a replay by somebody else.
TOLERANCE = 300


class BadSignature(Exception):
    """The request did not come from the server, or is too old. Answer 401 and do nothing."""


def verify(body: bytes | str, headers: Mapping[str, str], secret: str | list[str], *, tolerance: int = TOLERANCE, now: float | None = None) -> dict[str, Any]:
    """The event in a request, once it is proven.

    ``body``: the octets as they came, not parsed and written again. ``headers``: with names in any case. ``secret``: ``whsec_...``; while you rotate, a
    list of both. Raises ``BadSignature``.
    """
    octets = body.encode() if isinstance(body, str) else body
    said = {name.lower(): value for name, value in headers.items()}
    try:
        name, stamp, signatures = said["webhook-id"], int(said["webhook-timestamp"]), said["webhook-signature"]
    except (KeyError, ValueError):
        raise BadSignature("webhook-id, webhook-timestamp or webhook-signature is missing.") from None
    if abs((time.time() if now is None else now) - stamp) > tolerance:
        raise BadSignature("The timestamp is too far from now.")
    given = [part[3:] for part in signatures.split() if part.startswith("v1,")]
    wanted = [signature(octets, name, stamp, one) for one in ([secret] if isinstance(secret, str) else secret)]
    if not any(hmac.compare_digest(one.encode(), other.encode()) for one in wanted for other in given):
        raise BadSignature("No signature fits the secret.")
    event = json.loads(octets)
    assert isinstance(event, dict)
    return event


def signature(body: bytes, name: str, stamp: int, secret: str) -> str:
    """Base64 of the HMAC of one message. Raises ValueError for a secret that is none."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("A webhook secret is whsec_ and base64.") from None
    return base64.b64encode(hmac.new(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()).decode()
