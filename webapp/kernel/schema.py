"""The base of all marshmallow schemas, for API and forms alike, and the fields that the project needs everywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import fields

from webapp.kernel.addresses import BadAddress, domain_of, parse_address
from webapp.kernel.clock import parse_rfc3339, rfc3339
from webapp.kernel.pagination import SORTS


class Schema(ma.Schema):
    """Unknown fields are refused by name: a typing mistake must not pass in silence."""

    class Meta:
        unknown = ma.RAISE

    error_messages = {"unknown": "This field does not exist here; see the documentation for the ones that do."}  # noqa: RUF012


class Rfc3339(fields.Field[datetime]):
    """A moment with an offset; written in UTC. An unreadable time is an error, never "now"."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return rfc3339(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        moment = parse_rfc3339(value) if isinstance(value, str) else None
        if moment is None:
            raise ma.ValidationError("Write the time as RFC 3339 with an offset, for example 2026-06-01T09:00:00Z.")
        return moment


class EmailAddress(fields.String):
    """An email address; loads to the text ``local@domain`` with the domain as A-label."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return parse_address(text).email
        except BadAddress as error:
            raise ma.ValidationError(f"Not an email address: {error}.") from None


class DomainName(fields.String):
    """A domain name; loads to its A-label form."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return domain_of(text)
        except BadAddress as error:
            raise ma.ValidationError(f"Not a domain name: {error}.") from None


def sort_field() -> fields.String:
    """The order of a list of named things."""
    said = {"description": "By creation or name; a minus in front turns the order round."}
    return fields.String(load_default=SORTS[0], validate=ma.validate.OneOf(SORTS), metadata=said)


class Id(fields.UUID):
    """A public id."""

    default_error_messages = {"invalid_uuid": "Not an id."}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> UUID:
        return super()._deserialize(value, attr, data, **kwargs)


class Line(fields.String):
    """One line of text, trimmed: no control characters, which neither a name needs nor PostgreSQL (NUL) takes."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        if any(ord(c) < 32 or ord(c) == 127 for c in text):
            raise ma.ValidationError("Write it on one line, without control characters.")
        return text
