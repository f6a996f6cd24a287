"""Header fields that an outside relay wants to see in each mail: a configuration set of Amazon SES, a stream of Postmark, a pool of SparkPost.

They are put in front of the finished mail, above its signatures, which therefore cannot cover them: only fields that mean something to the relay alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

#: How many there may be, and the octets of a whole line (RFC 5322 2.1.1 allows 998; relays trim at less).
MOST, _MOST_OCTETS = 10, 400
_NAME = re.compile(r"X-[A-Za-z0-9-]{1,60}")
_VALUE = re.compile(r"[\x20-\x7e]+")


class RelayHeaders(fields.Field[dict[str, str]]):
    """``{"X-Name": "value"}``; from a form a line each, ``X-Name: value``. Raises ValidationError naming the line."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> dict[str, str]:
        return dict(value or {})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> dict[str, str]:
        pairs = _read_lines(value) if isinstance(value, str) else _read_object(value)
        if len(pairs) > MOST:
            raise ValidationError(f"At most {MOST} header fields.")
        names = [name.lower() for name, _ in pairs]
        if len(set(names)) < len(names):
            raise ValidationError("A header field is named twice.")
        return {name: _checked(name, text) for name, text in pairs}


def _read_lines(text: str) -> list[tuple[str, str]]:
    found = []
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if line.strip() and not colon:
            raise ValidationError(f"'{line.strip()[:40]}' is no header field: write X-Name: value, one on a line.")
        if line.strip():
            found.append((name.strip(), value.strip()))
    return found


def _read_object(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, dict) or not all(isinstance(name, str) and isinstance(text, str) for name, text in value.items()):
        raise ValidationError('Write an object of names and texts, such as {"X-Stream": "outbound"}.')
    return [(name.strip(), text.strip()) for name, text in value.items()]


def _checked(name: str, text: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValidationError(f"'{name[:40]}' cannot be used: names begin with X- and have letters, digits and hyphens.")
    if not _VALUE.fullmatch(text) or len(name) + len(text) + 2 > _MOST_OCTETS:
        raise ValidationError(f"The text of {name} must be printable ASCII on one line, at most {_MOST_OCTETS} characters with its name.")
    if name.lower() == "x-postbridge-id":
        raise ValidationError("X-Postbridge-Id is written by Postbridge itself, so that reports find their way back.")
    return text
