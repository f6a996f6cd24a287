"""Identifiers: UUIDv7 (RFC 9562), time ordered, so that partitions and indexes grow at one end."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from uuid import UUID

_RANDOM_MASK = (1 << 76) - 1
_VARIANT_CLEAR = ~(0b11 << 62)


def uuid7(at_ms: int | None = None) -> UUID:
    """A new UUIDv7. ``at_ms``: milliseconds since the epoch, default now."""
    ms = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    tail = int.from_bytes(os.urandom(10), "big") & _RANDOM_MASK
    tail = (tail & ~(0xF << 76) & _VARIANT_CLEAR) | (0b10 << 62)
    return UUID(int=(ms << 80) | (0x7 << 76) | tail)


def uuid7_floor(at: datetime) -> UUID:
    """The smallest UUIDv7 of a moment: the bound to compare ids with when a time is meant."""
    return UUID(int=(int(at.timestamp() * 1000) << 80) | (0x7 << 76) | (0b10 << 62))


def uuid7_time(value: UUID) -> datetime:
    """The moment (UTC, milliseconds) a UUIDv7 was made."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)


def parse_uuid(text: str) -> UUID | None:
    """The UUID in ``text``, or None when it is none: unknown and unreadable ids are the same 404."""
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None
