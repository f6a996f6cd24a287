"""Values of contacts that other slices use."""

from __future__ import annotations

from enum import StrEnum


class ContactStatus(StrEnum):
    """Whether bulk mail may go to a contact at all."""

    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class MemberState(StrEnum):
    """A contact's standing on one list. Only ``subscribed`` gets its mail."""

    PENDING = "pending"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"


class ImportState(StrEnum):
    """Where a file is: waiting for its columns to be named, under way, or over."""

    MAPPING = "mapping"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


#: Fields of a contact that a column of a file may fill; others are ``metadata.<key>`` and ``tags``.
PLAIN_FIELDS = ("email", "first_name", "last_name", "language", "time_zone")
