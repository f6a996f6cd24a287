"""Ways to prove a callback, shared by the providers: constant-time comparisons, and times that are neither old nor ahead."""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Mapping

from webapp.kernel.errors import Unauthenticated

#: Providers repeat for up to a day, some with the first signature. Reports are kept for 45 days, so that within this time none counts twice.
OLDEST, AHEAD = 86400.0, 300.0


def refuse(what: str) -> Unauthenticated:
    """The refusal, which tells a stranger nothing but what is expected."""
    return Unauthenticated(f"The callback is not proven: {what}.")


def check_equal(given: str | bytes, expected: str | bytes, what: str) -> None:
    """Raises ``Unauthenticated`` unless both are the same, and not empty. Takes as long for every wrong value of a length."""
    first, second = (value if isinstance(value, bytes) else value.encode("utf-8", "replace") for value in (given, expected))
    if not first or not second or not hmac.compare_digest(first, second):
        raise refuse(what)


def check_time(seconds: str | float | None) -> None:
    """Raises ``Unauthenticated`` for a time (seconds since the epoch) that is unreadable, older than a day, or five minutes ahead."""
    try:
        age = time.time() - float(seconds or "")
    except ValueError:
        raise refuse("its time cannot be read") from None
    if not -AHEAD <= age <= OLDEST:
        raise refuse("its time is too old or in the future")


def check_shared_secret(secret: str, headers: Mapping[str, str]) -> None:
    """The secret itself as ``X-Webhook-Secret``, ``Authorization: Bearer``, or the password of ``Authorization: Basic``. Raises ``Unauthenticated``."""
    given = headers.get("x-webhook-secret", "")
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        given = value.strip()
    elif scheme.lower() == "basic":
        try:
            given = base64.b64decode(value.strip(), validate=True).decode("utf-8", "replace").partition(":")[2]
        except (binascii.Error, ValueError):
            given = ""
    check_equal(given, secret, "send the secret as Bearer token, as the password of Basic, or in X-Webhook-Secret")
