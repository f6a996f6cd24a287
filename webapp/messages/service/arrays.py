"""Values in PostgreSQL's binary form. Arrays: dimensions, has-nulls flag, element type, length, lower bound, then (size, bytes) per element
(``array_recv`` in PostgreSQL's arrayfuncs.c)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

_HEADER = struct.Struct("!iiIii")
_SIZE = struct.Struct("!i")
_NULL = _SIZE.pack(-1)
_INT4 = struct.Struct("!ii")
_INT8 = struct.Struct("!q")
_INT8_SIZED = struct.Struct("!iq")
_UUID_SIZE = _SIZE.pack(16)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

_TEXT, _BYTEA, _UUID, _INT, _TIMESTAMPTZ = 25, 17, 2950, 23, 1184


def _array(element: int, parts: Sequence[bytes]) -> bytes:
    return _HEADER.pack(1, 1, element, len(parts), 1) + b"".join(parts)


def text_array(values: Iterable[str | None]) -> bytes:
    """``text[]``"""
    return _of_bytes(_TEXT, [None if value is None else value.encode() for value in values])


def bytes_array(values: Iterable[bytes | None]) -> bytes:
    """``bytea[]``"""
    return _of_bytes(_BYTEA, list(values))


def _of_bytes(element: int, values: Sequence[bytes | None]) -> bytes:
    parts = [_HEADER.pack(1, 1, element, len(values), 1)]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts.append(_SIZE.pack(len(value)))
            parts.append(value)
    return b"".join(parts)


def uuid_array(values: Iterable[UUID | None]) -> bytes:
    """``uuid[]``"""
    return _array(_UUID, [_NULL if value is None else _UUID_SIZE + value.bytes for value in values])


def int_array(values: Iterable[int]) -> bytes:
    """``int4[]``"""
    return _array(_INT, [_INT4.pack(4, value) for value in values])


def time_array(values: Iterable[datetime | None]) -> bytes:
    """``timestamptz[]``: microseconds since 2000."""
    return _array(_TIMESTAMPTZ, [_NULL if value is None else _INT8_SIZED.pack(8, _microseconds(value)) for value in values])


def time_value(value: datetime) -> bytes:
    """``timestamptz``"""
    return _INT8.pack(_microseconds(value))


def int_value(value: int) -> bytes:
    """``int4``"""
    return _SIZE.pack(value)


def _microseconds(value: datetime) -> int:
    gap = value - _EPOCH
    return (gap.days * 86400 + gap.seconds) * 1_000_000 + gap.microseconds
