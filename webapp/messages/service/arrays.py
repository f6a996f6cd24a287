"""PostgreSQL arrays in binary form, made in one pass.

psycopg's own list adapter cannot name the type of a list that holds only None, and its text form escapes every quote of a 10 kB body. Layout:
`array_recv` in PostgreSQL's arrayfuncs.c: dimensions, has-nulls flag, element type, length, lower bound, then (size, bytes) per element.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_HEADER = struct.Struct("!iiIii")
_SIZE = struct.Struct("!i")
_NULL = _SIZE.pack(-1)
_INT4 = struct.Struct("!ii")
_INT8 = struct.Struct("!iq")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class _Array:
    """Bytes that are an array parameter already."""

    __slots__ = ("data",)
    element: ClassVar[int]
    array: ClassVar[int]

    def __init__(self, parts: Sequence[bytes]) -> None:
        self.data = _HEADER.pack(1, 1, self.element, len(parts), 1) + b"".join(parts)


class TextArray(_Array):
    """``text[]``"""

    __slots__ = ()
    element, array = 25, 1009

    def __init__(self, values: Iterable[str | None]) -> None:
        parts = []
        for value in values:
            if value is None:
                parts.append(_NULL)
            else:
                data = value.encode()
                parts.append(_SIZE.pack(len(data)) + data)
        super().__init__(parts)


class BytesArray(_Array):
    """``bytea[]``"""

    __slots__ = ()
    element, array = 17, 1001

    def __init__(self, values: Iterable[bytes | None]) -> None:
        super().__init__([_NULL if value is None else _SIZE.pack(len(value)) + value for value in values])


class UuidArray(_Array):
    """``uuid[]``"""

    __slots__ = ()
    element, array = 2950, 2951

    def __init__(self, values: Iterable[UUID | None]) -> None:
        super().__init__([_NULL if value is None else b"\0\0\0\x10" + value.bytes for value in values])


class IntArray(_Array):
    """``int4[]``"""

    __slots__ = ()
    element, array = 23, 1007

    def __init__(self, values: Iterable[int]) -> None:
        super().__init__([_INT4.pack(4, value) for value in values])


class TimeArray(_Array):
    """``timestamptz[]``: microseconds since 2000."""

    __slots__ = ()
    element, array = 1184, 1185

    def __init__(self, values: Iterable[datetime | None]) -> None:
        super().__init__([_NULL if value is None else _INT8.pack(8, _microseconds(value)) for value in values])


def _microseconds(value: datetime) -> int:
    gap = value - _EPOCH
    return (gap.days * 86400 + gap.seconds) * 1_000_000 + gap.microseconds


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: _Array) -> Buffer | None:
        return obj.data


def _dumper(kind: type[_Array]) -> type[Dumper]:
    return type(f"{kind.__name__}Dumper", (_ArrayDumper,), {"oid": kind.array})


_DUMPERS = [(kind, _dumper(kind)) for kind in (TextArray, BytesArray, UuidArray, IntArray, TimeArray)]


def register(context: psycopg.abc.AdaptContext) -> None:
    """Teach a connection or cursor these arrays."""
    for kind, dumper in _DUMPERS:
        context.adapters.register_dumper(kind, dumper)


Parameters = dict[str, Any]
