"""What comes in and goes out about incidents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.incidents.types import BounceFilter, IncidentStatus
from webapp.kernel.schema import DomainName, Id, Line, Rfc3339, Schema


class PageTime(Rfc3339):
    """A moment as a page's form gives it (UTC, without an offset), or as RFC 3339."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            plain = datetime.fromisoformat(str(value))
        except ValueError:
            raise ma.ValidationError("Write the time as 2026-06-01T09:00.") from None
        return plain.replace(tzinfo=UTC) if plain.tzinfo is None else plain.astimezone(UTC)


class IncidentQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None, validate=validate.Length(max=200), metadata={"description": "Words of the note, or of who did it."})


class FilterIn(Schema):
    """Which bounces: those said in a range of time, narrowed by whatever else is given."""

    since = Rfc3339(required=True, metadata={"example": "2026-06-01T09:00:00Z"})
    until = Rfc3339(required=True, metadata={"example": "2026-06-01T12:00:00Z", "description": "At most 31 days after `since`."})
    provider = DomainName(load_default=None, metadata={"description": "Domain of the recipients, or of the servers that answered.", "example": "google.com"})
    member_id = Id(load_default=None, metadata={"description": "The pool member the mail went through."})
    bridge_id = Id(load_default=None)
    reply_class = Line(load_default=None, validate=validate.Length(max=50), metadata={"example": "hard.unknown_user"})
    text = Line(load_default=None, validate=validate.Length(max=200), metadata={"description": "Words in the server's reply, in any case."})


class UndoIn(FilterIn):
    """An undoing. ``key`` makes it safe to repeat."""

    key = Line(load_default=None, validate=validate.Length(1, 100), metadata={"description": "Any text of your own: a second call with it changes nothing."})
    note = Line(required=True, validate=validate.Length(max=500), metadata={"description": "What happened; stands in the activity log."})


class FilterForm(FilterIn):
    """The page's form."""

    class Meta:
        unknown = ma.EXCLUDE

    since = PageTime(required=True)
    until = PageTime(required=True)


class UndoForm(FilterForm):
    """The page's form when the button is pressed."""

    key = Line(required=True, validate=validate.Length(1, 100))
    note = Line(required=True, validate=validate.Length(max=500), error_messages={"required": "Say what happened."})


def filter_in(data: dict[str, Any]) -> BounceFilter:
    """The filter out of loaded data."""
    return BounceFilter(**{name: data.get(name) for name in BounceFilter.__dataclass_fields__})  # type: ignore[arg-type]


class SampleOut(Schema):
    """One bounce of a preview."""

    recipient_id = Id()
    message_id = Id()
    email = fields.String(attribute="address")
    subject = fields.String()
    at = Rfc3339()
    reply_class = fields.String(allow_none=True)
    reply = fields.String(allow_none=True)
    kept = fields.String(allow_none=True, metadata={"description": "Why it would not be sent again; null: it would."})


class PreviewOut(Schema):
    """What an undoing would do now."""

    recipients = fields.Integer()
    requeued = fields.Integer()
    suppressions = fields.Integer(metadata={"description": "That would be lifted."})
    kept = fields.Dict(metadata={"description": "Recipients that would not be sent to again, by reason."})
    samples = fields.List(fields.Nested(SampleOut))


class IncidentOut(Schema):
    """An undoing and what came of it."""

    id = Id()
    note = fields.String()
    by = fields.String(attribute="actor_name")
    status = fields.String(metadata={"enum": list(IncidentStatus)})
    filters = fields.Dict()
    recipients = fields.Integer()
    requeued = fields.Integer()
    suppressions_lifted = fields.Integer(attribute="lifted")
    kept = fields.Dict()
    created_at = Rfc3339()
    finished_at = Rfc3339(allow_none=True)
