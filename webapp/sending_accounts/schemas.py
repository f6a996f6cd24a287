"""What comes in and goes out about sending accounts. Passwords only come in."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.kernel.schema import Id, Line, Rfc3339, Schema
from webapp.sending_accounts.types import TlsPolicy


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


class AccountIn(AccountChange):
    """A new SMTP relay."""

    name = Line(required=True, validate=validate.Length(1, 80), metadata={"example": "Relay in Frankfurt"})
    host = Line(required=True, validate=validate.Length(1, 253), metadata={"example": "smtp.example.com"})
    port = fields.Integer(load_default=587, metadata={"example": 587})
    tls = fields.Enum(TlsPolicy, by_value=True, load_default=TlsPolicy.REQUIRED)
    max_connections = fields.Integer(load_default=20, validate=validate.Range(1, 500))


class AccountQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None)
    active = fields.Boolean(load_default=None)


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
    active = fields.Boolean()
    shared = fields.Boolean(metadata={"description": "The platform's own: read-only."})
    created_at = Rfc3339()
    updated_at = Rfc3339()


class ProbeOut(Schema):
    """How a connection test went."""

    ok = fields.Boolean()
    summary = fields.String()
    transcript = fields.List(fields.String())
