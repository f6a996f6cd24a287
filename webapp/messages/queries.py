"""Reads of messages: one row a recipient, the whole of a message, and why it is where it is."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.kernel import blobs
from webapp.kernel.clock import now
from webapp.kernel.errors import NotFound, Unavailable
from webapp.kernel.ids import parse_uuid, uuid7_floor, uuid7_time
from webapp.kernel.pagination import Page, decode_cursor, encode_cursor
from webapp.kernel.scope import ActorKind, Mode, Scope
from webapp.messages.models import DeliveryAttempt, Event, Message, MessageContent, Recipient
from webapp.messages.types import RecipientState


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What a list of recipients is narrowed by; empty fields do not narrow. ``search``: an id, an address, or words of a subject."""

    search: str | None = None
    state: RecipientState | None = None
    bridge_id: UUID | None = None
    tag: str | None = None
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


def list_recipients(scope: Scope, wanted: LogFilter, *, limit: int = 50, cursor: str | None = None) -> Page[LogRow]:
    """Newest first. A bridge's token sees its own bridge's mail only."""
    statement = (
        sa.select(Recipient, Message)
        .join(Message, sa.and_(Message.id == Recipient.message_id, Message.tenant_id == Recipient.tenant_id))
        .where(Recipient.tenant_id == scope.tenant_id, Recipient.mode == scope.mode.value)
    )
    for condition in _conditions(scope, wanted):
        statement = statement.where(condition)
    if cursor:
        statement = statement.where(Recipient.id < decode_cursor(cursor))
    rows = scope.session.execute(statement.order_by(Recipient.id.desc()).limit(limit + 1)).all()
    items = [LogRow(row[0], row[1]) for row in rows[:limit]]
    return Page(items, encode_cursor(items[-1].id) if len(rows) > limit else None)


def _conditions(scope: Scope, wanted: LogFilter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    bridge_id = scope.bridge_id or wanted.bridge_id
    if bridge_id:
        found.append(Recipient.bridge_id == bridge_id)
    if wanted.state:
        found.append(Recipient.state == wanted.state.value)
    if wanted.tag:
        found.append(Message.tags.contains([wanted.tag]))
    if wanted.since:
        found.append(Recipient.id >= uuid7_floor(wanted.since))
    if wanted.until:
        found.append(Recipient.id < uuid7_floor(wanted.until))
    if wanted.search:
        found.append(_search(wanted.search.strip()))
    return found


def _search(text: str) -> sa.ColumnElement[bool]:
    """An id finds its message, something with an @ an address, anything else words of the subject or a part of the address."""
    if named := parse_uuid(text):
        return sa.or_(Recipient.id == named, Recipient.message_id == named)
    if text.startswith("<") or "@" in text:
        plain = text.strip("<>")
        return sa.or_(Recipient.address == text.lower(), Message.message_id_header == f"<{plain}>", Recipient.address.ilike(f"%{_escape(plain)}%"))
    pattern = f"%{_escape(text)}%"
    return sa.or_(Message.subject.ilike(pattern), Recipient.address.ilike(pattern))


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def get_message(scope: Scope, message_id: UUID | str) -> Message:
    """The message. Raises ``NotFound`` for another tenant's and, for a bridge's token, another bridge's."""
    identity = parse_uuid(message_id) if isinstance(message_id, str) else message_id
    message = scope.session.scalar(sa.select(Message).where(Message.id == identity)) if identity else None
    if message is None or (scope.bridge_id and message.bridge_id != scope.bridge_id):
        raise NotFound("message")
    if scope.mode is Mode.SANDBOX and scope.actor.kind is ActorKind.API_KEY and message.mode != Mode.SANDBOX:
        raise NotFound("message")
    return message


def recipients_of(scope: Scope, message: Message) -> Sequence[Recipient]:
    """All recipients of a message, in the order they were given."""
    return scope.session.scalars(sa.select(Recipient).where(Recipient.message_id == message.id).order_by(Recipient.id)).all()


def events_of(scope: Scope, message: Message) -> Sequence[Event]:
    """Every fact about a message, oldest first."""
    return scope.session.scalars(sa.select(Event).where(Event.message_id == message.id).order_by(Event.at, Event.id)).all()


def attempts_of(scope: Scope, message: Message) -> Sequence[DeliveryAttempt]:
    """Every SMTP conversation about a message, oldest first."""
    wanted = sa.select(DeliveryAttempt).where(DeliveryAttempt.message_id == message.id)
    return scope.session.scalars(wanted.order_by(DeliveryAttempt.started_at, DeliveryAttempt.id)).all()


def find_content(scope: Scope, message: Message) -> MessageContent | None:
    """What a message says; None after the retention of bodies."""
    return scope.session.scalar(sa.select(MessageContent).where(MessageContent.id == message.id))


def attachment_bytes(entry: dict[str, Any]) -> bytes:
    """The bytes of one entry of ``MessageContent.attachments``. Raises ``NotFound`` when the file is gone, ``Unavailable`` while its store is."""
    if "blob" in entry:
        try:
            return blobs.get(entry["blob"])
        except FileNotFoundError:
            raise NotFound("attachment") from None
        except OSError as error:
            raise Unavailable("The store of attachments does not answer at the moment.", retry_after=30) from error
    return base64.b64decode(entry.get("data", ""))


def overall_state(recipients: Sequence[Recipient]) -> RecipientState:
    """The state of a message as one word: the least finished recipient's; among final ones, delivered if any was."""
    states = {RecipientState(r.state) for r in recipients}
    order = (RecipientState.HELD, RecipientState.DEFERRED, RecipientState.QUEUED, RecipientState.SCHEDULED, RecipientState.DELIVERED)
    for state in (*order, RecipientState.SANDBOXED, RecipientState.BOUNCED, RecipientState.FAILED, RecipientState.SUPPRESSED):
        if state in states:
            return state
    return RecipientState.CANCELLED


def has_any_message(scope: Scope, mode: Mode | None = None) -> bool:
    """Whether the tenant ever sent anything (in a mode): the first-run checklist asks."""
    wanted = sa.select(Message.id).where(Message.tenant_id == scope.tenant_id)
    if mode:
        wanted = wanted.where(Message.mode == mode.value)
    return scope.session.scalar(wanted.limit(1)) is not None


def list_latest(scope: Scope, limit: int = 10) -> Sequence[LogRow]:
    """The newest recipients, for overviews."""
    return list_recipients(scope, LogFilter(), limit=limit).items
