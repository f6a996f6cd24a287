"""SendGrid: Bearer key, `POST /v3/mail/send`, `GET /v3/messages/{id}`. Each personalization is a message; errors are `{errors: [{message, field, help}]}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from webapp.dialects.call import (
    Call,
    Dialect,
    Reply,
    Route,
    TooMany,
    bearer,
    check_expansion,
    headers_of,
    refuse_unknown,
    take,
    without_nulls,
)
from webapp.kernel.clock import rfc3339
from webapp.kernel.errors import DomainError, Problem, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.messages import doors
from webapp.messages.types import AttachmentInput, MessageSubmission, SenderNotVerified

MOST_PERSONALIZATIONS = 1000
_FIELDS = frozenset(
    "personalizations from reply_to reply_to_list subject content attachments template_id headers categories custom_args send_at asm mail_settings "
    "tracking_settings sections".split()
)
_NOT_HERE = {
    "batch_id": "there are no batches to cancel here; take a scheduled message back by its id.",
    "ip_pool_name": "the bridge's pool sends; use the key of a bridge on that pool.",
}
_OF_PERSON = frozenset("to cc bcc from subject headers substitutions dynamic_template_data custom_args send_at".split())
_TYPES = {"text/plain": "text", "text/html": "html"}
_FILE = {"content": "content", "filename": "filename", "type": "content_type"}
_EVENTS = {"email.queued": "processed", "email.sent": "processed", "email.delivered": "delivered", "email.deferred": "deferred",
           "email.bounced": "bounce", "email.failed": "drop", "email.suppressed": "drop", "email.opened": "open", "email.clicked": "click",
           "email.complained": "spam_report", "email.unsubscribed": "unsubscribe"}  # fmt: skip
#: Where a field of ours stands in their document.
_PLACES = {"from": "from.email", "from_name": "from.name", "html": "content", "text": "content", "tags": "categories", "metadata": "custom_args",
           "template": "template_id", "variables": "dynamic_template_data"}  # fmt: skip


def send(call: Call) -> Reply:
    """One message for each personalization: all, or none."""
    given = call.object()
    refuse_unknown(given, _FIELDS, _NOT_HERE)
    people = _objects(given, "personalizations")
    if not 0 < len(people) <= MOST_PERSONALIZATIONS:
        raise TooMany(f"personalizations must hold 1 to {MOST_PERSONALIZATIONS} objects.", param="personalizations")
    files = _files(given)
    size = len(call.body()) if not files else len(call.body()) + sum(len(file.data) for file in files)
    check_expansion(len(people), size if len(people) > 1 else 0)
    sandbox = _is_on(given.get("mail_settings"), "sandbox_mode")
    messages = [_read(call, given, person, files, place) for place, person in enumerate(people)]
    if len(messages) == 1:
        accepted = call.send(messages[0], sandbox=sandbox)
    else:
        accepted = call.send_all(messages, "personalizations", sandbox=sandbox)[0]
    return Reply(200 if sandbox else 202, None, {"X-Message-Id": str(accepted.id)})


def read(call: Call) -> Reply:
    """What became of a message; the first recipient stands for it."""
    email = doors.email_of(call.scope(), call.path["message_id"])
    status = {"delivered": "delivered", "bounced": "not_delivered", "failed": "not_delivered", "suppressed": "not_delivered"}.get(email["status"], "processing")
    events = [
        {"event_name": _EVENTS[event["type"]], "processed": rfc3339(event["at"]), "email": event["recipient"], **_facts(event["data"])}
        for event in email["events"] if event["type"] in _EVENTS
    ]  # fmt: skip
    return Reply(200, {
        "msg_id": str(email["id"]), "from_email": email["from"], "to_email": email["recipients"][0]["email"], "subject": email["subject"], "status": status,
        "template_id": email["template"] or "", "categories": email["tags"], "unique_args": email["metadata"], "events": events,
    })  # fmt: skip


def _facts(data: Mapping[str, Any] | None) -> dict[str, Any]:
    known = {"reason": ("reply", "message", "reason"), "url": ("url",), "mx_server": ("remote", "mx")}
    found = {name: next((data[key] for key in keys if data and data.get(key)), None) for name, keys in known.items()}
    return {name: value for name, value in found.items() if value is not None}


def _read(call: Call, given: dict[str, Any], person: dict[str, Any], files: list[AttachmentInput], place: int) -> MessageSubmission:
    try:
        return call.read(_document(given, person), files)
    except ValidationFailed as error:
        raise _placed(error, person, place) from None


def _placed(error: ValidationFailed, person: dict[str, Any], place: int) -> ValidationFailed:
    """The refusal of one personalization: its own fields as places in it, those it shares with the others as they are."""

    def placed(param: str | None) -> str | None:
        own = param is not None and _root(param) in {*person, "to"}
        return f"personalizations[{place}].{param}" if own else param

    problems = tuple(replace(problem, param=placed(problem.param)) for problem in error.problems)
    return ValidationFailed(error.message, param=placed(error.param), problems=problems)


def _root(param: str) -> str:
    field = re.split(r"[.\[]", param, maxsplit=1)[0]
    return _PLACES.get(field, field).partition(".")[0]


def _document(given: dict[str, Any], person: dict[str, Any]) -> dict[str, Any]:
    refuse_unknown(person, _OF_PERSON, {})
    both = {**given, **person}
    document: dict[str, Any] = take(both, {"from": "from", "to": "to", "cc": "cc", "bcc": "bcc"})
    replies = [both["reply_to"]] if "reply_to" in both else both.get("reply_to_list")
    if replies:
        document["reply_to"] = replies
    headers_of({**_pairs(given, "headers"), **_pairs(person, "headers")}, document)
    if "asm" in given or _is_on(given.get("tracking_settings"), "subscription_tracking"):
        document["stream"] = "bulk"
    if "template_id" in given:
        document |= {"template": given["template_id"], "variables": person.get("dynamic_template_data", {})}
    else:
        put = _replacer({**_pairs(given, "sections"), **_pairs(person, "substitutions")})
        document |= {name: put(text) for name, text in _contents(given).items()}
        document["subject"] = put(both.get("subject", ""))
    if "send_at" in both:
        document["send_at"] = _moment(both["send_at"])
    if given.get("categories"):
        document["tags"] = given["categories"]
    if arguments := {**_pairs(given, "custom_args"), **_pairs(person, "custom_args")}:
        document["metadata"] = arguments
    return document


def _contents(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place, content in enumerate(_objects(given, "content")):
        kind = str(content.get("type", "")).partition(";")[0].strip().lower()
        if kind not in _TYPES:
            raise ValidationFailed.of([Problem("content", f"content[{place}].type must be text/plain or text/html; send anything else as an attachment.")])
        found[_TYPES[kind]] = content.get("value")
    return found


def _replacer(pairs: Mapping[str, Any]) -> Any:
    """A function that puts the values of `substitutions` and `sections` in their places, in one pass; sections may stand in substitutions."""
    words = {name: str(value) for name, value in pairs.items() if name}
    if not words:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(name) for name in sorted(words, key=len, reverse=True)))
    inner = {name: pattern.sub(lambda match: words[match[0]], value) for name, value in words.items()}
    return lambda text: pattern.sub(lambda match: inner[match[0]], text) if isinstance(text, str) else text


def _moment(value: Any) -> Any:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**35:
        raise ValidationFailed("send_at must be a time in seconds since 1970.", param="send_at")
    return rfc3339(datetime.fromtimestamp(value, UTC))


def _files(given: Mapping[str, Any]) -> list[AttachmentInput]:
    """Decoded once, however many messages carry them."""
    wanted = []
    for entry in _objects(given, "attachments"):
        file = take(entry, _FILE)
        if entry.get("disposition") == "inline" and entry.get("content_id"):
            file["content_id"] = entry["content_id"]
        wanted.append(file)
    problems: list[Problem] = []
    files = doors.read_attachments(wanted or None, (), problems)
    if problems:
        raise ValidationFailed.of(problems)
    return list(files)


def _is_on(settings: Any, name: str) -> bool:
    return isinstance(settings, dict) and isinstance(settings.get(name), dict) and settings[name].get("enable") is True


def _objects(given: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = given.get(name, [])
    if not isinstance(value, list):
        raise ValidationFailed(f"{name} must be a list of objects.", param=name)
    return [without_nulls(entry) for entry in value]


def _pairs(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name) or {}
    if not isinstance(value, dict):
        raise ValidationFailed(f"{name} must be an object.", param=name)
    return value


def refuse(error: DomainError) -> Reply:
    """An error as the clients of SendGrid read it."""
    status = 400 if error.status in (422, 409) else error.status
    if isinstance(error, SenderNotVerified):
        status = 403
    problems = error.problems or (Problem(error.param, error.message, error.code),)
    return Reply(status, {"errors": [{"message": problem.message, "field": _place(problem.param), "help": None} for problem in problems]})


def _place(param: str | None) -> str | None:
    """`personalizations[0].to[1]` as `personalizations.0.to.1.email`."""
    if param is None:
        return None
    words = re.sub(r"\[(\d+)\]", r".\1", param).split(".")
    of_person = words[0] == "personalizations" and len(words) > 2
    field = words[2] if of_person else words[0]
    if field in ("to", "cc", "bcc"):
        return ".".join([*(words if of_person else ["personalizations", "0", *words]), "email"])
    if field in _PLACES or (of_person and field not in _OF_PERSON):
        return ".".join([_PLACES.get(field, field), *words[3 if of_person else 1 :]])
    return ".".join(words)


DIALECT = Dialect("sendgrid", bearer, refuse, (
    Route("POST", "/v3/mail/send", Permission.EMAIL_SEND, send),
    Route("GET", "/v3/messages/<message_id>", Permission.EMAIL_READ, read),
))  # fmt: skip
