"""Reading what providers send: their JSON is believed in nothing but the proof, least of all in its shape."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from webapp.kernel.addresses import BadAddress, parse_address
from webapp.kernel.errors import InvalidParameter
from webapp.webhooks.types import MtaEvent, MtaReport

#: Reports of one callback; providers send at most some hundred.
MOST_REPORTS = 1000
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")


def load(body: bytes) -> Any:
    """The JSON of a callback. Raises ``InvalidParameter``."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidParameter("The body is not valid JSON.") from None


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, or the one object; whatever else stands there is passed over."""
    found = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
    return found[:MOST_REPORTS]


def inner(value: Any, *names: str) -> Any:
    """A field inside of fields; None where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text(value: Any, longest: int = 2000) -> str:
    """A field as one line of text, empty for what is none."""
    plain = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    return "".join(c if c.isprintable() else " " for c in plain).strip()[:longest]


def status_of(*words: Any) -> str | None:
    """The first enhanced status code (RFC 3463) in these texts."""
    found = (_STATUS.search(text(word)) for word in words)
    return next((match[1] for match in found if match), None)


def report(
    event: MtaEvent, recipient: Any, *, key: str, message_id: Any = "", sender: Any = "", reason: Any = "", status: str | None = None, reference: Any = ""
) -> MtaReport | None:
    """A report from what was read; None when it names no address. ``key``: what the provider calls this event."""
    try:
        address = parse_address(text(recipient, 320)).email
    except BadAddress:
        return None
    said = text(reason)
    unique = hashlib.sha256(f"{event}|{address.lower()}|{key}".encode()).hexdigest()
    return MtaReport(event, address, text(message_id, 998), text(sender, 320), said, status or status_of(said), unique, text(reference, 200))
