"""Mailgun: Basic `api:<message_id>`, forms to `/v3/<domain>/messages`, events and stored messages for reading. Errors are `{message}`."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from webapp.dialects.call import Call, Dialect, Reply, Route, check_expansion, headers_of, refuse_unknown, split_addresses, words_of
from webapp.kernel.addresses import BadAddress, parse_address
from webapp.kernel.clock import parse_rfc3339, rfc3339
from webapp.kernel.errors import DomainError, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.messages import doors
from webapp.messages.types import Accepted, AttachmentInput, MessageSubmission, SenderNotVerified

MOST_RECIPIENTS = 1000
_TEXTS = ("from", "subject", "html", "text", "template")
_PEOPLE = ("to", "cc", "bcc")
#: Prefixed fields: options, headers, variables of the message and of its template.
_PREFIXED = re.compile(r"([ohvt]):(.+)", re.DOTALL)
_KNOWN = frozenset({*_TEXTS, *_PEOPLE, "recipient-variables", "message"})
_NOT_HERE = {"amp-html": "AMP parts do not exist here.", "o:require-tls": "how a domain is reached is no choice of one message.",
             "o:deliverytime-optimize-period": "give an o:deliverytime.", "o:time-zone-localize": "give an o:deliverytime.",
             "t:version": "the active version is used."}  # fmt: skip
_OPTIONS = frozenset("tag deliverytime testmode dkim tracking tracking-clicks tracking-opens tracking-pixel-location-top skip-verification "
                     "sending-ip sending-ip-pool suppress-headers".split())  # fmt: skip
_PLACEHOLDER = re.compile(r"%recipient\.([^%\s]{1,100})%")
_EVENTS = {"email.queued": "accepted", "email.scheduled": "accepted", "email.sandboxed": "accepted", "email.delivered": "delivered",
           "email.deferred": "failed", "email.bounced": "failed", "email.failed": "failed", "email.suppressed": "failed", "email.opened": "opened",
           "email.clicked": "clicked", "email.complained": "complained", "email.unsubscribed": "unsubscribed"}  # fmt: skip
_TRUE = ("yes", "true", "htmlonly")


class _Form:
    """The fields of a request, sorted by what they are."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        self.plain: dict[str, list[str]] = {}
        self.marked: dict[str, dict[str, list[str]]] = {"o": {}, "h": {}, "v": {}, "t": {}}
        for name, value in fields:
            if match := _PREFIXED.fullmatch(name):
                self.marked[match[1]].setdefault(match[2], []).append(value)
            else:
                self.plain.setdefault(name.removesuffix("[]"), []).append(value)
        options = {f"o:{name}": values for name, values in self.marked["o"].items() if name not in _OPTIONS}
        refuse_unknown({**self.plain, **options, **{f"t:{name}": 1 for name in self.marked["t"] if name == "version"}}, _KNOWN, _NOT_HERE)

    def people(self, name: str) -> list[str]:
        return [address for text in self.plain.get(name, ()) for address in split_addresses(text)]

    def option(self, name: str) -> str | None:
        return next(iter(self.marked["o"].get(name, ())), None)

    @property
    def is_test(self) -> bool:
        return (self.option("testmode") or "").lower() in _TRUE

    def json(self, name: str, text: str | None) -> dict[str, Any]:
        value = doors.read_json(text.encode("utf-8", "surrogatepass")) if text else {}
        if not isinstance(value, dict):
            raise ValidationFailed(f"{name} must be a JSON object.", param=name)
        return value

    def common(self) -> dict[str, Any]:
        """What composed and whole messages share: tags, variables, time."""
        document: dict[str, Any] = {}
        if tags := self.marked["o"].get("tag"):
            document["tags"] = tags
        if self.marked["v"]:
            document["metadata"] = {name: values[-1] for name, values in self.marked["v"].items()}
        if moment := self.option("deliverytime"):
            document["send_at"] = _moment(moment)
        return document

    def document(self) -> dict[str, Any]:
        """The message in the Sending API's words, its recipients included."""
        document = self.common()
        document |= {name: self.plain[name][-1] for name in _TEXTS if self.plain.get(name)}
        document |= {name: people for name in _PEOPLE if (people := self.people(name))}
        headers = {name: values[-1] for name, values in self.marked["h"].items()}
        named = next((headers.pop(name) for name in list(headers) if name.lower() == "x-mailgun-variables"), None)
        headers_of(headers, document)
        if "template" in document:
            for name in ("html", "text"):
                document.pop(name, None)
            given = self.marked["t"].get("variables", [None])[-1]
            document["variables"] = {**self.json("h:X-Mailgun-Variables", named), **self.json("t:variables", given)}
        return document


