"""Values of callbacks that the doors and the job share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Source(StrEnum):
    """Who may call; each proves itself in its own way."""

    POSTFIX = "postfix"


class MtaEvent(StrEnum):
    """What a mail system of ours tells of mail it took over."""

    BOUNCE = "bounce"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class MtaReport:
    """One thing told of one recipient. ``status``: enhanced status code; ``key``: what makes it the same report when it comes again."""

    event: MtaEvent
    recipient: str
    message_id: str
    sender: str
    reason: str
    status: str | None
    key: str


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a report: ``id`` of its row; ``replayed``: it was here before, and is not applied again."""

    id: UUID
    event: MtaEvent
    replayed: bool
