"""What the Sending API's requests and answers look like, for the OpenAPI document and for the answers of reads.

Requests are read by ``intake`` (stricter, and quick enough for the hot path); ``tests/messages/test_schemas.py`` holds both to the same fields.
"""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.http.api import ErrorObject, ErrorProblem
from webapp.kernel.schema import Rfc3339, Schema
from webapp.messages.headers import MOST_HEADERS
from webapp.messages.intake import LONGEST_SUBJECT, MOST_IN_A_BATCH, MOST_METADATA, MOST_TAGS
from webapp.messages.intake_files import MOST_FILES
from webapp.messages.service.checks import LONGEST_EXPIRY, SHORTEST_EXPIRY
from webapp.messages.types import EventType, RecipientKind, RecipientState

_ADDRESS = {"type": "string", "description": "`user@example.net` or `Name <user@example.net>`"}
_ADDRESSES = {"oneOf": [_ADDRESS, {"type": "array", "items": _ADDRESS}]}


_SENDER = {
    "description": "Sender; live mail needs a verified domain. A bridge with one allowed sender may leave it out.",
    "example": "notifications@your-domain.com",
}


def _said(text: str, **more: Any) -> dict[str, Any]:
    return {"description": text, **more}


class AttachmentIn(Schema):
    """A file to send along."""

    filename = fields.String(required=True, metadata=_said("Name the reader sees; no path.", example="invoice.pdf"))
    content = fields.String(required=True, metadata=_said("The bytes as base64, at most 10 MB decoded. In a form: leave out, send a file part of this name."))
    content_type = fields.String(metadata=_said("By default told from the name.", example="application/pdf"))
    content_id = fields.String(metadata=_said("Makes the file inline: `<img src=\"cid:logo\">`.", example="logo"))


class EmailIn(Schema):
    """A message to send."""

    class Meta:
        include = {"from": fields.String(metadata=_SENDER)}  # noqa: RUF012

    from_name = fields.String(metadata=_said("Display name of the sender.", example="Your Application"))
    to = fields.Raw(required=True, metadata=_said("One address or a list.", example=["customer@example.net"], **_ADDRESSES))
    cc = fields.Raw(metadata=_said("One address or a list.", **_ADDRESSES))
    bcc = fields.Raw(metadata=_said("One address or a list; in no header.", **_ADDRESSES))
    reply_to = fields.Raw(metadata=_said("One address or a list.", **_ADDRESSES))
    subject = fields.String(
        validate=validate.Length(max=LONGEST_SUBJECT), metadata=_said("Needed unless a template is named.", example="Your order is confirmed")
    )
    html = fields.String(metadata=_said("HTML body; this or `text` or both, or a template.", example="<h1>Thank you</h1>"))
    text = fields.String(metadata=_said("Plain-text body.", example="Thank you."))
    template = fields.String(metadata=_said("Slug of an active template, instead of `html` and `text`."))
    variables = fields.Dict(keys=fields.String(), metadata=_said("Values for the template; a missing one is a 422."))
    headers = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata=_said(f"At most {MOST_HEADERS} custom headers (X-... and a few others).", example={"X-Order": "1048"}),
    )
    attachments = fields.List(fields.Nested(AttachmentIn), validate=validate.Length(max=MOST_FILES), metadata=_said("10 MB each, 25 MB in all."))
    send_at = fields.String(metadata=_said("When to send: RFC 3339 with an offset, within a year.", format="date-time"))
    expires_in = fields.Integer(validate=validate.Range(SHORTEST_EXPIRY, LONGEST_EXPIRY), metadata=_said("Seconds after which delivery is given up."))
    tags = fields.List(fields.String(), validate=validate.Length(max=MOST_TAGS), metadata=_said("Labels to filter and count by."))
    metadata = fields.Dict(keys=fields.String(), values=fields.String(), metadata=_said(f"At most {MOST_METADATA} pairs, given back in events."))
    bridge = fields.UUID(metadata=_said("The bridge to send through; a bridge's own token needs none."))
    stream = fields.String(
        validate=validate.OneOf(["transactional", "bulk"]),
        metadata=_said("`bulk`: unsubscribes stop it. By default the bridge's; a bridge for bulk mail sends nothing else, and a List-Id makes mail bulk."),
    )


class EmailBatchIn(Schema):
    """Up to 100 messages, each answered on its own. The list alone is taken too."""

    emails = fields.List(fields.Nested(EmailIn), required=True, validate=validate.Length(1, MOST_IN_A_BATCH))


class RawEmailIn(Schema):
    """A whole message in RFC 5322 form."""

    raw = fields.String(required=True, metadata=_said("The message as base64."))
    to = fields.Raw(metadata=_said("Whom to write to, instead of To, Cc and Bcc of the message.", **_ADDRESSES))
    tags = fields.List(fields.String())
    metadata = fields.Dict(keys=fields.String(), values=fields.String())
    send_at = fields.String(metadata=_said("As in `/email/send`.", format="date-time"))
    expires_in = fields.Integer()
    bridge = fields.UUID()


class RetimeIn(Schema):
    """Another time for scheduled mail."""

    send_at = Rfc3339(required=True, metadata=_said("In the future, with an offset.", example="2026-06-01T09:00:00Z", type="string", format="date-time"))


