"""What comes in and goes out about pools, their members and IP addresses."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import fields, validate

from webapp.kernel.ids import parse_uuid
from webapp.kernel.schema import Id, Line, Rfc3339, Schema, sort_field
from webapp.pools.types import MemberKind

_WEIGHT = validate.Range(1, 1000)


class PoolChange(Schema):
    """Fields that can be changed."""

    name = Line(validate=validate.Length(1, 80), metadata={"example": "Transactional"})
    description = Line(allow_none=True, validate=validate.Length(max=300))
    is_default = fields.Boolean(metadata={"description": "Bridges and mail that name no pool use it."})
    paused = fields.Boolean(metadata={"description": "A paused pool keeps its queue and sends nothing."})


class PoolIn(Schema):
    """A new pool."""

    name = Line(required=True, validate=validate.Length(1, 80), metadata={"example": "Transactional"})
    description = Line(load_default=None, allow_none=True, validate=validate.Length(max=300))
    is_default = fields.Boolean(load_default=False)


class PoolQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None)
    shared = fields.Boolean(load_default=None, metadata={"description": "The platform's own, or yours."})
    paused = fields.Boolean(load_default=None)
    sort = sort_field()


class PoolOut(Schema):
    """A pool."""

    id = Id()
    name = fields.String()
    description = fields.String(allow_none=True)
    is_default = fields.Boolean()
    paused = fields.Boolean()
    shared = fields.Boolean(metadata={"description": "The platform's own: read-only."})
    created_at = Rfc3339()
    updated_at = Rfc3339()


class MemberQuery(Schema):
    """Filter of the members."""

    kind = fields.Enum(MemberKind, by_value=True, load_default=None)
    active = fields.Boolean(load_default=None)


class MemberIn(Schema):
    """A new member: exactly one of the two ids."""

    ip_address_id = Id(load_default=None, allow_none=True)
    sending_account_id = Id(load_default=None, allow_none=True)
    weight = fields.Integer(load_default=100, validate=_WEIGHT)


class MemberChange(Schema):
    """Fields of a member that can be changed."""

    weight = fields.Integer(validate=_WEIGHT)
    active = fields.Boolean()


class PoolMemberOut(Schema):
    """A member: an IP address or a sending account, with its share of the mail."""

    id = Id()
    kind = fields.String(metadata={"enum": ["ip", "relay"]})
    ip_address_id = Id(allow_none=True)
    sending_account_id = Id(allow_none=True)
    label = fields.String(metadata={"description": "The address, or the account's name."})
    weight = fields.Integer()
    active = fields.Boolean()
    created_at = Rfc3339()
    updated_at = Rfc3339()


class IpOut(Schema):
    """A sending IP address of the platform, dedicated or shared."""

    id = Id()
    address = fields.String()
    helo_name = fields.String()
    active = fields.Boolean()
    shared = fields.Boolean()
    created_at = Rfc3339()
    updated_at = Rfc3339()


class IpQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None, metadata={"description": "Part of the address or of the name it greets with."})
    active = fields.Boolean(load_default=None)
    shared = fields.Boolean(load_default=None, metadata={"description": "The platform's own, or dedicated to you."})
    sort = sort_field()


class IpChange(Schema):
    """What a tenant decides about a dedicated address."""

    active = fields.Boolean(required=True, metadata={"description": "Whether pools send from it."})


class MemberRef(fields.Field[tuple[str, UUID]]):
    """A choice out of both kinds of member: ``sending_account_id:<id>`` or ``ip_address_id:<id>``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, UUID]:
        kind, _, text = str(value).partition(":")
        member_id = parse_uuid(text)
        if kind not in ("sending_account_id", "ip_address_id") or member_id is None:
            raise ma.ValidationError("Choose a sending account or an IP address.")
        return kind, member_id


class MemberForm(Schema):
    """The form of a new member."""

    member = MemberRef(required=True)
    weight = fields.Integer(load_default=100, validate=_WEIGHT)
