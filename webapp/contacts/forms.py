"""Forms of the audience's pages."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.contacts import schemas
from webapp.contacts.types import ContactStatus
from webapp.kernel.schema import EmailAddress, Id, Line, Schema


class FieldLines(fields.String):
    """Own fields, one ``name: value`` a line."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        found: dict[str, str] = {}
        for line in str(super()._deserialize(value, attr, data, **kwargs)).splitlines():
            name, colon, text = line.partition(":")
            if line.strip() and not colon:
                raise ma.ValidationError("Write one name: value a line.")
            if line.strip():
                found[name.strip()] = text.strip()
        return found


class ContactForm(Schema):
    """A contact."""

    email = EmailAddress(required=True)
    first_name = Line(load_default=None, validate=validate.Length(max=200))
    last_name = Line(load_default=None, validate=validate.Length(max=200))
    language = Line(load_default=None, validate=validate.Length(max=35))
    time_zone = Line(load_default=None, validate=validate.Length(max=64))
    status = fields.String(load_default=None, validate=validate.OneOf(list(ContactStatus)))
    own_fields = FieldLines(load_default=None)
    consent_source = Line(load_default=None, validate=validate.Length(max=200))


class MemberForm(Schema):
    """Who joins a list."""

    email = EmailAddress(required=True)
    first_name = Line(load_default=None, validate=validate.Length(max=200))
    last_name = Line(load_default=None, validate=validate.Length(max=200))


class ListForm(Schema):
    """A list; a box that is not ticked is absent."""

    name = Line(required=True, validate=validate.Length(1, 120))
    description = Line(load_default=None, validate=validate.Length(max=500))
    double_opt_in = fields.Boolean(load_default=False)
    from_address = EmailAddress(load_default=None)


class TagForm(schemas.TagIn):
    """A tag."""


class PickForm(Schema):
    """One list or tag for a contact."""

    tag_id = Id(load_default=None)
    list_id = Id(load_default=None)


class UploadForm(Schema):
    """Where a file goes."""

    list_id = Id(load_default=None)


class MappingForm(Schema):
    """What the columns are; a box that is not ticked is absent."""

    update_existing = fields.Boolean(load_default=False)
    already_confirmed = fields.Boolean(load_default=False)
    tags = Line(load_default="", validate=validate.Length(max=500))


class SegmentForm(Schema):
    """A segment: ``rules`` as JSON, or the rows of the builder."""

    name = Line(required=True, validate=validate.Length(1, 120))
    description = Line(load_default=None, validate=validate.Length(max=500))
