"""Reads of one message: the whole of it, its recipients, and why it is where it is. Lists are in ``log_queries``."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.kernel import blobs
from webapp.kernel.errors import NotFound, Unavailable
from webapp.kernel.ids import parse_uuid
from webapp.kernel.scope import ActorKind, Mode, Scope
from webapp.messages.models import DeliveryAttempt, Event, Message, MessageContent, Recipient
from webapp.messages.types import RecipientState


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
