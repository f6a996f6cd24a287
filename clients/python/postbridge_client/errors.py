"""What goes wrong, as exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One of several things wrong with a request: ``param`` is a path like ``to[1]``."""

    code: str
    message: str
    param: str | None


class PostbridgeError(Exception):
    """A refusal. ``retryable``: the same request may succeed later; ``doc_url``: a page that says what to do."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "unknown",
        param: str | None = None,
        doc_url: str | None = None,
        retryable: bool = False,
        request_id: str | None = None,
        retry_after: float | None = None,
        problems: tuple[Problem, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.param = param
        self.doc_url = doc_url
        self.retryable = retryable
        self.request_id = request_id
        self.retry_after = retry_after
        self.problems = problems

    def __str__(self) -> str:
        """The message with the field it is about, and where to read more."""
        about = f" ({self.param})" if self.param else ""
        where = f" See {self.doc_url}" if self.doc_url else ""
        return f"{self.message}{about} [{self.code}]{where}"


class NotAuthenticated(PostbridgeError):
    """401: no key, or one that is unknown, expired or revoked."""


class NotAllowed(PostbridgeError):
    """403: the key may not do this."""


class NotFound(PostbridgeError):
    """404: there is no such object in this tenant and mode."""


class Conflict(PostbridgeError):
    """409: the state of the object, a limit, or an idempotency key forbids it; see ``code``."""


class ValidationFailed(PostbridgeError):
    """400, 413, 415 or 422: the request must be changed; see ``problems``."""


class RateLimited(PostbridgeError):
    """429: wait ``retry_after`` seconds."""


class ServerFailed(PostbridgeError):
    """500 or 503."""


class ConnectionFailed(PostbridgeError):
    """The server was not reached, or did not answer in time: whether it acted is unknown."""


_BY_STATUS = {
    400: ValidationFailed,
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    413: ValidationFailed,
    415: ValidationFailed,
    422: ValidationFailed,
    429: RateLimited,
}


def error_of(status: int, body: Any, headers: dict[str, str]) -> PostbridgeError:
    """The exception for an answer of 400 or more. ``headers``: with names in lower case."""
    kind = _BY_STATUS.get(status, ServerFailed if status >= 500 else PostbridgeError)
    told = body if isinstance(body, dict) else {}
    error = told.get("error") if isinstance(told.get("error"), dict) else {}
    assert isinstance(error, dict)
    listed = told.get("errors") or []
    after = headers.get("retry-after", "")
    return kind(
        error.get("message") or f"The server answered {status}.",
        status=status,
        code=error.get("code") or "unknown",
        param=error.get("param"),
        doc_url=error.get("doc_url"),
        retryable=bool(error.get("retryable", status in (429, 502, 503, 504))),
        request_id=headers.get("x-request-id"),
        retry_after=float(after) if after.isdigit() else None,
        problems=tuple(Problem(p.get("code", ""), p.get("message", ""), p.get("param")) for p in listed),
    )
