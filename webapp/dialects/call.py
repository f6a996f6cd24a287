"""What a dialect sees of a request, and what it does with one: no Flask here, so that a dialect is only about shapes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from webapp.access.types import Credential
from webapp.kernel.errors import DomainError, PayloadTooLarge, Problem, Unauthenticated, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.messages import doors
from webapp.messages.types import Accepted, AttachmentInput, MessageSubmission

#: One request may be written out to so many bytes, when it stands for many messages with one content.
LARGEST_EXPANSION = 128 * 1024 * 1024


class NoKey(Unauthenticated):
    """A request without a key where its dialect looks for one."""


class TooMany(ValidationFailed):
    """A batch that is none, or too large."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in a dialect's shape. ``body`` None: none at all."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Headers(Protocol):
    """Headers by name, whatever its case."""

    def get(self, name: str, /) -> str | None:
        """The header, or None."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a client that knows its key."""

    credential: Credential
    scope: Callable[[], Scope]
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Headers
    body: Callable[[], bytes]
    form: Callable[[], Sequence[tuple[str, str]]]
    files: Callable[[], Sequence[tuple[str, AttachmentInput]]]
    #: Of this dialect's root, as the client reaches it.
    base_url: str
    request_id: str

    def object(self) -> dict[str, Any]:
        """The body as a JSON object without its nulls. Raises ``InvalidParameter`` and ``ValidationFailed``."""
        return without_nulls(doors.read_json(self.body() or b"{}"))

    def objects(self, most: int, inside: str | None = None) -> list[dict[str, Any]]:
        """The body as a list of objects, 1 to ``most``, or the list under ``inside``. Raises as ``object``."""
        document = doors.read_json(self.body() or b"[]")
        found = document.get(inside) if inside and isinstance(document, dict) else document
        if not isinstance(found, list) or not 0 < len(found) <= most:
            raise TooMany(f"Send a list of 1 to {most} messages.", param=inside)
        return [without_nulls(entry) for entry in found]

    def key(self) -> doors.Key:
        """The idempotency key of the request, if it has one."""
        text = self.headers.get("Idempotency-Key")
        return doors.key_of(text, None, self.body()) if text is not None else doors.Key()

    def read(self, document: dict[str, Any], uploads: Sequence[AttachmentInput] = ()) -> MessageSubmission:
        """A message out of the Sending API's own document. Raises ``ValidationFailed``, with its params."""
        return doors.read_one(self.credential, document, uploads)

    def send(self, message: MessageSubmission, *, sandbox: bool = False) -> Accepted:
        """Accept one message. Raises the refusal."""
        return doors.send_one(self.credential, message, self.key(), self.request_id, sandbox=sandbox)

    def send_each(self, messages: Sequence[MessageSubmission], *, sandbox: bool = False) -> list[Accepted | DomainError]:
        """Accept messages, each on its own."""
        return doors.send_each(self.scope(), self.credential, messages, self.key(), sandbox=sandbox)

    def send_all(self, messages: Sequence[MessageSubmission], place: str, *, sandbox: bool = False) -> list[Accepted]:
        """Accept all or none; only those who may not be written to are left out. Raises the first refusal."""
        return doors.raise_first(self.send_each(messages, sandbox=sandbox), place)


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One address of a dialect, below the dialect's own."""

    method: str
    rule: str
    permission: Permission
    handle: Handler


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the clients of one service speak. ``token``: the key out of a request's headers; ``refuse``: an error in their shape."""

    name: str
    token: Callable[[Mapping[str, Any]], str | None]
    refuse: Callable[[DomainError], Reply]
    routes: tuple[Route, ...]


def bearer(environ: Mapping[str, Any]) -> str | None:
    """The token of `Authorization: Bearer`."""
    scheme, _, token = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def without_nulls(value: Any) -> dict[str, Any]:
    """A JSON object without the fields that are null: clients send those for what was not given. Raises ``ValidationFailed``."""
    if not isinstance(value, dict):
        raise ValidationFailed("Send a JSON object.")
    return {name: inner for name, inner in value.items() if inner is not None}


def take(document: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """What of ``document`` only has another name here: ours by theirs."""
    return {ours: document[theirs] for theirs, ours in names.items() if theirs in document}


def refuse_unknown(document: Mapping[str, Any], known: frozenset[str], refused: Mapping[str, str]) -> None:
    """What this server does not do must not pass in silence. ``refused``: fields that exist there and not here, with what to do instead."""
    problems = [Problem(name, f"{name}: {refused[name]}") for name in document.keys() & refused.keys()]
    problems += [Problem(name[:80], f"The field {name[:80]} does not exist here.") for name in document.keys() - known - refused.keys()]
    if problems:
        raise ValidationFailed.of(sorted(problems, key=lambda problem: problem.param or "")[:20])


def check_expansion(copies: int, size: int) -> None:
    """Raises ``PayloadTooLarge`` when a request would be written out to more than ``LARGEST_EXPANSION``."""
    if copies * size > LARGEST_EXPANSION:
        raise PayloadTooLarge(f"{copies} messages of {size} bytes are more than one request may stand for; send fewer at once.")


def words_of(error: DomainError) -> str:
    """All of a refusal in one text, for dialects that have room for one."""
    others = [problem.message for problem in error.problems if problem.message != error.message]
    return " ".join([error.message, *others[:4]])


@functools.lru_cache(maxsize=4096)
def split_addresses(text: str) -> tuple[str, ...]:
    """The addresses of a header-like list: commas outside of quotes and angle brackets part them."""
    found, begin, quoted, angle = [], 0, False, False
    for place, sign in enumerate(text):
        if sign == '"' and (place == 0 or text[place - 1] != "\\"):
            quoted = not quoted
        elif not quoted and sign in "<>":
            angle = sign == "<"
        elif sign == "," and not quoted and not angle:
            found.append(text[begin:place].strip())
            begin = place + 1
    return tuple(part for part in [*found, text[begin:].strip()] if part)


def headers_of(given: Mapping[str, Any], document: dict[str, Any]) -> None:
    """Put custom headers into ``document``. A List-Unsubscribe makes the message bulk mail instead: then Postbridge writes one that works, and
    heeds it."""
    kept = dict(given)
    for name in [name for name in kept if name.lower() in ("list-unsubscribe", "list-unsubscribe-post")]:
        del kept[name]
        document["stream"] = "bulk"
    for name in [name for name in kept if name.lower() == "reply-to"]:
        document["reply_to"] = list(split_addresses(str(kept.pop(name))))
    if kept:
        document["headers"] = kept
