"""What comes in and goes out about domains."""

from __future__ import annotations

from marshmallow import fields, validate

from webapp.domains.types import DomainStatus
from webapp.kernel.schema import Id, Line, Rfc3339, Schema

_COVERS = {"description": "Whether mail from sub-domains is covered too."}


class DomainIn(Schema):
    """A domain to send from."""

    domain = Line(required=True, validate=validate.Length(1, 253), metadata={"example": "example.com"})
    covers_subdomains = fields.Boolean(load_default=False, metadata=_COVERS)


class DomainChange(Schema):
    """Fields that can be changed."""

    covers_subdomains = fields.Boolean(required=True, metadata=_COVERS)


class DomainQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None)
    status = fields.Enum(DomainStatus, by_value=True, load_default=None)


class RecordOut(Schema):
    """A DNS record to publish."""

    purpose = fields.String(metadata={"enum": ["challenge", "dkim", "dmarc"]})
    type = fields.String()
    name = fields.String()
    value = fields.String()
    required = fields.Boolean(metadata={"description": "Sending waits for it."})
    state = fields.String(metadata={"enum": ["unchecked", "ok", "missing", "different", "unreachable"]})
    found = fields.List(fields.String(), metadata={"description": "What the last look-up found at this name."})


class DomainOut(Schema):
    """A domain."""

    id = Id()
    domain = fields.String(attribute="name")
    status = fields.String(metadata={"enum": list(DomainStatus)})
    covers_subdomains = fields.Boolean()
    verified_at = Rfc3339(allow_none=True)
    checked_at = Rfc3339(allow_none=True)
    created_at = Rfc3339()
    updated_at = Rfc3339()


class DomainWithRecords(DomainOut):
    """A domain with the records to publish."""

    records = fields.List(fields.Nested(RecordOut))


class RecordsOut(Schema):
    """The records of one domain."""

    records = fields.List(fields.Nested(RecordOut))


class SwitchForm(Schema):
    """A switch's new position."""

    on = fields.Boolean(required=True)
