"""The quick door of the Sending API: JSON posts of single messages and batches, answered before Flask is asked.

Same checks, same ``accept``, same answers and errors as ``api.py`` (which documents these routes and takes everything that is not plain JSON);
what is saved is the framework's road. A request costs this process one JSON decoding, its checks, and its share of a group commit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import structlog

from webapp.access.doors import load_credential
from webapp.access.types import Credential
from webapp.http import ratelimit
from webapp.http.envelope import encode, error_body, error_headers, new_request_id
from webapp.http.problems import of_database
from webapp.kernel.errors import DomainError, Forbidden, InvalidParameter, PayloadTooLarge, Unauthenticated, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.messages.answers import REPLAYED, batch_answer, single_answer
from webapp.messages.group import GroupAcceptor, Ticket
from webapp.messages.intake import read_batch, read_json, read_message
from webapp.messages.service import Sender, Unit
from webapp.messages.types import Accepted, MessageSubmission
from webapp.settings import get_settings

log = structlog.get_logger()
Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Answer = tuple[int, Mapping[str, Any]]

_SINGLE = frozenset(prefix + path for prefix in ("/api/v1", "/v1", "/api") for path in ("/email/send", "/send"))
_BATCH = frozenset(path + "/batch" for path in _SINGLE)
_STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_ALWAYS = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]


class SendDoor:
    """WSGI: answers the send routes, hands everything else to ``app``."""

    def __init__(self, app: Wsgi, acceptor: GroupAcceptor | None = None) -> None:
        self.app = app
        self.acceptor = acceptor or process_acceptor()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        batch = path in _BATCH
        if not (batch or path in _SINGLE) or environ.get("REQUEST_METHOD") != "POST" or not _is_json(environ):
            return self.app(environ, start_response)
        request_id = new_request_id()
        request = _Request(environ, self.acceptor, batch)
        headers = [*_ALWAYS, ("X-Request-Id", request_id)]
        try:
            status, body = request.answer()
            data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
            if request.replayed:
                headers += REPLAYED.items()
        except DomainError as error:
            status, data = error.status, encode(error_body(error, request_id))
            headers += error_headers(error).items()
            log.info("send_refused", request_id=request_id, status=status, code=error.code, param=error.param)
        except Exception as error:
            refusal = of_database(error)
            if refusal is None:
                log.exception("request_failed", request_id=request_id, path=path)
                refusal = DomainError("Something went wrong on our side; it was logged under the request id.")
            status, data = refusal.status, encode(error_body(refusal, request_id))
            headers += error_headers(refusal).items()
        if request.usage is not None:
            headers += request.usage.headers.items()
        headers.append(("Content-Length", str(len(data))))
        start_response(_STATUS[status], headers)
        return [data]


def _is_json(environ: Environ) -> bool:
    kind: str = environ.get("CONTENT_TYPE", "")
    return kind == "application/json" or kind.partition(";")[0].strip().lower() == "application/json"


class _Request:
    """One post on its way to an answer. ``usage``: the rate limit as it stands after counting, for the headers."""

    __slots__ = ("acceptor", "batch", "environ", "replayed", "usage")

    def __init__(self, environ: Environ, acceptor: GroupAcceptor, batch: bool) -> None:
        self.environ = environ
        self.acceptor = acceptor
        self.batch = batch
        self.replayed = False
        self.usage: ratelimit.Usage | None = None

    def answer(self) -> Answer:
        """Status and body. Raises the refusal."""
        credential = load_credential(_token(self.environ), self.environ.get("REMOTE_ADDR", "unknown"))
        meter = (f"key:{credential.actor.id}", credential.rate_limit or get_settings().send_rate)
        try:
            unit, refused = self._read(credential)
        except DomainError:
            self._count(meter)  # a refused request counts too, and over the limit it is told that first
            raise
        if unit.submissions:
            ticket = self.acceptor.accept(unit, meter)
            unit, self.usage = ticket.unit, ticket.usage
        else:
            self._count(meter)
        self.replayed = unit.replayed
        if not self.batch:
            return single_answer(unit)
        _merge(unit, refused)
        return batch_answer(unit)

    def _count(self, meter: tuple[str, int]) -> None:
        self.usage = ratelimit.count(*meter)
        self.usage.check()

    def _read(self, credential: Credential) -> tuple[Unit, dict[int, DomainError]]:
        """The unit of this request, and the messages of a batch that could not be read, by their place."""
        if not credential.permissions.allows(Permission.EMAIL_SEND):
            raise Forbidden(f"This needs the permission {Permission.EMAIL_SEND.value}, which your role does not give.")
        key = idempotency_key(self.environ.get("HTTP_IDEMPOTENCY_KEY"), self.environ.get("HTTP_X_IDEMPOTENCY_KEY"))
        body = read_body(self.environ)
        fingerprint = hashlib.sha256(body).digest() if key is not None else b""
        document = read_json(body)
        return unit_of_document(sender_of(credential), default_from(credential.allowed_from), document, batch=self.batch, key=key, fingerprint=fingerprint)


def unit_of_document(
    sender: Sender, default: str | None, document: Any, *, batch: bool, key: str | None, fingerprint: bytes
) -> tuple[Unit, dict[int, DomainError]]:
    """The unit of a JSON document with its files stored, and the unreadable messages of a batch. Raises what refuses the whole."""
    if not batch:
        message = read_message(document, default_from=default, key=key, fingerprint=fingerprint)
        unit = Unit(sender, (message,), key, fingerprint)
        unit.store_files(0)
        return unit, {}
    messages: list[MessageSubmission] = []
    refused: dict[int, DomainError] = {}
    for index, entry in enumerate(read_batch(document)):
        try:
            messages.append(read_message(entry, default_from=default))
        except ValidationFailed as error:
            refused[index] = error
    unit = Unit(sender, messages, key, fingerprint, is_batch=True)
    for index in range(len(messages)):
        unit.store_files(index)
    return unit, refused


def merge_refused(unit: Unit, refused: Mapping[int, DomainError]) -> None:
    """Put the unreadable messages of a batch back in their places among the results."""
    results: list[Accepted | DomainError] = list(unit.results)
    for index in sorted(refused):
        results.insert(index, refused[index])
    unit.results = results


_merge = merge_refused


def _token(environ: Environ) -> str:
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    token = token or environ.get("HTTP_X_API_KEY", "")
    if not token:
        raise Unauthenticated("Send your API key as `Authorization: Bearer mp_...` or in the X-API-Key header.")
    return str(token)


def idempotency_key(first: str | None, second: str | None) -> str | None:
    """The key of either header. Raises ``InvalidParameter`` when they differ."""
    if first is not None and second is not None and first != second:
        raise InvalidParameter("Idempotency-Key and X-Idempotency-Key differ; send one.", param="Idempotency-Key")
    return first if first is not None else second


def read_body(environ: Environ) -> bytes:
    """The whole body. Raises ``PayloadTooLarge`` before anything over the limit is kept."""
    most = get_settings().max_body_bytes
    try:
        length = int(environ.get("CONTENT_LENGTH") or -1)
    except ValueError:
        length = -1
    if length > most:
        raise PayloadTooLarge(f"The body has {length} bytes; {most} are allowed.")
    data: bytes = environ["wsgi.input"].read(length if length >= 0 else most + 1)
    if len(data) > most:
        raise PayloadTooLarge(f"The body is larger than the {most} bytes allowed.")
    return data


def sender_of(credential: Credential) -> Sender:
    """On whose authority a key's or a bridge token's mail goes."""
    return Sender(credential.tenant_id, credential.mode, credential.bridge_id, credential.key_id)


def default_from(allowed: tuple[str, ...]) -> str | None:
    """The sender when a message names none: the one address the credential may send from."""
    return allowed[0] if len(allowed) == 1 and "@" in allowed[0][1:] else None


_acceptor: GroupAcceptor | None = None


def process_acceptor() -> GroupAcceptor:
    """The one group commit of this process; its threads start with the first message, so after a fork."""
    global _acceptor
    if _acceptor is None:
        _acceptor = GroupAcceptor()
    return _acceptor


__all__ = ["SendDoor", "Ticket", "process_acceptor"]
