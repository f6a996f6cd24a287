"""What comes in and goes out about contacts, lists, tags and segments."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.contacts.models import Contact
from webapp.contacts.types import ContactStatus, ImportState, MemberState
from webapp.kernel.schema import EmailAddress, Id, Line, Rfc3339, Schema

_NAME = validate.Length(1, 120)
_COLOR = validate.Regexp(r"#[0-9A-Fa-f]{6}\Z", error="Write a color as #3b82f6.")
_METADATA: dict[str, Any] = {"description": "Fields of your own: texts, numbers, truth values. null removes one.", "example": {"plan": "pro"}}
_RULES: dict[str, Any] = {
    "description": "A condition {field, operator, value}, or {all: [...]}, {any: [...]}, {not: {...}}.",
    "example": {"all": [{"field": "status", "operator": "is", "value": "subscribed"}, {"field": "opened", "operator": "within_days", "value": 30}]},
}


class ContactFields(Schema):
    """What may be said about a contact."""

    first_name = Line(allow_none=True, validate=validate.Length(max=200), metadata={"example": "Ada"})
    last_name = Line(allow_none=True, validate=validate.Length(max=200), metadata={"example": "Lovelace"})
    language = Line(allow_none=True, validate=validate.Length(max=35), metadata={"example": "en"})
    time_zone = Line(allow_none=True, validate=validate.Length(max=64), metadata={"example": "Europe/London"})
    metadata = fields.Dict(keys=fields.String(), metadata=_METADATA)
    consent_source = Line(allow_none=True, validate=validate.Length(max=200), metadata={"example": "Sign-up form"})
    consent_at = Rfc3339(allow_none=True)


class ContactIn(ContactFields):
    """A contact."""

    email = EmailAddress(required=True, metadata={"example": "ada@example.net"})


class ContactChange(ContactFields):
    """Fields that can be changed. ``metadata`` is merged with what is there."""

    email = EmailAddress()
    status = fields.String(validate=validate.OneOf(list(ContactStatus)))


class ContactBatch(Schema):
    """Many contacts at once."""

    contacts = fields.List(fields.Nested(ContactIn), required=True, validate=validate.Length(1, 1000))


class ContactBatchOut(Schema):
    """What became of them."""

    created = fields.Integer()
    updated = fields.Integer()
    ids = fields.List(fields.UUID(), metadata={"description": "In the order of the request."})


class TagOut(Schema):
    """A tag."""

    id = Id()
    name = fields.String()
    color = fields.String()
    created_at = Rfc3339()
    updated_at = Rfc3339()


class ContactOut(Schema):
    """A contact."""

    id = Id()
    email = fields.String()
    first_name = fields.String(allow_none=True)
    last_name = fields.String(allow_none=True)
    language = fields.String(allow_none=True)
    time_zone = fields.String(allow_none=True)
    status = fields.String(validate=validate.OneOf(list(ContactStatus)))
    metadata = fields.Method("read_metadata", metadata={"type": "object", "additionalProperties": True})
    consent_source = fields.String(allow_none=True)
    consent_at = Rfc3339(allow_none=True)
    last_sent_at = Rfc3339(allow_none=True)
    last_opened_at = Rfc3339(allow_none=True)
    last_clicked_at = Rfc3339(allow_none=True)
    created_at = Rfc3339()
    updated_at = Rfc3339()

    def read_metadata(self, contact: Contact) -> dict[str, Any]:
        """SQLAlchemy keeps the name ``metadata`` for itself."""
        return contact.meta


class ContactQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None)
    status = fields.String(load_default=None, validate=validate.OneOf(list(ContactStatus)))
    list_id = Id(load_default=None)
    tag_id = Id(load_default=None)


class ContactMergeIn(Schema):
    """Which contact stays."""

    into = Id(required=True)


class ContactTagsIn(Schema):
    """Tags of a contact."""

    tag_ids = fields.List(Id(), required=True, validate=validate.Length(max=100))


class ContactEventIn(Schema):
    """Something a contact did. Name the contact by ``contact_id`` or ``email``; a new address makes a contact."""

    name = Line(required=True, validate=validate.Length(1, 100), metadata={"example": "order.placed"})
    contact_id = Id(load_default=None)
    email = EmailAddress(load_default=None, metadata={"example": "ada@example.net"})
    properties = fields.Dict(keys=fields.String(), load_default=dict, metadata={"example": {"total": 42}})
    occurred_at = Rfc3339(load_default=None)

    @ma.validates_schema
    def _named(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("contact_id") is None) == (data.get("email") is None):
            raise ma.ValidationError("Name the contact by contact_id or by email, not both.", "email")


class ContactEventBatch(Schema):
    """Many events at once."""

    events = fields.List(fields.Nested(ContactEventIn), required=True, validate=validate.Length(1, 1000))


class ContactEventOut(Schema):
    """An event of a contact."""

    id = Id()
    contact_id = fields.UUID()
    name = fields.String()
    properties = fields.Dict()
    occurred_at = Rfc3339()


class ContactEventBatchOut(Schema):
    """How many were kept."""

    accepted = fields.Integer()


class ListChange(Schema):
    """Fields of a list that can be changed."""

    name = Line(validate=_NAME, metadata={"example": "Newsletter Subscribers"})
    description = Line(allow_none=True, validate=validate.Length(max=500))
    double_opt_in = fields.Boolean(metadata={"description": "New members confirm by mail before they get any."})
    from_address = EmailAddress(allow_none=True, metadata={"description": "Who asks them, on a domain of yours.", "example": "news@example.com"})


class ListIn(ListChange):
    """A new list."""

    name = Line(required=True, validate=_NAME, metadata={"example": "Newsletter Subscribers"})
    description = Line(load_default=None, allow_none=True, validate=validate.Length(max=500), metadata={"example": "Weekly newsletter list"})
    double_opt_in = fields.Boolean(load_default=False)
    from_address = EmailAddress(load_default=None, allow_none=True)


class ListOut(Schema):
    """A list."""

    id = Id()
    name = fields.String()
    description = fields.String(allow_none=True)
    double_opt_in = fields.Boolean()
    from_address = fields.String(allow_none=True)
    problem = fields.String(allow_none=True, metadata={"description": "Why new members could not be asked to confirm."})
    created_at = Rfc3339()
    updated_at = Rfc3339()


class ListMemberIn(ContactIn):
    """Who joins a list: a contact that is there already, by ``email``, or a new one."""


class NameQuery(Schema):
    """Filter of a list of named things."""

    search = Line(load_default=None)


class MemberQuery(NameQuery):
    """Filter of a list's members."""

    state = fields.String(load_default=None, validate=validate.OneOf(list(MemberState)))