def send(call: Call) -> Reply:
    """One message; with `recipient-variables` one for each recipient, who sees nobody else."""
    form = _Form(call.form())
    document, files = form.document(), _files(call.files())
    given = form.plain.get("recipient-variables", [None])[-1]
    if given is None:
        return _queued(call.send(call.read(document, files), sandbox=form.is_test))
    messages = _each(call, document, form.json("recipient-variables", given), files)
    return _queued(call.send_all(messages, "to", sandbox=form.is_test)[0])


def send_mime(call: Call) -> Reply:
    """A message that is composed already."""
    form = _Form(call.form())
    raw = next((file.data for name, file in call.files() if name == "message"), None)
    if raw is None:
        raw = "".join(form.plain.get("message", ())).encode("utf-8", "surrogatepass")
    document = {**form.common(), "raw": raw, "to": form.people("to")}
    return _queued(call.send(doors.read_whole(call.credential, document), sandbox=form.is_test))


def events(call: Call) -> Reply:
    """The events of one message, newest first, on one page."""
    if "message-id" not in call.query:
        raise ValidationFailed("Ask for the events of a message: events?message-id=... (the id that sending answered).", param="message-id")
    message = doors.find_by_header(call.scope(), call.query["message-id"])
    email = doors.email_of(call.scope(), str(message.id))
    items = [_event(call, email, event) for event in reversed(email["events"]) if event["type"] in _EVENTS]
    wanted = call.query.get("event"), call.query.get("recipient")
    items = [item for item in items if wanted[0] in (None, item["event"]) and wanted[1] in (None, item["recipient"])]
    return Reply(200, {"items": items, "paging": _paging(call)})


def no_events(call: Call) -> Reply:
    """The page after the last."""
    return Reply(200, {"items": [], "paging": _paging(call)})


def stored(call: Call) -> Reply:
    """What a message said."""
    content, email = doors.content_of(call.scope(), call.path["message_id"]), doors.email_of(call.scope(), call.path["message_id"])
    people = [entry["email"] for entry in email["recipients"]]
    return Reply(200, {
        "From": email["from"], "from": email["from"], "sender": email["from"], "To": ", ".join(people), "recipients": ", ".join(people),
        "Subject": content["subject"], "subject": content["subject"], "Message-Id": email["message_id"], "body-html": content["html"],
        "body-plain": content["text"], "message-headers": content["headers"],
        "attachments": [{"name": file.filename, "content-type": file.content_type, "size": file.size} for file in content["attachments"]],
    })  # fmt: skip


def _each(call: Call, document: dict[str, Any], variables: dict[str, Any], files: list[AttachmentInput]) -> list[MessageSubmission]:
    people = document.get("to", [])
    if len(people) > MOST_RECIPIENTS:
        raise ValidationFailed(f"to holds {len(people)} addresses; {MOST_RECIPIENTS} are allowed.", param="to")
    size = sum(len(document.get(name, "")) for name in ("subject", "html", "text")) + sum(len(file.data) for file in files)
    check_expansion(len(people), size)
    return [call.read({**document, "to": person, **_filled(document, _variables_of(person, variables))}, files) for person in people or [None]]


