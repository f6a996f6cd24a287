"""Postmark: X-Postmark-Server-Token, `POST /email` and its batch and template forms, details and dump of a message. Errors are `{ErrorCode, Message}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.dialects.call import Call, Dialect, NoKey, Reply, Route, TooMany, headers_of, refuse_unknown, split_addresses, take, without_nulls, words_of
from webapp.kernel.clock import now, rfc3339
from webapp.kernel.errors import DomainError, NotFound, Problem, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Mode
from webapp.messages import doors
from webapp.messages.types import Accepted, AllSuppressed, MessageSubmission, SenderNotVerified

MOST_IN_A_BATCH = 500
_SAME = {"From": "from", "Subject": "subject", "HtmlBody": "html", "TextBody": "text", "TemplateModel": "variables"}
_LISTS = {"To": "to", "Cc": "cc", "Bcc": "bcc", "ReplyTo": "reply_to"}
#: Tracking is the bridge's choice here, and styles are inlined by the template.
_IGNORED = frozenset({"TrackOpens", "TrackLinks", "InlineCss"})
_OURS = {"Headers", "Attachments", "Tag", "Metadata", "MessageStream", "TemplateId", "TemplateAlias"}
_FIELDS = frozenset({*_SAME, *_LISTS, *_IGNORED, *_OURS})
_STREAMS = {"outbound": "transactional", "broadcast": "bulk", "broadcasts": "bulk"}
_FILE = {"Name": "filename", "Content": "content", "ContentType": "content_type"}

#: postmarkapp.com/developer/api/overview#error-codes
_BAD_TOKEN, _BAD_REQUEST, _NOT_ALLOWED, _UNKNOWN_SENDER, _INACTIVE, _BAD_JSON = 10, 300, 405, 400, 406, 402
_TOO_MANY, _NO_MESSAGE, _NO_TEMPLATE, _RATE, _BROKEN, _MAINTENANCE = 410, 701, 1101, 429, 500, 100
#: Status of ours -> theirs, and the code.
_CODES = {400: (422, _BAD_JSON), 401: (401, _BAD_TOKEN), 403: (422, _NOT_ALLOWED), 404: (404, _NO_MESSAGE), 405: (405, _BAD_REQUEST),
          409: (422, _NOT_ALLOWED), 413: (413, _BAD_REQUEST), 415: (415, _BAD_JSON), 422: (422, _BAD_REQUEST), 429: (429, _RATE),
          503: (503, _MAINTENANCE)}  # fmt: skip
_EVENTS = {"email.delivered": "Delivered", "email.deferred": "Transient", "email.bounced": "Bounced", "email.failed": "Bounced", "email.opened": "Opened",
           "email.clicked": "LinkClicked", "email.unsubscribed": "SubscriptionChanged", "email.complained": "SubscriptionChanged"}  # fmt: skip


def send(call: Call) -> Reply:
    """One message, with content or a template."""
    given = call.object()
    return Reply(200, _taken(given, call.send(_read(call, given))))


def send_template(call: Call) -> Reply:
    """The same, at the address of templates."""
    return send(call)


def send_batch(call: Call) -> Reply:
    """Up to 500, each answered on its own."""
    return _batch(call, call.objects(MOST_IN_A_BATCH))


def send_templates(call: Call) -> Reply:
    """Up to 500 with templates, each answered on its own."""
    return _batch(call, call.objects(MOST_IN_A_BATCH, "Messages"))


def _batch(call: Call, documents: list[dict[str, Any]]) -> Reply:
    read = [_read_or_refuse(call, document) for document in documents]
    good = [entry for entry in read if isinstance(entry, MessageSubmission)]
    accepted = iter(call.send_each(good) if good else [])
    answers = []
    for document, entry in zip(documents, read, strict=True):
        result = entry if isinstance(entry, DomainError) else next(accepted)
        answers.append(refuse(result).body if isinstance(result, DomainError) else _taken(document, result))
    return Reply(200, answers)


def details(call: Call) -> Reply:
    """What became of a message."""
    email = doors.email_of(call.scope(), call.path["message_id"])
    try:
        content: Mapping[str, Any] = doors.content_of(call.scope(), call.path["message_id"])
    except NotFound:
        content = {}
    people = {kind.capitalize(): _people(email, kind) for kind in ("to", "cc", "bcc")}
    waits = email["status"] in ("queued", "scheduled", "held", "deferred")
    return Reply(200, {
        "MessageID": str(email["id"]), "From": email["from"], **people, "Recipients": [entry["email"] for entry in email["recipients"]],
        "Subject": email["subject"], "ReceivedAt": rfc3339(email["created_at"]), "Status": "Queued" if waits else "Sent",
        "HtmlBody": content.get("html"), "TextBody": content.get("text"), "Body": content.get("source"),
        "Tag": next(iter(email["tags"]), None), "Metadata": email["metadata"], "MessageStream": "outbound", "TrackOpens": False, "TrackLinks": "None",
        "Attachments": [file.filename for file in content.get("attachments", ())], "Sandboxed": email["sandbox"],
        "MessageEvents": [_event(event) for event in email["events"] if event["type"] in _EVENTS],
    })  # fmt: skip


def dump(call: Call) -> Reply:
    """A message as it is sent."""
    return Reply(200, {"Body": doors.content_of(call.scope(), call.path["message_id"])["source"]})


def _people(email: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [{"Email": entry["email"], "Name": entry["name"]} for entry in email["recipients"] if entry["kind"] == kind]


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    data = event["data"] or {}
    said = str(data.get("reply") or data.get("message") or data.get("reason") or "")
    facts = {"DeliveryMessage": said} if event["type"] != "email.clicked" else {"Link": str(data.get("url", ""))}
    return {"Recipient": event["recipient"], "Type": _EVENTS[event["type"]], "ReceivedAt": rfc3339(event["at"]), "Details": facts}


def _taken(given: Mapping[str, Any], accepted: Accepted) -> dict[str, Any]:
    answer = {name: given[name] for name in ("To", "Cc", "Bcc") if given.get(name)}
    said = "Test job accepted" if accepted.mode is Mode.SANDBOX else "OK"
    return {**answer, "SubmittedAt": rfc3339(now()), "MessageID": str(accepted.id), "ErrorCode": 0, "Message": said}


def _read_or_refuse(call: Call, document: dict[str, Any]) -> MessageSubmission | DomainError:
    try:
        return _read(call, document)
    except DomainError as error:
        return error


def _read(call: Call, given: dict[str, Any]) -> MessageSubmission:
    refuse_unknown(given, _FIELDS, {})
    document = take(given, _SAME)
    for theirs, ours in _LISTS.items():
        if given.get(theirs):
            document[ours] = list(split_addresses(given[theirs])) if isinstance(given[theirs], str) else given[theirs]
    if name := given.get("TemplateAlias") or given.get("TemplateId"):
        document["template"] = str(name)
    else:
        document.pop("variables", None)
    stream = given.get("MessageStream", "outbound")
    if stream not in _STREAMS:
        raise ValidationFailed(f"The message stream {stream!r} does not exist here; use outbound or broadcast.", param="MessageStream")
    document["stream"] = _STREAMS[stream]
    headers_of({header.get("Name", ""): header.get("Value") for header in _objects(given, "Headers")}, document)
    if files := _objects(given, "Attachments"):
        document["attachments"] = [_file(file) for file in files]
    if given.get("Tag"):
        document["tags"] = [given["Tag"]]
    return call.read({**document, **take(given, {"Metadata": "metadata"})})


def _file(given: dict[str, Any]) -> dict[str, Any]:
    file = take(without_nulls(given), _FILE)
    if given.get("ContentID"):
        file["content_id"] = str(given["ContentID"]).removeprefix("cid:")
    return file


def _objects(given: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = given.get(name, [])
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValidationFailed.of([Problem(name, f"{name} must be a list of objects.")])
    return value


def refuse(error: DomainError) -> Reply:
    """An error as the clients of Postmark read it."""
    status, code = _CODES.get(error.status, (500, _BROKEN))
    if isinstance(error, NoKey):
        return Reply(401, {"ErrorCode": _BAD_TOKEN, "Message": "Send your API key in the header X-Postmark-Server-Token."})
    if isinstance(error, SenderNotVerified):
        code = _UNKNOWN_SENDER
    elif isinstance(error, AllSuppressed):
        code = _INACTIVE
    elif isinstance(error, NotFound) and error.param == "template":
        status, code = 422, _NO_TEMPLATE
    elif isinstance(error, TooMany):
        code = _TOO_MANY
    return Reply(status, {"ErrorCode": code, "Message": words_of(error)})


def _token(environ: Mapping[str, Any]) -> str | None:
    return environ.get("HTTP_X_POSTMARK_SERVER_TOKEN") or None


DIALECT = Dialect("postmark", _token, refuse, (
    Route("POST", "/email", Permission.EMAIL_SEND, send),
    Route("POST", "/email/batch", Permission.EMAIL_SEND, send_batch),
    Route("POST", "/email/withTemplate", Permission.EMAIL_SEND, send_template),
    Route("POST", "/email/batchWithTemplates", Permission.EMAIL_SEND, send_templates),
    Route("GET", "/messages/outbound/<message_id>/details", Permission.EMAIL_READ, details),
    Route("GET", "/messages/outbound/<message_id>/dump", Permission.EMAIL_READ, dump),
))  # fmt: skip
