"""What the activity log answers, and how it is filtered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import fields, validate

from webapp.kernel.clock import rfc3339
from webapp.kernel.ids import uuid7_time
from webapp.kernel.schema import Id, Line, Rfc3339, Schema
from webapp.kernel.scope import ActorKind


class ActivityQuery(Schema):
    """Filter of the log; also what the page's address may hold."""

    class Meta:
        unknown = ma.EXCLUDE

    search = Line(load_default=None, validate=validate.Length(max=200), metadata={"description": "In names of objects and actors, and in the action."})
    action = Line(load_default=None, validate=validate.Length(max=100), metadata={"description": "`bridge.created`, or `bridge` for all of them."})
    actor_kind = fields.Enum(ActorKind, by_value=True, load_default=None)
    actor_id = Id(load_default=None, metadata={"description": "Id of a member, key or bridge; of a member, also what staff did for them."})
    object_kind = Line(load_default=None, validate=validate.Length(max=50))
    object_id = Id(load_default=None)
    request_id = Line(load_default=None, validate=validate.Length(max=64), metadata={"description": "What one request changed."})
    since = Rfc3339(load_default=None)
    until = Rfc3339(load_default=None)
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))
    cursor = fields.String(load_default=None)


class ActorOut(Schema):
    """Who did it. ``on_behalf_of``: the member a staff person acted for."""

    kind = fields.String(attribute="actor_kind")
    id = fields.UUID(attribute="actor_id", allow_none=True)
    name = fields.String(attribute="actor_name")
    on_behalf_of = fields.UUID(allow_none=True)


class ObjectOut(Schema):
    """What it was done to."""

    kind = fields.String(attribute="object_kind")
    id = fields.UUID(attribute="object_id", allow_none=True)
    name = fields.String(attribute="object_name", allow_none=True)


class ActivityOut(Schema):
    """One entry."""

    id = fields.UUID()
    action = fields.String()
    actor = fields.Function(lambda entry: ActorOut().dump(entry), metadata={"type": "object"})
    object = fields.Function(lambda entry: ObjectOut().dump(entry), metadata={"type": "object"})
    changes = fields.Dict()
    request_id = fields.String(allow_none=True)
    address = fields.String(allow_none=True)
    created_at = fields.Method("_created_at", metadata={"type": "string", "format": "date-time"})

    def _created_at(self, entry: Any) -> str | None:
        moment: UUID = entry.id
        return rfc3339(uuid7_time(moment))
