"""The quick door of the Sending API: JSON posts of single messages and batches, answered before Flask is asked.

Same checks, same ``accept``, same answers and errors as ``api.py`` (which documents these routes and takes everything that is not plain JSON);
what is saved is the framework's road. A request costs this process one JSON decoding, its checks, and its share of a group commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import structlog

from webapp import metrics
from webapp.access.doors import load_credential
from webapp.access.types import Credential
from webapp.http import ratelimit
from webapp.http.envelope import NO_KEY, encode, error_body, error_headers, new_request_id
from webapp.http.problems import of_database
from webapp.kernel.errors import DomainError, Forbidden, PayloadTooLarge, Unauthenticated
from webapp.kernel.permissions import Permission
from webapp.messages.answers import REPLAYED, Answer
from webapp.messages.group import GroupAcceptor
from webapp.messages.intake import read_json
from webapp.messages.sending import Incoming, key_of, process_acceptor, read_many, read_single
from webapp.settings import get_settings

log = structlog.get_logger()
Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_SINGLE = frozenset(prefix + path for prefix in ("/api/v1", "/v1", "/api") for path in ("/email/send", "/send"))
_BATCH = frozenset(path + "/batch" for path in _SINGLE)
_STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
#: Up to this size the body of a refused request is read, so that its connection stays usable.
_DISCARDED_OCTETS = 64 * 1024
_REQUESTS = {digit: metrics.REQUESTS.labels(f"{digit}xx") for digit in (2, 4, 5)}
_ALWAYS = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]


class SendDoor:
    """WSGI: answers the send routes, hands everything else to ``app``."""

    def __init__(self, app: Wsgi, acceptor: GroupAcceptor | None = None) -> None:
        self.app = app
        self.acceptor = acceptor or process_acceptor()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        batch = path in _BATCH
        if not batch and path not in _SINGLE:
            return self.app(environ, start_response)
        if environ.get("REQUEST_METHOD") != "POST" or not _is_json(environ):
            environ["PATH_INFO"] = "/api/v1/email/send/batch" if batch else "/api/v1/email/send"
            return self.app(environ, start_response)
        request_id = new_request_id()
        request = _Request(environ, self.acceptor, batch, request_id)
        headers = [*_ALWAYS, ("X-Request-Id", request_id)]
        try:
            status, body = request.answer()
            data = encode(body)
            if request.replayed:
                headers += REPLAYED.items()
        except Exception as error:
            refusal = _refusal_of(error, request_id, path)
            _discard_body(environ)
            status, data = refusal.status, encode(error_body(refusal, request_id))
            headers += error_headers(refusal).items()
        if request.usage is not None:
            headers += request.usage.headers.items()
        _REQUESTS[status // 100].inc()
        headers.append(("Content-Length", str(len(data))))
        start_response(_STATUS[status], headers)
        return [data]


def _refusal_of(error: Exception, request_id: str, path: str) -> DomainError:
    refusal = error if isinstance(error, DomainError) else of_database(error)
    if refusal is None:
        log.error("request_failed", request_id=request_id, path=path, exc_info=error)
        return DomainError("Something went wrong on our side; it was logged under the request id.")
    log.info("send_refused", request_id=request_id, status=refusal.status, code=refusal.code, param=refusal.param)
    return refusal


def _discard_body(environ: Environ) -> None:
    """Read what a refusal left unread, when it is little: the server closes a connection with unread octets, and the client's next request breaks."""
    length = environ.get("CONTENT_LENGTH", "")
    if length.isdecimal() and int(length) <= _DISCARDED_OCTETS:
        environ["wsgi.input"].read(int(length))


def _is_json(environ: Environ) -> bool:
    kind: str = environ.get("CONTENT_TYPE", "")
    return kind == "application/json" or kind.partition(";")[0].strip().lower() == "application/json"


class _Request:
    """One post on its way to an answer. ``usage``: the rate limit as it stands after counting, for the headers."""

    __slots__ = ("acceptor", "batch", "environ", "replayed", "request_id", "usage")

    def __init__(self, environ: Environ, acceptor: GroupAcceptor, batch: bool, request_id: str) -> None:
        self.environ = environ
        self.acceptor = acceptor
        self.batch = batch
        self.request_id = request_id
        self.replayed = False
        self.usage: ratelimit.Usage | None = None

    def answer(self) -> Answer:
        """Status and body. Raises the refusal."""
        address = self.environ.get("REMOTE_ADDR", "unknown")
        credential = load_credential(_token(self.environ, address), address)
        meter = ratelimit.meter_of(credential.actor.id, credential.rate_limit, sending=True)
        try:
            incoming = self._read(credential)
        except DomainError:
            self._count(meter)  # a refused request counts too, and over the limit it is told that first
            raise
        if incoming.unit.submissions:
            ticket = self.acceptor.accept(incoming.unit, meter, self.request_id)
            incoming.unit, self.usage = ticket.unit, ticket.usage
        else:
            self._count(meter)
        self.replayed = incoming.unit.replayed
        return incoming.answer()

    def _count(self, meter: tuple[str, int]) -> None:
        self.usage = ratelimit.count(*meter)
        self.usage.check()

    def _read(self, credential: Credential) -> Incoming:
        if not credential.permissions.allows(Permission.EMAIL_SEND):
            raise Forbidden(f"This needs the permission {Permission.EMAIL_SEND.value}, which your role does not give.")
        body = read_body(self.environ)
        key = key_of(self.environ.get("HTTP_IDEMPOTENCY_KEY"), self.environ.get("HTTP_X_IDEMPOTENCY_KEY"), body)
        read = read_many if self.batch else read_single
        return read(credential, read_json(body), key)


def _token(environ: Environ, address: str) -> str:
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    token = token or environ.get("HTTP_X_API_KEY", "")
    if not token:
        raise ratelimit.stranger_refused(address, Unauthenticated(NO_KEY))
    return str(token)


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
