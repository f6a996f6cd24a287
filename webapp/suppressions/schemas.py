"""What comes in and goes out about suppressions."""

from __future__ import annotations

from marshmallow import fields, validate

from webapp.kernel.schema import EmailAddress, Id, Line, Rfc3339, Schema
from webapp.suppressions.types import SuppressionReason, SuppressionScope

_SCOPE = {"description": "`all` mail, or `bulk` mail only."}


class SuppressionIn(Schema):
    """An address to suppress by hand."""

    email = EmailAddress(required=True, metadata={"example": "customer@example.net"})
    scope = fields.Enum(SuppressionScope, by_value=True, load_default=SuppressionScope.ALL, metadata=_SCOPE)


class SuppressionBatch(Schema):
    """Addresses to suppress by hand."""

    emails = fields.List(EmailAddress(), required=True, validate=validate.Length(1, 1000))
    scope = fields.Enum(SuppressionScope, by_value=True, load_default=SuppressionScope.ALL, metadata=_SCOPE)


class SuppressionBatchOut(Schema):
    """What a batch did."""

    added = fields.Integer(metadata={"description": "New or longer-lived now; the rest was suppressed already."})


class SuppressionQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None)
    reason = fields.Enum(SuppressionReason, by_value=True, load_default=None)


class SuppressionOut(Schema):
    """A suppressed address."""

    id = Id()
    email = fields.String(attribute="address")
    scope = fields.String(metadata={"enum": list(SuppressionScope)})
    reason = fields.String(metadata={"enum": list(SuppressionReason)})
    source = fields.String()
    recipient_id = Id(allow_none=True)
    expires_at = Rfc3339(allow_none=True)
    created_at = Rfc3339()
    updated_at = Rfc3339()
