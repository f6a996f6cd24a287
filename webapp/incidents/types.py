"""Values of incidents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class IncidentStatus(StrEnum):
    """``running``: batches are still to come; a crash in between loses and doubles nothing."""

    RUNNING = "running"
    DONE = "done"


class Kept(StrEnum):
    """Why a recipient whose bounce was lifted is not written to again."""

    EXPIRED = "expired"
    CONTENT_GONE = "content_gone"
    REACHED_SINCE = "reached_since"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class BounceFilter:
    """Which bounces an incident covers: those said in ``[since, until)``, narrowed by whatever else is given.

    ``provider``: the recipients' domain, or the domain of the servers that answered (``google.com`` finds ``mx3.google.com``); ``member_id``: of a
    pool; ``reply_class``: as of the delivery engine; ``text``: words in the server's reply, in any case; ``bridge_id``.
    """

    since: datetime
    until: datetime
    provider: str | None = None
    member_id: UUID | None = None
    bridge_id: UUID | None = None
    reply_class: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One bounce of a preview."""

    recipient_id: UUID
    message_id: UUID
    address: str
    subject: str
    at: datetime
    reply_class: str | None
    reply: str | None
    kept: Kept | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an undoing would do now: bounces found, of which sent again, suppressions that would go, and why the rest stays."""

    recipients: int
    requeued: int
    suppressions: int
    kept: dict[str, int]
    tenants: int
    samples: tuple[Sample, ...]
