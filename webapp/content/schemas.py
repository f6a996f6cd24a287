"""What comes in and goes out about templates."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.content.models import EmailTemplate
from webapp.content.rendering import variables_of
from webapp.content.types import MAX_SOURCE
from webapp.kernel.schema import Id, Line, Rfc3339, Schema


class Source(fields.String):
    """Text of many lines: everything but NUL."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(max=MAX_SOURCE), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if "\0" in text:
            raise ma.ValidationError("Write it without NUL characters.")
        return text


_SLUG = {"example": "order-confirmed", "description": "Name in API calls: lower-case letters, digits, hyphens, underscores."}


class TemplateChange(Schema):
    """Fields that can be changed."""

    slug = Line(validate=validate.Length(1, 80), metadata=_SLUG)
    name = Line(validate=validate.Length(1, 120), metadata={"example": "Order confirmed"})
    subject = Line(validate=validate.Length(1, 500), metadata={"example": "Your order {{ order.number }}"})
    html = Source(allow_none=True, metadata={"example": "<h1>Thank you, {{ name }}</h1>"})
    text = Source(allow_none=True)
    active = fields.Boolean(metadata={"description": "Only active templates can be sent with."})


class TemplateIn(TemplateChange):
    """A new template; ``name`` is the slug when absent."""

    slug = Line(required=True, validate=validate.Length(1, 80), metadata=_SLUG)
    name = Line(load_default=None, validate=validate.Length(1, 120))
    subject = Line(required=True, validate=validate.Length(1, 500))
    html = Source(load_default=None, allow_none=True)
    text = Source(load_default=None, allow_none=True)
    active = fields.Boolean(load_default=True)


class TemplateQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None)
    active = fields.Boolean(load_default=None)


class TemplateOut(Schema):
    """A template."""

    id = Id()
    slug = fields.String()
    name = fields.String()
    subject = fields.String()
    html = fields.String(allow_none=True)
    text = fields.String(allow_none=True)
    active = fields.Boolean()
    version = fields.Integer()
    variables = fields.Method("list_variables", metadata={"type": "array", "items": {"type": "string"}, "description": "The variables it uses."})
    created_at = Rfc3339()
    updated_at = Rfc3339()

    def list_variables(self, template: EmailTemplate) -> list[str]:
        """Read from the parts, not stored."""
        return variables_of(template.subject, template.html, template.text)


class TemplatePreviewIn(Schema):
    """Values to fill in; missing ones stand as their name in brackets."""

    variables = fields.Dict(keys=fields.String(), load_default=dict)


class TemplatePreviewOut(Schema):
    """A filled-in template."""

    subject = fields.String()
    html = fields.String(allow_none=True)
    text = fields.String(allow_none=True)


class DraftForm(Schema):
    """An unsaved template in the editor."""

    subject = Line(load_default="", validate=validate.Length(max=500))
    html = Source(load_default=None)
    text = Source(load_default=None)
    variables = Source(load_default="")


class TemplateForm(TemplateIn):
    """The editor's form; a box that is not ticked is absent."""

    name = Line(required=True, validate=validate.Length(1, 120))
    active = fields.Boolean(load_default=False)
