"""What a door of another vocabulary needs of sending: the same reader, the same checks, the same ``accept`` as the Sending API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from webapp.access.types import Credential
from webapp.kernel.clock import now
from webapp.kernel.errors import DomainError, NotFound
from webapp.kernel.ids import parse_uuid, uuid7_floor
from webapp.kernel.scope import Mode, Scope
from webapp.messages.intake import read_json, read_message
from webapp.messages.intake_files import read_attachments
from webapp.messages.models import Message
from webapp.messages.queries import get_message
from webapp.messages.raw_intake import read_raw
from webapp.messages.reading import content_of, email_of
from webapp.messages.sending import Key, default_from, key_of, limit_of, process_acceptor, sender_of, single
from webapp.messages.service import accept_batch
from webapp.messages.types import Accepted, AllSuppressed, AttachmentInput, MessageSubmission

__all__ = [
    "Key", "at", "content_of", "email_of", "find_by_header", "key_of", "raise_first", "read_attachments", "read_json", "read_one", "read_whole",
    "send_each", "send_one",
]  # fmt: skip

#: How far back a Message-ID of the client's own is looked for: it has no index, so that accepting stays quick.
_LOOK_BACK = timedelta(days=3)


def read_one(credential: Credential, document: dict[str, Any], uploads: Sequence[AttachmentInput] = ()) -> MessageSubmission:
    """A message out of the Sending API's document. Raises ``ValidationFailed`` with every problem, named as that document names them."""
    return read_message(document, default_from=default_from(credential), uploads=uploads, limit=limit_of(credential))


def read_whole(credential: Credential, document: dict[str, Any]) -> MessageSubmission:
    """A message out of the document of `/email/send/raw`; ``raw`` may be bytes. Raises ``ValidationFailed``."""
    return read_raw(document, limit=limit_of(credential))


def send_one(credential: Credential, message: MessageSubmission, key: Key, request_id: str, *, sandbox: bool = False) -> Accepted:
    """Accept a message with the group commit of this process. Raises the refusal."""
    incoming = single(credential, replace(message, idempotency_key=key.text, fingerprint=key.fingerprint))
    if sandbox:
        incoming.unit.sender = replace(incoming.unit.sender, mode=Mode.SANDBOX)
    unit = process_acceptor().accept(incoming.unit, request_id=request_id).unit
    if isinstance(result := unit.results[0], DomainError):
        raise result
    return result


def send_each(scope: Scope, credential: Credential, messages: Sequence[MessageSubmission], key: Key, *, sandbox: bool = False) -> list[Accepted | DomainError]:
    """Accept messages in the scope's transaction, each on its own. Raises what refuses all of them, as a key that was used."""
    sender = sender_of(credential)
    if sandbox:
        sender = replace(sender, mode=Mode.SANDBOX)
    return accept_batch(scope, messages, key=key.text, fingerprint=key.fingerprint, sender=sender).results


def raise_first(results: Sequence[Accepted | DomainError], place: str) -> list[Accepted]:
    """The accepted ones, for a request that is taken as a whole. Raises the first refusal, which undoes the rest with the door's transaction.

    Who may not be written to is left out instead, as long as somebody remains. ``place``: how the request calls its messages, as in `emails`.
    """
    for index, result in enumerate(results):
        if isinstance(result, DomainError) and not isinstance(result, AllSuppressed):
            raise at(result, f"{place}[{index}]")
    accepted = [result for result in results if isinstance(result, Accepted)]
    if not accepted:
        assert isinstance(results[0], DomainError)
        raise at(results[0], f"{place}[0]")
    return accepted


def at(error: DomainError, place: str) -> DomainError:
    """The refusal of a message inside a request, with its params as places in that request."""
    error.param = f"{place}.{error.param}" if error.param else place
    error.problems = tuple(replace(problem, param=f"{place}.{problem.param}" if problem.param else place) for problem in error.problems)
    return error


def find_by_header(scope: Scope, message_id: str) -> Message:
    """The message with this Message-ID, angle brackets or not. Raises ``NotFound``, also for a client's own that is older than three days."""
    plain = message_id.strip().strip("<>")
    if parse_uuid(plain.partition("@")[0]) is not None:
        return get_message(scope, plain.partition("@")[0])
    wanted = sa.select(Message.id).where(
        Message.tenant_id == scope.tenant_id, Message.id >= uuid7_floor(now() - _LOOK_BACK), Message.message_id_header == f"<{plain}>"
    )
    found = scope.session.scalars(wanted.order_by(Message.id.desc()).limit(1)).one_or_none()
    if found is None:
        raise NotFound("message")
    return get_message(scope, found)
