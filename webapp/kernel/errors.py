"""What services raise when they refuse. The doors turn these into an envelope, a page or an SMTP reply.

Codes and statuses are those of the Management API: see docs/errors.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the input: where (``to[1]``), what, and what to do about it."""

    param: str | None
    message: str
    code: str = "validation_error"


class DomainError(Exception):
    """Base of all refusals. ``retryable``: the same request may succeed later."""

    code = "internal_error"
    status = 500
    retryable = False
    #: What an answer over HTTP carries in its headers beside this: how far a rate limit is used.
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self, message: str, *, param: str | None = None, problems: tuple[Problem, ...] = (), retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.problems = problems
        self.retry_after = retry_after


class InvalidParameter(DomainError):
    """A parameter cannot be read at all."""

    code, status = "invalid_parameter", 400


class MissingParameter(DomainError):
    """A required parameter is absent."""

    code, status = "missing_parameter", 400


class Unauthenticated(DomainError):
    """No, an unknown, an expired or a revoked credential."""

    code, status = "authentication_required", 401


class Forbidden(DomainError):
    """The credential is known but may not do this."""

    code, status = "insufficient_permissions", 403


class NotFound(DomainError):
    """Absent, or another tenant's: the answer is the same."""

    code, status = "not_found", 404

    def __init__(self, what: str = "object") -> None:
        super().__init__(f"No such {what}.")


class Conflict(DomainError):
    """The state of the object forbids the operation."""

    code, status = "conflict", 409


class LimitExceeded(DomainError):
    """A resource limit of the tenant is reached."""

    code, status = "limit_exceeded", 409


class IdempotencyConflict(DomainError):
    """The idempotency key was used with another body, or its first request is still under way."""

    code, status = "idempotency_conflict", 409


class PayloadTooLarge(DomainError):
    """The body, a message or an attachment is over its limit."""

    code, status = "payload_too_large", 413


class UnsupportedMediaType(DomainError):
    """The content type is not one this route reads."""

    code, status = "invalid_parameter", 415


class ValidationFailed(DomainError):
    """The input can be read but breaks a rule; ``problems`` lists every breach found."""

    code, status = "validation_error", 422

    @classmethod
    def of(cls, problems: list[Problem]) -> ValidationFailed:
        """One error out of all breaches; the first gives the headline."""
        return cls(problems[0].message, param=problems[0].param, problems=tuple(problems))


class RateLimited(DomainError):
    """Too many requests; ``retry_after`` says how long to wait, in seconds."""

    code, status, retryable = "rate_limit_exceeded", 429, True


class Unavailable(DomainError):
    """A component (database, broker, disk) is away; what was not acknowledged was not kept."""

    code, status, retryable = "service_unavailable", 503, True


def first_line(error: BaseException) -> str:
    """What a log shall say of a fault of others: its first line, or its kind when it has no words."""
    return (str(error).splitlines() or [type(error).__name__])[0]
