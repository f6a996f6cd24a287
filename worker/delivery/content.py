"""The values the delivery engine renders: one accepted message, and what differs from recipient to recipient."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

Mailbox: TypeAlias = tuple[str | None, str]
"""Display name (or None) and address."""


class ContentError(ValueError):
    """The content cannot become a correct message (NUL, line break in a header, broken address): a permanent failure of the message."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message. data: the decoded octets. content_id: without angle brackets; together with `inline` it makes the file part of the HTML."""

    filename: str
    content_type: str
    data: bytes
    content_id: str | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True)
class MessageContent:
    """One accepted message, the same for all its recipients.

    message_id_header: with angle brackets. date: aware (naive is read as UTC). headers: custom ones, judged at the door already.
    raw: a whole RFC 5322 message taken by SMTP; then only message_id, message_id_header, from_* and date are used besides, to fill in what it lacks.
    """

    message_id: UUID
    message_id_header: str
    from_address: str
    date: datetime
    from_name: str | None = None
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    subject: str = ""
    html: str | None = None
    text: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class TrackingPlan:
    """What is to be watched. base_url: "https://host" without a slash at the end. link_token: URL to its ASCII token, asked once per message and link.

    recipient_token: of the only recipient of the message, or None when there are several. With it the token is part of the text instead of a slot,
    which makes a message that is rendered once about a third cheaper.
    """

    opens: bool
    clicks: bool
    base_url: str
    link_token: Callable[[str], str]
    recipient_token: str | None = None


@dataclass(frozen=True, slots=True)
class RecipientContent:
    """What differs for one recipient.

    recipient_token: signed token in `[A-Za-z0-9._~-]`, at most 128 characters. variables: values of `{{name}}`; a name that is missing stays as written.
    unsubscribe_url: one-click address (RFC 8058). unsubscribe_mailto: an address, with or without `mailto:`. to: replaces the To header of the message
    (broadcasts, where nobody may read the others' addresses). extra_headers: formatted, folded and signed like the others.
    """

    recipient_id: UUID
    recipient_token: str
    unsubscribe_url: str | None = None
    unsubscribe_mailto: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    feedback_id: str | None = None
    extra_headers: tuple[tuple[str, str], ...] = ()
    to: tuple[Mailbox, ...] | None = None
