"""What both doors of the Sending API do with a request: who sends, under which key, and what goes into the group commit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webapp.access.types import Credential
from webapp.kernel.errors import DomainError, InvalidParameter, ValidationFailed
from webapp.messages.answers import Answer, batch_answer, single_answer
from webapp.messages.group import GroupAcceptor
from webapp.messages.intake import platform_limit, read_batch, read_message
from webapp.messages.multipart import share_uploads
from webapp.messages.service import Sender, Unit
from webapp.messages.types import Accepted, AttachmentInput, MessageSubmission
from webapp.tenants.service import tenant_state


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key with the fingerprint of the request it came with; both empty when the client sent none."""

    text: str | None = None
    fingerprint: bytes = b""


@dataclass(slots=True)
class Incoming:
    """A request that was read: its unit, and the messages of a batch that could not be read, by their place."""

    unit: Unit
    unreadable: Mapping[int, DomainError] = field(default_factory=dict)

    def answer(self) -> Answer:
        """Status and body once the unit has its results. Raises what refuses the request as a whole."""
        if not self.unit.is_batch:
            return single_answer(self.unit)
        results: list[Accepted | DomainError] = list(self.unit.results)
        for place in sorted(self.unreadable):
            results.insert(place, self.unreadable[place])
        return batch_answer(self.unit, results)


def read_single(credential: Credential, document: Any, key: Key, uploads: Sequence[AttachmentInput] = ()) -> Incoming:
    """One message, its files stored. Raises ``ValidationFailed`` with every problem found."""
    message = read_message(
        document, default_from=default_from(credential), uploads=uploads, key=key.text, fingerprint=key.fingerprint, limit=limit_of(credential)
    )
    return single(credential, message)


def single(credential: Credential, message: MessageSubmission) -> Incoming:
    """The request that sends one message."""
    unit = Unit(sender_of(credential), (message,), message.idempotency_key, message.fingerprint)
    unit.store_files(0)
    return Incoming(unit)


def read_many(credential: Credential, document: Any, key: Key, uploads: Sequence[AttachmentInput] = ()) -> Incoming:
    """A batch. Raises ``ValidationFailed`` when it is none; messages that cannot be read are refused each on its own.

    ``uploads``: files beside it (multipart); each goes with every message that names it in its attachments.
    """
    messages: list[MessageSubmission] = []
    unreadable: dict[int, DomainError] = {}
    default = default_from(credential)
    entries = read_batch(document)
    named = share_uploads(entries, uploads) if uploads else {}
    for place, entry in enumerate(entries):
        try:
            messages.append(read_message(entry, default_from=default, limit=limit_of(credential), uploads=named.get(place, ())))
        except ValidationFailed as error:
            unreadable[place] = error
    unit = Unit(sender_of(credential), messages, key.text, key.fingerprint, is_batch=True)
    for index in range(len(messages)):
        unit.store_files(index)
    return Incoming(unit, unreadable)


def key_of(first: str | None, second: str | None, body: bytes) -> Key:
    """The key of either header, with the hash of ``body``. Raises ``InvalidParameter`` when the two differ."""
    text = first if first is not None else second
    if text is None:
        return Key()
    if second is not None and second != text:
        raise InvalidParameter("Idempotency-Key and X-Idempotency-Key differ; send one.", param="Idempotency-Key")
    return Key(text, hashlib.sha256(body).digest())


def limit_of(credential: Credential) -> Callable[[], int]:
    """Tells how many recipients a message under this credential may have."""
    return lambda: tenant_state(credential.tenant_id).max_recipients or platform_limit()


def sender_of(credential: Credential) -> Sender:
    """On whose authority a message under this credential comes."""
    return Sender(credential.tenant_id, credential.mode, credential.bridge_id, credential.key_id)


def default_from(credential: Credential) -> str | None:
    """The sender when a message names none: the one address the credential may send from."""
    allowed = credential.allowed_from
    return allowed[0] if len(allowed) == 1 and "@" in allowed[0][1:] else None


_acceptor: GroupAcceptor | None = None


def process_acceptor() -> GroupAcceptor:
    """The one group commit of this process; its threads start with the first message, so after a fork."""
    global _acceptor
    if _acceptor is None:
        _acceptor = GroupAcceptor()
    return _acceptor
