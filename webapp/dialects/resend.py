"""Resend: Bearer key, `POST /emails`, `/emails/batch`, reading, re-timing and cancelling by id. Errors are `{statusCode, name, message}`."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from webapp.dialects.call import Call, Dialect, NoKey, Reply, Route, bearer, headers_of, refuse_unknown, take, without_nulls, words_of
from webapp.kernel.clock import now, parse_rfc3339, rfc3339
from webapp.kernel.errors import DomainError, IdempotencyConflict, LimitExceeded, NotFound, Problem, Unauthenticated, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.messages import doors
from webapp.messages.service import cancel_message, retime_message
from webapp.messages.types import Accepted, MessageSubmission, RecipientState, SenderNotVerified

MOST_IN_A_BATCH = 100
_SAME = {"from": "from", "to": "to", "cc": "cc", "bcc": "bcc", "reply_to": "reply_to", "subject": "subject", "html": "html", "text": "text"}
_FIELDS = frozenset({*_SAME, "headers", "attachments", "tags", "scheduled_at", "template"})
_NOT_HERE = {"topic_id": "topics do not exist here; use a bridge for bulk mail.", "react": "render the component before sending."}
_IN = re.compile(r"in (\d{1,4}) ?(s|sec|second|m|min|minute|h|hour|d|day)s?", re.IGNORECASE)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_NAMES = {400: "validation_error", 401: "missing_api_key", 403: "invalid_permission", 404: "not_found", 405: "method_not_allowed", 409: "conflict",
          413: "validation_error", 415: "validation_error", 422: "validation_error", 429: "rate_limit_exceeded"}  # fmt: skip
_LAST_EVENT = {RecipientState.CANCELLED: "canceled", RecipientState.HELD: "queued", RecipientState.DEFERRED: "delivery_delayed"}


def send(call: Call) -> Reply:
    """One message."""
    return Reply(200, {"id": str(call.send(_read(call, call.object())).id)})


def send_batch(call: Call) -> Reply:
    """Up to 100; all or none, unless the client asks for `permissive`."""
    permissive = call.headers.get("x-batch-validation") == "permissive"
    read = [_read_or_refuse(call, document) for document in call.objects(MOST_IN_A_BATCH)]
    good = [entry for entry in read if isinstance(entry, MessageSubmission)]
    accepted = iter(call.send_each(good) if good and (permissive or len(good) == len(read)) else good)
    results = [entry if isinstance(entry, DomainError) else next(accepted) for entry in read]
    if not permissive:
        for place, result in enumerate(results):
            if isinstance(result, DomainError):
                raise doors.at(result, f"emails[{place}]")
    body: dict[str, Any] = {"data": [{"id": str(result.id)} for result in results if isinstance(result, Accepted)]}
    if permissive:
        body["errors"] = [{"index": place, "message": words_of(result)} for place, result in enumerate(results) if isinstance(result, DomainError)]
    return Reply(200, body)


def read(call: Call) -> Reply:
    """What became of a message."""
    email = doors.email_of(call.scope(), call.path["message_id"])
    try:
        content: Mapping[str, Any] = doors.content_of(call.scope(), call.path["message_id"])
    except NotFound:
        content = {}
    people = {kind: [entry["email"] for entry in email["recipients"] if entry["kind"] == kind] for kind in ("to", "cc", "bcc")}
    sender = f"{email['from_name']} <{email['from']}>" if email["from_name"] else email["from"]
    return Reply(200, {
        "object": "email", "id": str(email["id"]), "message_id": email["message_id"], "from": sender, **people, "reply_to": [],
        "subject": email["subject"], "html": content.get("html"), "text": content.get("text"), "created_at": rfc3339(email["created_at"]),
        "scheduled_at": rfc3339(email["send_at"]), "last_event": _last_event(email),
        "tags": [{"name": name, "value": value} for name, value in email["metadata"].items()],
    })  # fmt: skip


def retime(call: Call) -> Reply:
    """Another time for scheduled mail."""
    moment = parse_rfc3339(_moment(call.object().get("scheduled_at")))
    if moment is None:
        raise ValidationFailed("scheduled_at must be a time such as 2026-06-01T09:00:00Z, or `in 5 minutes`.", param="scheduled_at")
    return _named(retime_message(call.scope(), call.path["message_id"], moment))


def cancel(call: Call) -> Reply:
    """Take scheduled mail back."""
    return _named(cancel_message(call.scope(), call.path["message_id"]))


def _named(accepted: Accepted) -> Reply:
    return Reply(200, {"object": "email", "id": str(accepted.id)})


def _read_or_refuse(call: Call, document: dict[str, Any]) -> MessageSubmission | DomainError:
    try:
        return _read(call, document)
    except DomainError as error:
        return error


def _read(call: Call, given: dict[str, Any]) -> MessageSubmission:
    refuse_unknown(given, _FIELDS, _NOT_HERE)
    document = take(given, _SAME)
    headers_of(_object(given, "headers"), document)
    if "attachments" in given:
        document["attachments"] = [_file(entry) for entry in _list(given, "attachments")]
    if "scheduled_at" in given:
        document["send_at"] = _moment(given["scheduled_at"])
    if "template" in given:
        template = _object(given, "template")
        document |= {"template": template.get("id"), "variables": template.get("variables")}
    pairs = [(tag.get("name"), tag.get("value")) for tag in _list(given, "tags") if isinstance(tag, dict)]
    if pairs:
        # Whoever filters looks for labels, of which there are ten; all of them come back with events.
        document |= {"tags": [f"{name}:{value}" for name, value in pairs[:10]], "metadata": {str(name): value for name, value in pairs}}
    return call.read(document)


def _file(entry: Any) -> Any:
    """An attachment; its bytes come as base64, or as a list of numbers (Python) or a Buffer in JSON (Node)."""
    file = without_nulls(entry)
    if "path" in file:
        raise ValidationFailed.of([Problem("attachments", "Files are not fetched from an address here; send their bytes in content.")])
    content = file.get("content")
    if isinstance(content, dict) and content.get("type") == "Buffer":
        content = content.get("data")
    if isinstance(content, list):
        try:
            content = base64.b64encode(bytes(content)).decode()
        except (ValueError, TypeError):
            raise ValidationFailed("content must be base64, or a list of bytes.", param="attachments") from None
    return {**file, "content": content}


def _moment(value: Any) -> Any:
    """A time, or `in 5 minutes` as one; what is neither is left for the reader to refuse."""
    if isinstance(value, str) and (match := _IN.fullmatch(value.strip())):
        return rfc3339(now() + timedelta(**{_UNITS[match[2][0].lower()]: int(match[1])}))
    return value if isinstance(value, str) else ""


def _object(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name, {})
    if not isinstance(value, dict):
        raise ValidationFailed(f"{name} must be an object.", param=name)
    return value


def _list(given: Mapping[str, Any], name: str) -> list[Any]:
    value = given.get(name, [])
    if not isinstance(value, list):
        raise ValidationFailed(f"{name} must be a list.", param=name)
    return value


def _last_event(email: Mapping[str, Any]) -> str:
    for stamp, event in (("complained_at", "complained"), ("clicked_at", "clicked"), ("opened_at", "opened")):
        if any(entry[stamp] for entry in email["recipients"]):
            return event
    state = RecipientState(email["status"])
    return _LAST_EVENT.get(state, state.value)


def refuse(error: DomainError) -> Reply:
    """An error as the clients of Resend read it."""
    status, name = error.status, _NAMES.get(error.status, "application_error")
    if isinstance(error, Unauthenticated) and not isinstance(error, NoKey):
        status, name = 403, "invalid_api_key"
    elif isinstance(error, SenderNotVerified):
        status, name = 403, "validation_error"
    elif isinstance(error, LimitExceeded):
        status, name = 429, "daily_quota_exceeded"
    elif isinstance(error, IdempotencyConflict):
        name = "invalid_idempotent_request"
    elif error.status == 422 and any(problem.code == "missing_parameter" for problem in error.problems):
        name = "missing_required_field"
    return Reply(status, {"statusCode": status, "name": name, "message": words_of(error)})


DIALECT = Dialect("resend", bearer, refuse, (
    Route("POST", "/emails", Permission.EMAIL_SEND, send),
    Route("POST", "/emails/batch", Permission.EMAIL_SEND, send_batch),
    Route("GET", "/emails/<message_id>", Permission.EMAIL_READ, read),
    Route("PATCH", "/emails/<message_id>", Permission.EMAIL_SEND, retime),
    Route("POST", "/emails/<message_id>/cancel", Permission.EMAIL_SEND, cancel),
))  # fmt: skip