class EmailAnswer(ma.Schema):
    """Accepted: stored for good, not yet delivered."""

    id = fields.UUID(required=True)
    message_id = fields.String(required=True, metadata=_said("The Message-ID header."))
    status = fields.String(required=True, validate=validate.OneOf([s.value for s in RecipientState]))
    sandbox = fields.Boolean(required=True, metadata=_said("Captured instead of queued."))
    message = fields.String(required=True)
    send_at = fields.String(metadata=_said("Of scheduled mail.", format="date-time"))


class BatchResult(ma.Schema):
    """One message of a batch: the answer of a single send, or `status: rejected` with an error."""

    id = fields.UUID()
    message_id = fields.String()
    status = fields.String(required=True)
    sandbox = fields.Boolean()
    message = fields.String()
    send_at = fields.String()
    error = fields.Nested(ErrorObject)
    errors = fields.List(fields.Nested(ErrorProblem), metadata=_said("Every problem, when there are several."))


class BatchAnswer(ma.Schema):
    """The results, in the order of the request."""

    results = fields.List(fields.Nested(BatchResult), required=True)


class RecipientOut(ma.Schema):
    """Where one recipient stands."""

    email = fields.String(required=True)
    name = fields.String(allow_none=True)
    kind = fields.String(required=True, validate=validate.OneOf([k.value for k in RecipientKind]))
    status = fields.String(required=True, validate=validate.OneOf([s.value for s in RecipientState]))
    reason = fields.String(allow_none=True)
    attempts = fields.Integer(required=True)
    last_code = fields.Integer(allow_none=True)
    last_reply = fields.String(allow_none=True)
    sent_at = Rfc3339(allow_none=True)
    delivered_at = Rfc3339(allow_none=True)
    bounced_at = Rfc3339(allow_none=True)
    opened_at = Rfc3339(allow_none=True)
    clicked_at = Rfc3339(allow_none=True)
    complained_at = Rfc3339(allow_none=True)
    unsubscribed_at = Rfc3339(allow_none=True)


class EventOut(ma.Schema):
    """A fact about a recipient."""

    id = fields.UUID(required=True)
    type = fields.String(required=True, validate=validate.OneOf([e.value for e in EventType]))
    at = Rfc3339(required=True)
    recipient = fields.String(allow_none=True)
    data = fields.Dict(allow_none=True)


class EmailOut(ma.Schema):
    """A message with its recipients and their history."""

    class Meta:
        include = {"from": fields.String(required=True)}  # noqa: RUF012

    id = fields.UUID(required=True)
    message_id = fields.String(required=True)
    status = fields.String(required=True)
    sandbox = fields.Boolean(required=True)
    from_name = fields.String(allow_none=True)
    subject = fields.String(required=True)
    bridge = fields.UUID(allow_none=True)
    template = fields.String(allow_none=True)
    tags = fields.List(fields.String(), required=True)
    metadata = fields.Dict(required=True)
    size = fields.Integer(required=True)
    send_at = Rfc3339(allow_none=True)
    expires_at = Rfc3339(required=True)
    created_at = Rfc3339(required=True)
    recipients = fields.List(fields.Nested(RecipientOut), required=True)
    events = fields.List(fields.Nested(EventOut), required=True)


class FileOut(ma.Schema):
    """A file of a message."""

    filename = fields.String(required=True)
    content_type = fields.String(required=True)
    size = fields.Integer(required=True)


class ContentOut(ma.Schema):
    """What a message says."""

    id = fields.UUID(required=True)
    subject = fields.String(required=True)
    html = fields.String(allow_none=True)
    text = fields.String(allow_none=True)
    headers = fields.List(fields.List(fields.String()), required=True)
    attachments = fields.List(fields.Nested(FileOut), required=True)
    source = fields.String(required=True, metadata=_said("The message in RFC 5322 form, before tracking and signing."))


class ExplainQuery(Schema):
    """Whom to tell about."""

    class Meta:
        unknown = ma.EXCLUDE

    recipient = fields.String(load_default=None, metadata=_said("One address of the message; absent: the first hundred.", example="customer@example.net"))


class StepOut(ma.Schema):
    """One decision on a message's way."""

    at = Rfc3339(required=True)
    step = fields.String(required=True, metadata=_said("Which decision: accepted, route, suppressions, deferred, waiting...", example="deferred"))
    state = fields.String(required=True, metadata=_said("How it is shown."))
    title = fields.String(required=True)
    text = fields.String(required=True, metadata=_said("Why, in plain words."))
    detail = fields.String(allow_none=True, metadata=_said("What the other side said, word for word."))
    recipients = fields.List(fields.String(), metadata=_said("Whom it is about, when the message has several recipients."))
    data = fields.Dict(required=True, metadata=_said("The same facts for programs: attempt, way, remote, tls, code, class, blame, next_attempt_at..."))


class ExplainOut(ma.Schema):
    """Why a message is where it is."""

    id = fields.UUID(required=True)
    status = fields.String(required=True)
    recipients = fields.Integer(required=True, metadata=_said("How many the message has."))
    recipients_told = fields.Integer(required=True, metadata=_said("How many of them the steps are about."))
    steps = fields.List(fields.Nested(StepOut), required=True)
