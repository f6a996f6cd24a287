"""The log as values: what a list of recipients is narrowed by, its rows, and its cursors."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from webapp.kernel.clock import now
from webapp.kernel.errors import InvalidParameter
from webapp.kernel.ids import uuid7_time
from webapp.messages.models import Message, Recipient


class LogStatus(StrEnum):
    """What ``status`` may be asked for: each state of a recipient, and what happened to it besides. ``sent``: handed over at least once."""

    SCHEDULED = "scheduled"
    HELD = "held"
    QUEUED = "queued"
    DEFERRED = "deferred"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    SANDBOXED = "sandboxed"
    OPENED = "opened"
    CLICKED = "clicked"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


#: Ends without arrival; the column ``bad_end`` holds them.
BAD_ENDS = frozenset({LogStatus.BOUNCED, LogStatus.FAILED, LogStatus.SUPPRESSED, LogStatus.CANCELLED})
#: States of mail that still has a row in the queue.
UNDER_WAY = frozenset({LogStatus.SCHEDULED, LogStatus.HELD, LogStatus.QUEUED, LogStatus.DEFERRED})


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What a list of recipients is narrowed by; empty fields do not narrow.

    ``search``: an id, a Message-ID, an address, or a part of subject or address. ``domain``: of the sender. ``recipient``: an address, or ``@domain``.
    ``subject``: a part of it. ``error_class``: the class of the reply of mail that did not arrive, e.g. ``hard.user``.
    """

    search: str | None = None
    status: LogStatus | None = None
    bridge_id: UUID | None = None
    domain: str | None = None
    tag: str | None = None
    provider: str | None = None
    sender: str | None = None
    recipient: str | None = None
    subject: str | None = None
    template: str | None = None
    error_class: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogRow:
    """One recipient with what its message says of itself."""

    recipient: Recipient
    message: Message

    @property
    def id(self) -> UUID:
        """The recipient's."""
        return self.recipient.id

    @property
    def at(self) -> datetime:
        """When it was accepted."""
        return uuid7_time(self.recipient.id)

    @property
    def is_new(self) -> bool:
        """Whether it came within the last seconds: a live list lights such rows up for a moment."""
        return now() - self.at < timedelta(seconds=6)


@dataclass(frozen=True, slots=True)
class LogCursor:
    """After which row a page begins. Lists that are narrowed by what messages say go by message, then recipient; the others by recipient alone."""

    recipient_id: UUID
    message_id: UUID | None = None

    def encode(self) -> str:
        """As text for an address."""
        raw = self.recipient_id.bytes + (self.message_id.bytes if self.message_id else b"")
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str, *, by_message: bool) -> LogCursor:
        """Raises ``InvalidParameter`` for anything ``encode`` did not write for a list of this kind."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            raw = b""
        if len(raw) != (32 if by_message else 16):
            raise InvalidParameter("The cursor is not one this API gave out for this filter; start without a cursor.", param="cursor")
        return cls(UUID(bytes=raw[:16]), UUID(bytes=raw[16:]) if by_message else None)


def reached(cursor: str) -> datetime:
    """How far a page looked that ended before it was full: the moment in its cursor, which this process has just written."""
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    return uuid7_time(UUID(bytes=raw[-16:]))
