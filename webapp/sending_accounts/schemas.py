"""What comes in and goes out about sending accounts. Passwords only come in."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.kernel.schema import EmailAddress, Id, Line, Rfc3339, Schema, sort_field
from webapp.sending_accounts.headers import MOST, RelayHeaders
from webapp.sending_accounts.types import AuthMethod, TlsPolicy

#: Messages; the column is a 32-bit integer.
_QUOTA = validate.Range(1, 1_000_000_000)


class Password(fields.String):
    """A relay's password: as it is, without NUL, never written out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(load_only=True, validate=validate.Length(1, 500), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if any(ord(c) < 32 for c in text):
            raise ma.ValidationError("A password has no control characters.")
        return text


class AccountChange(Schema):
    """Fields that can be changed; an absent password stays."""

    name = Line(validate=validate.Length(1, 80), metadata={"example": "Relay in Frankfurt"})
    host = Line(validate=validate.Length(1, 253), metadata={"example": "smtp.example.com"})
    port = fields.Integer(metadata={"example": 587})
    tls = fields.Enum(TlsPolicy, by_value=True, metadata={"description": "required and implicit verify the certificate."})
    username = Line(allow_none=True, validate=validate.Length(1, 320))
    password = Password(allow_none=True)
    max_connections = fields.Integer(validate=validate.Range(1, 500))
    auth = fields.Enum(AuthMethod, by_value=True, metadata={"description": "How to log in; with xoauth2 the password is the access token."})
    hourly_quota = fields.Integer(allow_none=True, validate=_QUOTA, metadata={"description": "Messages an hour (UTC) at most.", "example": 500})
    daily_quota = fields.Integer(allow_none=True, validate=_QUOTA, metadata={"description": "Messages a day (UTC) at most.", "example": 10_000})
    return_path = EmailAddress(allow_none=True, metadata={"description": "Envelope sender of all mail through it, where the relay takes no other."})
    headers = RelayHeaders(
        metadata={
            "type": "object", "additionalProperties": {"type": "string"}, "maxProperties": MOST, "example": {"X-SES-CONFIGURATION-SET": "newsletters"},
            "description": "X- fields that the relay wants to see in each mail, put above its signatures.",
        }
    )  # fmt: skip


class AccountIn(AccountChange):
    """A new SMTP relay."""

    name = Line(required=True, validate=validate.Length(1, 80), metadata={"example": "Relay in Frankfurt"})
    host = Line(required=True, validate=validate.Length(1, 253), metadata={"example": "smtp.example.com"})
    port = fields.Integer(load_default=587, metadata={"example": 587})
    tls = fields.Enum(TlsPolicy, by_value=True, load_default=TlsPolicy.REQUIRED)
    max_connections = fields.Integer(load_default=20, validate=validate.Range(1, 500))
    auth = fields.Enum(AuthMethod, by_value=True, load_default=AuthMethod.AUTO)


class AccountQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None)
    active = fields.Boolean(load_default=None)
    shared = fields.Boolean(load_default=None, metadata={"description": "The platform's own, or yours."})
    sort = sort_field()


class AccountOut(Schema):
    """A sending account without its password."""

    id = Id()
    type = fields.Constant("smtp", metadata={"type": "string"})
    name = fields.String()
    host = fields.String()
    port = fields.Integer()
    tls = fields.String()
    username = fields.String(allow_none=True)
    has_password = fields.Boolean()
    max_connections = fields.Integer()
    auth = fields.String(metadata={"enum": [method.value for method in AuthMethod]})
    hourly_quota = fields.Integer(allow_none=True)
    daily_quota = fields.Integer(allow_none=True)
    return_path = fields.String(allow_none=True)
    headers = RelayHeaders(metadata={"type": "object", "additionalProperties": {"type": "string"}})
    active = fields.Boolean()
    shared = fields.Boolean(metadata={"description": "The platform's own: read-only."})
    created_at = Rfc3339()
    updated_at = Rfc3339()


class UsageHourOut(Schema):
    """Messages taken in one hour."""

    hour = Rfc3339()
    sent = fields.Integer()


class UsageOut(Schema):
    """What an account took of your mail, and what its quotas leave."""

    this_hour = fields.Integer()
    today = fields.Integer()
    hourly_quota = fields.Integer(allow_none=True)
    daily_quota = fields.Integer(allow_none=True)
    left = fields.Integer(allow_none=True, metadata={"description": "How many more it may take now; null without a quota."})
    resets_at = Rfc3339(allow_none=True, metadata={"description": "When a quota that is used up begins anew."})
    hours = fields.List(fields.Nested(UsageHourOut), metadata={"description": "Hours with mail of the last seven days."})


class LimitWish(Schema):
    """A wish for more mail through a shared account."""

    wanted = fields.Integer(required=True, strict=True, validate=validate.Range(1, 2**31 - 1), metadata={"description": "Recipients a day.", "example": 50000})
    reason = fields.String(required=True, validate=validate.Length(1, 1800), metadata={"example": "Our shop opens in three more countries."})


class LimitWishOut(Schema):
    """The request, as staff decides it."""

    id = Id()
    limit_name = fields.String()
    present = fields.Integer()
    wanted = fields.Integer()
    reason = fields.String()
    status = fields.String()
    created_at = Rfc3339()


class ProbeOut(Schema):
    """How a connection test went."""

    ok = fields.Boolean()
    summary = fields.String()
    transcript = fields.List(fields.String())
