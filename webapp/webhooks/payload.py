"""The body of a delivery, as ``catalogue`` promises it."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from webapp.kernel.clock import rfc3339
from webapp.messages.types import EventType
from webapp.webhooks.catalogue import KINDS

_TAIL = (1 << 80) - 1
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Fact:
    """An event as it was read from its table. ``mail``: the fields common to events about mail, empty for others."""

    id: UUID
    tenant_id: UUID
    type: str
    at: datetime
    mode: str | None
    bridge_id: UUID | None
    data: Mapping[str, Any]
    mail: Mapping[str, Any]


def spread(fact: Fact) -> tuple[Fact, ...]:
    """The facts to tell of one event: a delivery of ours is also a handing-over (`email.sent`), with an id of its own made from the event's."""
    if fact.type == EventType.DELIVERED and fact.data.get("attempt") is not None:
        return (replace(fact, id=_sibling(fact.id), type=EventType.SENT.value), fact)
    return (fact,)


def _sibling(event_id: UUID) -> UUID:
    digest = int.from_bytes(hashlib.blake2b(event_id.bytes + b"sent", digest_size=10).digest(), "big")
    return UUID(int=(event_id.int & ~_TAIL) | (digest & ~(0xF << 76) & ~(0b11 << 62)) | (0x7 << 76) | (0b10 << 62))


def body_of(fact: Fact) -> str:
    """The JSON text that is sent: every documented field, empty ones as null, nothing else."""
    kind = KINDS[fact.type]
    known = {**fact.data, **fact.mail}
    if "address" in fact.data:
        known["network"] = network_of(str(fact.data["address"]))
    data = {field.name: known.get(field.name) for field in kind.all_fields}
    said = {"type": fact.type, "id": fact.id, "timestamp": rfc3339(fact.at), "mode": fact.mode, "data": data}
    return _encode(said).decode()


def network_of(address: str) -> str | None:
    """The /24 or /48 of an address: enough to tell a country, too little to tell a person."""
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return None
    return str(ipaddress.ip_network((number, 24 if number.version == 4 else 48), strict=False))