def _variables_of(person: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        address = parse_address(person).email
    except (BadAddress, AttributeError):
        address = person
    found = variables.get(address, {})
    return found if isinstance(found, dict) else {}


def _filled(document: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    def put(text: str) -> str:
        return _PLACEHOLDER.sub(lambda match: str(values.get(match[1], "")), text)

    filled: dict[str, Any] = {name: put(document[name]) for name in ("subject", "html", "text") if name in document}
    if "headers" in document:
        filled["headers"] = {name: put(value) for name, value in document["headers"].items()}
    return filled


def _files(given: Sequence[tuple[str, AttachmentInput]]) -> list[AttachmentInput]:
    """`inline` files are named in the HTML as `cid:<file name>`."""
    return [
        AttachmentInput(file.filename, file.content_type, file.data, file.filename if name == "inline" else None)
        for name, file in given if file.filename or file.data
    ]  # fmt: skip


def _moment(text: str) -> str | None:
    """RFC 2822, as Mailgun has it, or RFC 3339."""
    moment = parse_rfc3339(text)
    if moment is None:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            moment = None
    if moment is None or moment.tzinfo is None:
        raise ValidationFailed("o:deliverytime must be a time such as Fri, 14 Oct 2026 23:10:10 +0000.", param="o:deliverytime")
    return rfc3339(moment)


def _queued(accepted: Accepted) -> Reply:
    return Reply(200, {"id": accepted.message_id, "message": "Queued. Thank you."})


def _event(call: Call, email: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    data = event["data"] or {}
    kind = _EVENTS[event["type"]]
    item = {
        "id": str(event["id"]), "event": kind, "timestamp": event["at"].timestamp(), "recipient": event["recipient"],
        "recipient-domain": (event["recipient"] or "").rpartition("@")[2], "tags": email["tags"], "user-variables": email["metadata"],
        "flags": {"is-test-mode": email["sandbox"]},
        "message": {"headers": {"message-id": email["message_id"].strip("<>"), "from": email["from"], "subject": email["subject"]}, "size": email["size"]},
        "storage": {"key": str(email["id"]), "url": f"{call.base_url}/v3/domains/{call.path['domain']}/messages/{email['id']}"},
    }  # fmt: skip
    if kind in ("failed", "delivered"):
        item["delivery-status"] = {"code": data.get("code"), "message": str(data.get("reply") or data.get("message") or "")}
    if kind == "failed":
        item |= {"severity": "temporary" if event["type"] == "email.deferred" else "permanent", "reason": str(data.get("reason") or event["type"][6:])}
    if kind == "clicked":
        item["url"] = str(data.get("url", ""))
    return item


def _paging(call: Call) -> dict[str, str]:
    page = f"{call.base_url}/v3/{call.path['domain']}/events/end"
    return dict.fromkeys(("next", "previous", "first", "last"), page)


def refuse(error: DomainError) -> Reply:
    """An error as the clients of Mailgun read it."""
    status = 400 if error.status in (422, 409) else error.status
    if isinstance(error, SenderNotVerified):
        status = 403
    return Reply(status, {"message": words_of(error)})


def _token(environ: Mapping[str, Any]) -> str | None:
    scheme, _, text = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(text.strip(), validate=True).decode("latin-1").partition(":")[2] or None
    except (binascii.Error, ValueError):
        return None


DIALECT = Dialect("mailgun", _token, refuse, (
    Route("POST", "/v3/<domain>/messages", Permission.EMAIL_SEND, send),
    Route("POST", "/v3/<domain>/messages.mime", Permission.EMAIL_SEND, send_mime),
    Route("GET", "/v3/<domain>/events", Permission.EMAIL_READ, events),
    Route("GET", "/v3/<domain>/events/<page>", Permission.EMAIL_READ, no_events),
    Route("GET", "/v3/domains/<domain>/messages/<message_id>", Permission.EMAIL_READ, stored),
))  # fmt: skip