class TagChange(Schema):
    """Fields of a tag that can be changed."""

    name = Line(validate=validate.Length(1, 60), metadata={"example": "VIP"})
    color = fields.String(validate=_COLOR, metadata={"example": "#3B82F6"})


class TagIn(TagChange):
    """A new tag."""

    name = Line(required=True, validate=validate.Length(1, 60), metadata={"example": "VIP"})
    color = fields.String(load_default="#64748b", validate=_COLOR)


class SegmentChange(Schema):
    """Fields of a segment that can be changed."""

    name = Line(validate=_NAME, metadata={"example": "Active readers"})
    description = Line(allow_none=True, validate=validate.Length(max=500))
    rules = fields.Dict(metadata=_RULES)


class SegmentIn(SegmentChange):
    """A new segment."""

    name = Line(required=True, validate=_NAME, metadata={"example": "Active readers"})
    description = Line(load_default=None, allow_none=True, validate=validate.Length(max=500))
    rules = fields.Dict(required=True, metadata=_RULES)


class SegmentOut(Schema):
    """A segment."""

    id = Id()
    name = fields.String()
    description = fields.String(allow_none=True)
    rules = fields.Dict()
    created_at = Rfc3339()
    updated_at = Rfc3339()


class SegmentRulesIn(Schema):
    """Rules to try."""

    rules = fields.Dict(required=True, metadata=_RULES)


class SegmentCountOut(Schema):
    """How many contacts are in."""

    count = fields.Integer()


class SegmentConditionOut(Schema):
    """A condition of a segment, and whether it holds for the contact."""

    condition = fields.Dict()
    holds = fields.Boolean()


class SegmentWhyOut(Schema):
    """Why a contact is in or not."""

    is_in = fields.Boolean()
    conditions = fields.List(fields.Nested(SegmentConditionOut))


class ContactImportForm(Schema):
    """How to read a file. All fields have usable defaults."""

    mapping = fields.List(Line(allow_none=True), load_default=None)
    update_existing = fields.Boolean(load_default=True)
    already_confirmed = fields.Boolean(load_default=False)
    tags = fields.List(Line(validate=validate.Length(1, 60)), load_default=list, validate=validate.Length(max=20))


class ContactImportOut(Schema):
    """A file on its way into the contacts."""

    id = Id()
    list_id = fields.UUID(allow_none=True)
    filename = fields.String()
    state = fields.String(validate=validate.OneOf(list(ImportState)))
    columns = fields.List(fields.String())
    mapping = fields.List(fields.String(allow_none=True))
    size = fields.Integer(metadata={"description": "Octets of the file."})
    position = fields.Integer(metadata={"description": "Octets that are done."})
    rows = fields.Integer()
    created = fields.Integer()
    updated = fields.Integer()
    unchanged = fields.Integer()
    refused = fields.Integer()
    problem = fields.String(allow_none=True)
    started_at = Rfc3339(allow_none=True)
    finished_at = Rfc3339(allow_none=True)
    created_at = Rfc3339()
    updated_at = Rfc3339()
