"""The id of a delivery, made of its event and endpoint: there can be one row only, in a table whose partitions allow no other unique key."""

from __future__ import annotations

import hashlib
from uuid import UUID

_TAIL = (1 << 80) - 1


def delivery_id(event_id: UUID, endpoint_id: UUID) -> UUID:
    """A UUIDv7 (RFC 9562) with the event's time and a digest of both ids (74 bits)."""
    digest = int.from_bytes(hashlib.blake2b(event_id.bytes + endpoint_id.bytes, digest_size=10).digest(), "big")
    tail = (digest & ~(0xF << 76) & ~(0b11 << 62)) | (0x7 << 76) | (0b10 << 62)
    return UUID(int=(event_id.int & ~_TAIL) | tail)
