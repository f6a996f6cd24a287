"""Identifiers: UUIDv7 (RFC 9562), time ordered, so that partitions and indexes grow at one end."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from uuid import UUID

_RANDOM_MASK = (1 << 62) - 1


def uuid7(at_ms: int | None = None) -> UUID:
    """A new UUIDv7. ``at_ms``: milliseconds since the epoch, default now.

    The 12 bits after the version hold the fraction of the millisecond (RFC 9562, 6.2, method 3), as PostgreSQL's own do: ids made one after the
    other in a process stand in that order.
    """
    ms, rest = divmod(time.time_ns(), 1_000_000) if at_ms is None else (at_ms, int.from_bytes(os.urandom(4), "big") % 1_000_000)
    tail = int.from_bytes(os.urandom(8), "big") & _RANDOM_MASK
    return UUID(int=(ms << 80) | (0x7 << 76) | ((rest * 4096 // 1_000_000) << 64) | (0b10 << 62) | tail)


def uuid7_floor(at: datetime) -> UUID:
    """The smallest UUIDv7 of a moment: the bound to compare ids with when a time is meant. Before 1970 there are none: then the smallest of all."""
    return UUID(int=(max(0, int(at.timestamp() * 1000)) << 80) | (0x7 << 76) | (0b10 << 62))


def uuid7_time(value: UUID) -> datetime:
    """The moment (UTC, milliseconds) a UUIDv7 was made."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)


def parse_uuid(text: str) -> UUID | None:
    """The UUID in ``text``, or None when it is none: unknown and unreadable ids are the same 404."""
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None
