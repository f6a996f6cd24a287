"""What one gets and sends about limits; the same for API and forms."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from webapp.kernel.schema import Line, Rfc3339, Schema
from webapp.tenants.service import MOST
from webapp.tenants.types import LimitName, LimitRequestStatus

_NAMES = [name.value for name in LimitName]


class LimitOut(Schema):
    """One limit of the tenant, and how much of it is used."""

    name = fields.String(metadata={"enum": _NAMES})
    description = fields.String()
    limit = fields.Integer(allow_none=True, metadata={"description": "null: unlimited."})
    default = fields.Integer(allow_none=True, metadata={"description": "What tenants have that staff gave no other limit."})
    used = fields.Integer(allow_none=True, metadata={"description": "null: nothing to count; the limit holds for each message or key."})
    remaining = fields.Integer(allow_none=True, metadata={"description": "How much more fits; null where limit or used is."})


class LimitRequestIn(Schema):
    """Ask for more of something."""

    limit = fields.Enum(LimitName, by_value=True, required=True, metadata={"example": "api_keys"})
    wanted = fields.Integer(required=True, strict=True, validate=validate.Range(1, MOST), metadata={"example": 250})
    reason = fields.String(
        required=True, validate=validate.Length(1, 2000, error="Write 1 to 2000 characters."),
        metadata={"description": "What it is for; staff read it.", "example": "One key for each of our 200 shops."},
    )  # fmt: skip


class LimitRequestForm(LimitRequestIn):
    """The same from the dashboard, where numbers are text."""

    wanted = fields.Integer(required=True, validate=validate.Range(1, MOST))


class LimitRequestOut(Schema):
    """What was asked for, and what staff said."""

    id = fields.UUID()
    limit = fields.String(attribute="limit_name", metadata={"enum": _NAMES})
    present = fields.Integer(metadata={"description": "The limit when it was asked for."})
    wanted = fields.Integer()
    reason = fields.String()
    status = fields.String(metadata={"enum": [status.value for status in LimitRequestStatus]})
    granted = fields.Integer(allow_none=True, metadata={"description": "The new limit, when granted."})
    answer = fields.String(allow_none=True)
    asked_by = fields.String()
    decided_at = Rfc3339(metadata={"nullable": True})
    created_at = Rfc3339()
    updated_at = Rfc3339()


class LimitRequestQuery(Schema):
    """Filter of the list of requests."""

    class Meta:
        unknown = ma.EXCLUDE

    status = fields.Enum(LimitRequestStatus, by_value=True, load_default=None)
    limit_name = fields.Enum(LimitName, by_value=True, load_default=None, metadata={"description": "Which limit they are about."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))
    cursor = Line(load_default=None)
