"""What callbacks say and are answered."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.kernel.schema import EmailAddress, Id, Line, Schema
from webapp.webhooks.service import key_of
from webapp.webhooks.types import MtaEvent, MtaReport

_STATUS = validate.Regexp(r"[245]\.\d{1,3}\.\d{1,3}\Z", error="An enhanced status code has three numbers, such as 5.1.1.")


class PostfixReport(Schema):
    """What a Postfix in front of or behind us tells of one recipient."""

    event = fields.Enum(MtaEvent, by_value=True, required=True, metadata={"description": "What became of the mail."})
    recipient = EmailAddress(required=True, validate=validate.Length(max=320), metadata={"example": "customer@example.net"})
    message_id = Line(load_default="", validate=validate.Length(max=998), metadata={"example": "<019a2b3c-0000-7000-8000-000000000000@shop.example>"})
    sender = Line(load_default="", validate=validate.Length(max=320), metadata={"description": "The envelope sender; may stand in for `message_id`."})
    reason = Line(load_default="", validate=validate.Length(max=2000), metadata={"example": "550 User not found"})
    status = fields.String(load_default=None, validate=_STATUS, metadata={"example": "5.1.1"})
    id = Line(load_default="", validate=validate.Length(max=200), metadata={"description": "The report's own id; the same id is applied once."})

    @ma.validates_schema
    def _names_its_mail(self, data: dict[str, Any], **_: Any) -> None:
        if not data["message_id"] and not data["sender"]:
            raise ma.ValidationError("Say which mail: give message_id, or the envelope sender.", "message_id")

    @ma.post_load
    def _report(self, data: dict[str, Any], **_: Any) -> MtaReport:
        own = data.pop("id")
        said = (data["event"].value, data["recipient"].lower(), data["message_id"], data["sender"], data["reason"], data["status"] or "")
        return MtaReport(**data, key=f"id:{own}" if own else key_of(*said))


class ReportReceived(Schema):
    """The answer: the report is stored."""

    id = Id()
    event = fields.Enum(MtaEvent, by_value=True)
    replayed = fields.Boolean(metadata={"description": "It was stored before; nothing is applied twice."})
