"""The log as JSON."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.http.api import PageArgs
from webapp.kernel.errors import ValidationFailed
from webapp.kernel.schema import Id, Line, Rfc3339
from webapp.kernel.scope import Mode
from webapp.messages.log.types import LogFilter, LogStatus
from webapp.messages.types import RecipientKind, RecipientState

_LONGEST = 200
#: Pages by number read everything before them: beyond this many rows only a cursor goes.
MOST_BY_NUMBER = 5_000


def _said(text: str, **more: Any) -> dict[str, Any]:
    return {"description": text, **more}


def _line(text: str, **more: Any) -> Line:
    return Line(load_default=None, validate=validate.Length(1, _LONGEST), metadata=_said(text, **more))


class LogArgs(PageArgs):
    """Which rows. Several filters narrow together."""

    class Meta:
        unknown = ma.EXCLUDE
        include = {  # noqa: RUF012  # `from` is a word of Python
            "from": Rfc3339(load_default=None, data_key="from", attribute="since", metadata=_said("Accepted at or after.", example="2026-05-01T00:00:00Z")),
        }

    page = fields.Integer(
        load_default=1, validate=validate.Range(1), metadata=_said(f"Number of the page, for the first {MOST_BY_NUMBER:,} rows; `cursor` has no end.")
    )
    search = _line("An id, a Message-ID, an address, or a part of the subject or address.", example="example.com")
    status = fields.Enum(
        LogStatus, by_value=True, load_default=None, metadata=_said("State, or what happened besides; `sent`: handed over at least once.")
    )
    bridge = Id(load_default=None, metadata=_said("Id of a bridge."))
    domain = _line("Domain of the sender.", example="your-domain.com")
    tag = _line("A tag of the message.", example="welcome")
    provider = _line("Mailbox provider that took it or should have: google, microsoft, yahoo, apple, or a domain.", example="google")
    sender = _line("Address of the sender.", example="notifications@your-domain.com")
    recipient = _line("Address of the recipient, or `@domain`.", example="customer@example.net")
    subject = _line("A part of the subject.")
    template = _line("Slug of the template it was made of.")
    error_class = _line("Class of the reply of mail that did not arrive.", example="hard.user")
    mode = fields.Enum(Mode, by_value=True, load_default=None, metadata=_said("`live` or `sandbox`; by default the key's own mode."))
    until = Rfc3339(load_default=None, data_key="to", metadata=_said("Accepted before."))
    sort = fields.String(load_default="-created_at", validate=validate.OneOf(["-created_at", "created_at"]), metadata=_said("Newest or oldest first."))


def filter_of(args: dict[str, Any]) -> LogFilter:
    """The filter in the arguments. Raises ``ValidationFailed``."""
    if args["page"] * args["limit"] > MOST_BY_NUMBER:
        raise ValidationFailed(f"Pages by number end at row {MOST_BY_NUMBER:,}; go on with `cursor`.", param="page")
    return LogFilter(
        search=args["search"], status=args["status"], bridge_id=args["bridge"], domain=args["domain"], tag=args["tag"], provider=args["provider"],
        sender=args["sender"], recipient=args["recipient"], subject=args["subject"], template=args["template"], error_class=args["error_class"],
        since=args["since"], until=args["until"],
    )  # fmt: skip


class LogEntry(ma.Schema):
    """One recipient of one message."""

    class Meta:
        include = {"from": fields.String(required=True, metadata=_said("Address of the sender."))}  # noqa: RUF012

    id = fields.UUID(required=True, metadata=_said("Of this row."))
    email_id = fields.UUID(required=True, metadata=_said("Of the message: see `/email/{id}`."))
    message_id = fields.String(required=True, metadata=_said("The Message-ID header."))
    status = fields.String(required=True, validate=validate.OneOf([s.value for s in RecipientState]))
    sandbox = fields.Boolean(required=True)
    from_name = fields.String(allow_none=True)
    recipient = fields.String(required=True)
    name = fields.String(allow_none=True)
    kind = fields.String(required=True, validate=validate.OneOf([k.value for k in RecipientKind]))
    subject = fields.String(required=True)
    bridge = fields.UUID(allow_none=True)
    template = fields.String(allow_none=True)
    tags = fields.List(fields.String(), required=True)
    stream = fields.String(required=True)
    door = fields.String(required=True)
    provider = fields.String(allow_none=True)
    attempts = fields.Integer(required=True)
    reason = fields.String(allow_none=True)
    last_code = fields.Integer(allow_none=True)
    last_reply = fields.String(allow_none=True)
    error_class = fields.String(allow_none=True)
    created_at = Rfc3339(required=True)
    sent_at = Rfc3339(allow_none=True)
    delivered_at = Rfc3339(allow_none=True)
    bounced_at = Rfc3339(allow_none=True)
    opened_at = Rfc3339(allow_none=True)
    clicked_at = Rfc3339(allow_none=True)
    complained_at = Rfc3339(allow_none=True)
    unsubscribed_at = Rfc3339(allow_none=True)
