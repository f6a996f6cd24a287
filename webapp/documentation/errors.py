"""Every error code with its meaning, what to do about it, and an example: for the page that `doc_url` leads to, and for the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from webapp.kernel import errors


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code. ``more``: other statuses it comes with; ``example``: a message as the server words it."""

    code: str
    status: int
    retryable: bool
    meaning: str
    todo: str
    example: str
    param: str | None = None
    more: tuple[int, ...] = ()
    causes: tuple[str, ...] = ()


def _of(kind: type[errors.DomainError], meaning: str, todo: str, example: str, param: str | None = None, **extra: Any) -> ErrorCode:
    return ErrorCode(kind.code, kind.status, kind.retryable, meaning, todo, example, param, **extra)


ERRORS: tuple[ErrorCode, ...] = (
    _of(
        errors.InvalidParameter,
        "A parameter, a header or the body cannot be read.",
        "Correct what `param` and the message name, and send JSON as `application/json`.",
        "The cursor is not one this API gave out; start without a cursor.",
        "cursor",
        more=(415,),
        causes=(
            "The body is not JSON, or the Content-Type says something else (then the status is 415).",
            "A cursor, a time or an idempotency key has a form that this API never gave out.",
        ),
    ),
    _of(
        errors.MissingParameter,
        "Something required is absent.",
        "Send the parameter that `param` names.",
        "Say since when.",
        "since",
        causes=("A query parameter that has no default was left out.",),
    ),
    _of(
        errors.Unauthenticated,
        "No key, or one that is unknown, expired or revoked.",
        "Send `Authorization: Bearer <key>` or `X-API-Key: <key>`; make a new key when in doubt.",
        "The API key is unknown, expired or revoked.",
        causes=(
            "The header is missing, or has another scheme than Bearer.",
            "The key was revoked or rolled, and its overlap is over.",
            "The bridge of a bridge token was deleted or its credentials rotated.",
        ),
    ),
    _of(
        errors.Forbidden,
        "The key is known and may not do this.",
        "Look at the role of the key, its IP list and mode, and whether your tenant is approved.",
        "This key lacks the permission email.send.",
        causes=(
            "The role of the key lacks the permission that the operation names.",
            "The request came from an address that is not on the key's IP list.",
            "The tenant is waiting for approval or was suspended: only sandbox mail is taken.",
        ),
    ),
    _of(
        errors.NotFound,
        "There is no such object in your tenant and mode.",
        "Check the id, and whether the key has the mode (live or sandbox) of the object.",
        "No such bridge.",
        causes=(
            "The id belongs to another tenant: the answer is the same as for an id that never was.",
            "A sandbox key asked for a live object, or the other way round.",
        ),
    ),
    _of(
        errors.Conflict,
        "The state of the object forbids it, or it changed since you read it.",
        "Read the object again, apply your change to what you find, and repeat.",
        "The object has changed since you read it: read it again, apply your change, and send the new ETag.",
        "If-Match",
        causes=(
            "`If-Match` holds the ETag of an older state.",
            "The mail is under way and can no longer be cancelled.",
            "The object is shared by the platform and read-only.",
        ),
    ),
    _of(
        errors.LimitExceeded,
        "A limit of your tenant is reached.",
        "Remove what is not needed, or ask for a higher limit.",
        "A tenant has at most 100 active keys.",
        causes=("A tenant has at most 100 active API keys.", "The plan's number of domains, bridges or endpoints is used up."),
    ),
    _of(
        errors.IdempotencyConflict,
        "The idempotency key belongs to another body, or its first request is still running.",
        "Use a new key for a new request; repeat a running one a little later.",
        "This key was used for another request; choose a new one.",
        "Idempotency-Key",
        causes=("The key was used before with another body.", "Two requests with the key arrived at once, and the first is not done."),
    ),
    _of(
        errors.PayloadTooLarge,
        "The body, the message or a file is too large.",
        "Send less: attachments have at most 10 MB each and 25 MB in all.",
        "The attachment is larger than 10 MB.",
        "attachments[0]",
        causes=("An attachment is over 10 MB, or all of them over 25 MB.", "The whole body is over the server's limit."),
    ),
    _of(
        errors.ValidationFailed,
        "The input can be read but breaks a rule.",
        "Correct what `errors[]` lists: every breach at once, each with the field it is about.",
        "Not an email address: there is no @.",
        "to[1]",
        causes=(
            "An address, a domain or a time is not one.",
            "A field that does not exist here was sent.",
            "Live mail was sent from a domain that is not verified.",
        ),
    ),
    _of(
        errors.RateLimited,
        "Too many requests.",
        "Wait as long as `Retry-After` says, then go on; spread the load or ask for a higher limit.",
        "More than 600 requests in 60 seconds; wait 12 s.",
        causes=("The key made more requests in the last 60 seconds than it may.", "Strangers are limited by address."),
    ),
    ErrorCode(
        "internal_error",
        500,
        True,
        "Something went wrong on our side.",
        "Repeat it, with an idempotency key when it writes; tell us the request id when it stays.",
        "Something went wrong on our side; it was logged under the request id.",
    ),
    _of(
        errors.Unavailable,
        "A component is away for a moment; nothing was stored.",
        "Repeat the request after `Retry-After`, best with an idempotency key.",
        "The database is not reachable at the moment; nothing was stored.",
        causes=("The database is restarting, or the disk is full.",),
    ),
)
