"""What comes in and goes out about domains."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.domains.types import DkimAlgorithm, DomainStatus, KeyState, Need, OffReason, Purpose, RecordState
from webapp.kernel.schema import Id, Line, Rfc3339, Schema, sort_field

_COVERS = {"description": "Whether mail from sub-domains is covered too."}
_LABEL = validate.Length(1, 42)


class DomainIn(Schema):
    """A domain to send from."""

    domain = Line(required=True, validate=validate.Length(1, 253), metadata={"example": "example.com"})
    covers_subdomains = fields.Boolean(load_default=False, metadata=_COVERS)


class DomainChange(Schema):
    """Fields that can be changed; at least one."""

    covers_subdomains = fields.Boolean(metadata=_COVERS)
    return_path_label = Line(validate=_LABEL, metadata={"description": "The return path is this label under the domain.", "example": "bounces"})
    tracking_label = Line(validate=_LABEL, metadata={"description": "The tracking host is this label under the domain.", "example": "links"})

    @ma.validates_schema
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ma.ValidationError("Send at least one field to change.")


class DomainQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None)
    status = fields.Enum(DomainStatus, by_value=True, load_default=None)
    sort = sort_field()


class RecordOut(Schema):
    """A DNS record to publish."""

    key = fields.String(metadata={"description": "Names the record within its domain, also in the history of checks."})
    purpose = fields.String(metadata={"enum": list(Purpose)})
    type = fields.String(metadata={"enum": ["TXT", "CNAME", "MX"]})
    name = fields.String(metadata={"description": "The full name."})
    host = fields.String(metadata={"description": "The name without the zone, as providers want it that add the zone themselves."})
    value = fields.String()
    need = fields.String(metadata={"enum": list(Need), "description": "`required`: sending waits for it."})
    required = fields.Boolean(metadata={"description": "Sending waits for it."})
    state = fields.String(metadata={"enum": list(RecordState)})
    found = fields.List(fields.String(), metadata={"description": "What the last look-up found at this name."})
    todo = fields.String(allow_none=True, metadata={"description": "What is wrong, and what to do."})
    note = fields.String(allow_none=True, metadata={"description": "Good to know."})


class DkimKeyOut(Schema):
    """A DKIM key."""

    selector = fields.String()
    algorithm = fields.String(metadata={"enum": list(DkimAlgorithm)})
    number = fields.Integer(metadata={"description": "Counts rotations."})
    state = fields.String(metadata={"enum": list(KeyState)})
    created_at = Rfc3339()
    active_at = Rfc3339(allow_none=True)
    withdrawn_at = Rfc3339(allow_none=True, metadata={"description": "Since when DNS holds another key, or none."})
    replaced_at = Rfc3339(allow_none=True)


class AlignmentOut(Schema):
    """Whether signature and return path stand for the domain, as DMARC judges it."""

    passes = fields.Boolean()
    dkim = fields.Boolean()
    spf = fields.Boolean()
    signed_by = fields.String(allow_none=True)
    return_path = fields.String()
    why = fields.String()


class DomainOut(Schema):
    """A domain."""

    id = Id()
    domain = fields.String(attribute="name")
    status = fields.String(metadata={"enum": list(DomainStatus)})
    score = fields.Integer(allow_none=True, metadata={"description": "0 to 100, null before the first check."})
    problem = fields.String(allow_none=True, metadata={"description": "Why it is not verified although its challenge was found."})
    covers_subdomains = fields.Boolean()
    return_path_host = fields.String()
    return_path_verified_at = Rfc3339(allow_none=True)
    tracking_host = fields.String()
    tracking_verified_at = Rfc3339(allow_none=True)
    verified_at = Rfc3339(allow_none=True)
    failing_since = Rfc3339(allow_none=True)
    off_reason = fields.String(allow_none=True, metadata={"enum": [*OffReason, None]})
    checked_at = Rfc3339(allow_none=True)
    next_check_at = Rfc3339(allow_none=True)
    created_at = Rfc3339()
    updated_at = Rfc3339()


class DomainWithRecords(DomainOut):
    """A domain with the records to publish."""

    records = fields.List(fields.Nested(RecordOut))
    keys = fields.List(fields.Nested(DkimKeyOut))
    alignment = fields.Nested(AlignmentOut)


class RecordsOut(Schema):
    """The records of one domain."""

    records = fields.List(fields.Nested(RecordOut))
    zone_file = fields.String(metadata={"description": "The same as lines of a zone file (RFC 1035)."})


class ScoreItemOut(Schema):
    """One part of the score."""

    key = fields.String()
    label = fields.String()
    points = fields.Integer()
    most = fields.Integer()
    reason = fields.String()


class ScoreOut(Schema):
    """How well the domain is set up."""

    score = fields.Integer(metadata={"description": "0 to 100."})
    items = fields.List(fields.Nested(ScoreItemOut))
    checked_at = Rfc3339(allow_none=True)


class RecordCheckOut(Schema):
    """A stretch of time in which checks of one record had the same result."""

    id = Id()
    key = fields.String()
    type = fields.String()
    name = fields.String()
    expected = fields.String()
    state = fields.String(metadata={"enum": list(RecordState)})
    found = fields.List(fields.String())
    todo = fields.String(allow_none=True)
    first_at = Rfc3339()
    last_at = Rfc3339()
    times = fields.Integer(metadata={"description": "How many checks."})


class SwitchForm(Schema):
    """A switch's new position."""

    on = fields.Boolean(required=True)


class HostsForm(Schema):
    """The labels of the hosts under a domain."""

    return_path_label = Line(required=True, validate=_LABEL)
    tracking_label = Line(required=True, validate=_LABEL)
