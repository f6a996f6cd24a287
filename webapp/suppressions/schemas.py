"""What comes in and goes out about suppressions."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from webapp.kernel.schema import EmailAddress, Id, Line, Rfc3339, Schema
from webapp.suppressions.service.people import LONGEST_LIST_KEY
from webapp.suppressions.types import WRITABLE_REASONS, WRITABLE_SCOPES, SuppressionReason, SuppressionScope

_SCOPE = {"description": "`all` mail, one stream (`transactional`, `bulk`), or one `list`, named in the field `list`."}
_LIST = {"description": "The list's List-Id; with scope `list` only.", "example": "news.example.net"}
_NOTE = {"description": "Why, for whoever reads it later."}


class _Reach(Schema):
    """Which mail, why, and for how long."""

    scope = fields.Enum(
        SuppressionScope, by_value=True, load_default=SuppressionScope.ALL, metadata=_SCOPE, validate=validate.OneOf(WRITABLE_SCOPES)
    )
    reason = fields.Enum(
        SuppressionReason, by_value=True, load_default=SuppressionReason.MANUAL, validate=validate.OneOf(WRITABLE_REASONS),
        metadata={"description": "`manual`, or what you know from elsewhere: `hard_bounce` (180 days), `complaint`, `unsubscribe` (bulk mail only)."},
    )  # fmt: skip
    list_key = Line(data_key="list", load_default=None, validate=validate.Length(1, LONGEST_LIST_KEY), metadata=_LIST)
    note = Line(load_default=None, validate=validate.Length(max=500), metadata=_NOTE)
    expires_at = Rfc3339(load_default=None, metadata={"description": "By default the reason's own life."})


class SuppressionIn(_Reach):
    """An address to suppress by hand."""

    email = EmailAddress(required=True, metadata={"example": "customer@example.net"})


class SuppressionBatch(_Reach):
    """Addresses to suppress by hand."""

    emails = fields.List(EmailAddress(), required=True, validate=validate.Length(1, 1000))


class SuppressionBatchOut(Schema):
    """What a batch did."""

    added = fields.Integer(metadata={"description": "New or longer-lived now; the rest was suppressed already."})


class RemovalBatch(Schema):
    """Addresses to take off, in every scope. Sending it twice changes nothing more."""

    emails = fields.List(EmailAddress(), required=True, validate=validate.Length(1, 1000))
    reason = Line(required=True, validate=validate.Length(3, 500), metadata=_NOTE)


class RemovalBatchOut(Schema):
    """What a removal did."""

    removed = fields.Integer(metadata={"description": "Addresses that were suppressed and are not any more."})


class RemovalQuery(Schema):
    """How an address is taken off."""

    class Meta:
        unknown = ma.EXCLUDE

    reason = Line(load_default=None, validate=validate.Length(max=500), metadata=_NOTE)
    scope = fields.Enum(SuppressionScope, by_value=True, load_default=None, metadata={"description": "Only this one; by default every scope."})
    list_key = Line(data_key="list", load_default=None, metadata=_LIST)


class RemovalForm(Schema):
    """The page's form: there a reason is needed."""

    email = EmailAddress(required=True)
    note = Line(
        required=True, validate=validate.Length(3, 500, error="Write why, in 3 to 500 characters: it stands in the activity log."),
        error_messages={"required": "Write why: it stands in the activity log."},
    )  # fmt: skip


class CheckIn(Schema):
    """Addresses to ask about."""

    emails = fields.List(EmailAddress(), required=True, validate=validate.Length(1, 1000))
    list_key = Line(data_key="list", load_default=None, metadata=_LIST)


class CheckedOut(Schema):
    """What stops mail to an address; null where nothing does."""

    email = fields.String()
    transactional = fields.String(allow_none=True, metadata={"enum": list(SuppressionReason)})
    bulk = fields.String(allow_none=True, metadata={"enum": list(SuppressionReason)})


class CheckOut(Schema):
    """An answer per address, in the order of the question."""

    results = fields.List(fields.Nested(CheckedOut))


class SuppressionQuery(Schema):
    """Filter of the list; also what the page's address may hold."""

    class Meta:
        unknown = ma.EXCLUDE

    search = Line(load_default=None, validate=validate.Length(max=254), metadata={"description": "Part of the address."})
    reason = fields.Enum(SuppressionReason, by_value=True, load_default=None)
    scope = fields.Enum(SuppressionScope, by_value=True, load_default=None)
    source = Line(load_default=None, metadata={"description": "`delivery`, `dsn`, `fbl`, `one_click`, `page`, `mail`, `api`, `dashboard`, `import`."})
    list_key = Line(data_key="list", load_default=None, metadata=_LIST)


class SuppressionOut(Schema):
    """A suppressed address."""

    id = Id()
    email = fields.String(attribute="address")
    scope = fields.String(metadata={"enum": list(SuppressionScope)})
    list_key = fields.String(data_key="list", metadata=_LIST)
    reason = fields.String(metadata={"enum": list(SuppressionReason)})
    source = fields.String()
    detail = fields.String(allow_none=True, metadata={"description": "What the receiver or the person said."})
    recipient_id = Id(allow_none=True)
    message_id = Id(allow_none=True)
    expires_at = Rfc3339(allow_none=True)
    created_at = Rfc3339()
    updated_at = Rfc3339()


class AddressOut(Schema):
    """Everything about one address."""

    email = fields.String()
    transactional = fields.String(allow_none=True, metadata={"description": "What stops transactional mail; null: nothing."})
    bulk = fields.String(allow_none=True, metadata={"description": "What stops bulk mail that belongs to no list; null: nothing."})
    suppressions = fields.List(fields.Nested(SuppressionOut))


class ImportQuery(_Reach):
    """How a file is read. What a row says of its own reason counts more than what stands here."""

    class Meta:
        unknown = ma.EXCLUDE

    email_column = Line(load_default=None, metadata={"description": "Name of the column with the address; by default found by its usual names."})
    reason_column = Line(load_default=None, metadata={"description": "Name of the column with the reason."})
    filename = Line(load_default="import.csv", validate=validate.Length(max=255))


class ImportOut(Schema):
    """What a file brought."""

    id = Id()
    filename = fields.String()
    rows = fields.Integer()
    added = fields.Integer()
    unchanged = fields.Integer(metadata={"description": "Suppressed already."})
    refused = fields.Integer()
    problems = fields.List(fields.List(fields.Raw()), metadata={"description": "`[line, text, what is wrong]`, the first thousand."})
    created_at = Rfc3339()


class PlatformForm(Schema):
    """An address for the operator's list."""

    email = EmailAddress(required=True)
    note = Line(required=True, validate=validate.Length(3, 500))
