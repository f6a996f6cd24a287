"""What one sends and gets about keys, roles and permissions; the same for API and forms."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.access import catalogue as words
from webapp.access.models import ApiKey
from webapp.access.networks import MAX_NETWORKS
from webapp.access.service import has_previous, is_usable
from webapp.access.types import KEY_PRESETS
from webapp.kernel.permissions import PRESETS, Permission
from webapp.kernel.schema import Id, Line, Rfc3339, Schema
from webapp.kernel.scope import ActorKind, Mode, Scope
from webapp.tenants.service import MOST

_NAME = validate.Length(1, 100, error="Give a name of 1 to 100 characters.")
_RATE = validate.Range(1, MOST, error="The limit is a whole number of requests per 60 seconds.")
_MODES = [mode.value for mode in Mode]


class _Mode(fields.Enum[Mode]):
    """``live`` or ``sandbox``; ``test`` counts as sandbox, as in the prefix of the key."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(Mode, by_value=True, metadata={"enum": _MODES, "example": "sandbox"}, **kwargs)  # type: ignore[arg-type]

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> Mode:
        if value not in (*_MODES, "test"):
            raise ma.ValidationError("The mode is live or sandbox.")
        return Mode.SANDBOX if value == "test" else Mode(value)


class _Networks(fields.List[str]):
    def __init__(self, **kwargs: object) -> None:
        inner = fields.String(validate=validate.Length(max=64))
        meta = {"description": "Addresses and networks, IPv4 and IPv6; empty: from anywhere.", "example": ["192.0.2.0/24"]}
        super().__init__(inner, validate=validate.Length(max=MAX_NETWORKS), metadata=meta, **kwargs)  # type: ignore[arg-type]


class KeyIn(Schema):
    """A new key."""

    name = Line(required=True, validate=_NAME, metadata={"example": "Shop"})
    mode = _Mode(load_default=Mode.SANDBOX)
    role = Line(required=True, metadata={"description": f"One of {', '.join(KEY_PRESETS)}, or id or name of a role.", "example": "root:sending"})
    allowed_networks = _Networks(load_default=list)
    rate_limit = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=_RATE, metadata={"description": "Requests per 60 s; empty: the platform's default."}
    )
    expires_at = Rfc3339(load_default=None, allow_none=True)


class KeyChange(Schema):
    """What may change about a key; its mode never does. What is left out stays."""

    name = Line(validate=_NAME)
    role = Line(metadata={"description": "Built-in role, or id or name of a role of yours, with no more than you may do yourself."})
    allowed_networks = _Networks()
    rate_limit = fields.Integer(allow_none=True, strict=True, validate=_RATE)
    expires_at = Rfc3339(allow_none=True)


class RollIn(Schema):
    """How long the old secret stays valid."""

    overlap_seconds = fields.Integer(
        load_default=86400, strict=True, validate=validate.Range(0, 30 * 86400),
        metadata={"example": 86400, "description": "Seconds for which the old secret works too; 0: it ends at once, and one that still works from an "
                  "earlier roll with it."},
    )  # fmt: skip


class RevokeIn(Schema):
    """How far a revocation goes."""

    with_made = fields.Boolean(load_default=False, metadata={"description": "Whether the keys that this key made, and those that they made, end too."})


class RevokeManyIn(Schema):
    """Which keys end: `ids`, or all that a member or a key made."""

    ids = fields.List(Id(), load_default=list, validate=validate.Length(max=100), metadata={"description": "Up to 100 ids of keys."})
    made_by = Id(load_default=None, allow_none=True, metadata={"description": "Id of a member or of a key: all keys it made, and those that they made."})

    @ma.validates_schema
    def _one_of_both(self, data: dict[str, Any], **_: object) -> None:
        if bool(data.get("ids")) == bool(data.get("made_by")):
            raise ma.ValidationError("Give either ids or made_by.", "ids")


class RevocationOut(Schema):
    """What became of one key."""

    id = fields.UUID()
    result = fields.String(metadata={"enum": ["revoked", "already_revoked", "not_found"]})


class RevokedOut(Schema):
    """What became of each key."""

    results = fields.List(fields.Nested(RevocationOut))


class PreviousOut(Schema):
    """The secret before the last roll, while it still works."""

    last_four = fields.String(attribute="previous_last_four")
    expires_at = Rfc3339(attribute="previous_expires_at")
    last_used_at = Rfc3339(attribute="previous_used_at", metadata={"nullable": True, "description": "Since the roll; null: not used, so it may end."})


class MakerOut(Schema):
    """Who made the key, or answers for it now."""

    kind = fields.String(attribute="maker_kind", allow_none=True, metadata={"enum": [*(kind.value for kind in ActorKind), None]})
    id = fields.UUID(attribute="maker_id", allow_none=True)
    name = fields.String(attribute="created_by")


class KeyOut(Schema):
    """A key, without its secret."""

    id = fields.UUID()
    name = fields.String()
    mode = fields.String(metadata={"enum": _MODES})
    role = fields.Method("_role", metadata={"description": "Name of the preset, or id of the role.", "type": ["string", "null"]})
    status = fields.Method("_status", metadata={"type": "string", "enum": ["active", "expired", "revoked"]})
    last_four = fields.String(metadata={"description": "The last characters of the key, to tell keys apart."})
    allowed_networks = fields.List(fields.String())
    rate_limit = fields.Integer(allow_none=True, metadata={"description": "Requests per 60 s; null: the platform's default."})
    expires_at = Rfc3339(metadata={"nullable": True})
    revoked_at = Rfc3339(metadata={"nullable": True})
    last_used_at = Rfc3339(metadata={"nullable": True, "description": "Exact to a minute."})
    last_used_from = fields.String(allow_none=True, metadata={"description": "The network address of that use."})
    rolled_at = Rfc3339(metadata={"nullable": True})
    previous = fields.Method("_previous", metadata={"type": ["object", "null"], "description": "The secret before the last roll, while it still works: "
                             "last_four, expires_at, last_used_at."})  # fmt: skip
    created_by = fields.String()
    made_by = fields.Method("_made_by", metadata={"type": "object", "description": "kind, id and name of who answers for the key: no key may do more."})
    created_at = Rfc3339()
    updated_at = Rfc3339()

    def _role(self, key: ApiKey) -> str | None:
        return key.preset or (str(key.role_id) if key.role_id else None)

    def _status(self, key: ApiKey) -> str:
        return "revoked" if key.revoked_at else "active" if is_usable(key) else "expired"

    def _previous(self, key: ApiKey) -> dict[str, Any] | None:
        return dict(PreviousOut().dump(key)) if has_previous(key) else None

    def _made_by(self, key: ApiKey) -> dict[str, Any]:
        return dict(MakerOut().dump(key))


class KeyWithRightsOut(KeyOut):
    """A key and what it may do."""

    permissions = fields.List(fields.String(), metadata={"description": "What it may do now: its role, as far as whoever made the key has that too."})


class NewKeyOut(KeyOut):
    """A key just made: the only answer that holds it in full."""

    key = fields.String(metadata={"description": "Keep it now: nobody can show it again."})


class RoleIn(Schema):
    """A new role."""

    name = Line(required=True, validate=_NAME, metadata={"example": "Marketing"})
    description = Line(load_default=None, allow_none=True, validate=validate.Length(max=300))
    permissions = fields.List(
        fields.String(validate=validate.Length(max=60)), required=True, validate=validate.Length(1, 100), metadata={"example": ["email.send", "domain.*"]}
    )


class RoleChange(Schema):
    """What to change about a role."""

    name = Line(validate=_NAME)
    description = Line(validate=validate.Length(max=300))
    permissions = fields.List(fields.String(validate=validate.Length(max=60)), validate=validate.Length(1, 100))


class RoleOut(Schema):
    """A reusable set of permissions."""

    id = fields.UUID()
    name = fields.String()
    description = fields.String(allow_none=True)
    permissions = fields.List(fields.String())
    created_at = Rfc3339()
    updated_at = Rfc3339()


class RoleQuery(Schema):
    """Filter of the list of roles."""

    class Meta:
        unknown = ma.EXCLUDE

    search = Line(load_default=None, validate=validate.Length(max=100), metadata={"description": "In name and description."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))
    cursor = fields.String(load_default=None)


class PermissionOut(Schema):
    """One permission in words."""

    name = fields.String()
    group = fields.String(metadata={"description": "What it is about: its first part."})
    description = fields.String()


class WildcardOut(Schema):
    """A pattern that stands for several permissions."""

    name = fields.String()
    description = fields.String()


class PresetOut(Schema):
    """A built-in role."""

    name = fields.String()
    permissions = fields.List(fields.String())


class PermissionsOut(Schema):
    """Everything a role may list. `presets` are for keys, `member_roles` for people."""

    permissions = fields.List(fields.Nested(PermissionOut))
    wildcards = fields.List(fields.Nested(WildcardOut))
    presets = fields.List(fields.Nested(PresetOut))
    member_roles = fields.List(fields.Nested(PresetOut))


class CallerOut(Schema):
    """The credential of a call."""

    kind = fields.String(metadata={"description": "api_key or bridge.", "enum": [ActorKind.API_KEY.value, ActorKind.BRIDGE.value]})
    id = fields.UUID()
    name = fields.String()
    tenant_id = fields.UUID()
    mode = fields.String(metadata={"enum": _MODES})
    permissions = fields.List(fields.String(), metadata={"description": "By name, wildcards resolved."})


def catalogue() -> dict[str, Any]:
    """What ``PermissionsOut`` dumps."""
    presets = [{"name": name, "permissions": sorted(granted)} for name, granted in PRESETS.items()]
    return {
        "permissions": words.describe_all(),
        "wildcards": [{"name": name, "description": text} for name, text in words.wildcards()],
        "presets": [preset for preset in presets if preset["name"] in KEY_PRESETS],
        "member_roles": [preset for preset in presets if preset["name"] not in KEY_PRESETS],
    }


def caller_of(scope: Scope) -> dict[str, Any]:
    """What ``CallerOut`` dumps."""
    allowed = [permission.value for permission in sorted(Permission) if scope.permissions.allows(permission)]
    return {"kind": scope.actor.kind, "id": scope.actor.id, "name": scope.actor.name, "tenant_id": scope.tenant_id, "mode": scope.mode, "permissions": allowed}


class KeyQuery(Schema):
    """Filter of the list of keys."""

    class Meta:
        unknown = ma.EXCLUDE

    mode = _Mode(load_default=None)
    active = fields.Boolean(load_default=None, metadata={"description": "true: usable keys; false: revoked and expired ones."})
    search = Line(load_default=None, validate=validate.Length(max=100), metadata={"description": "In the name, or the last four characters."})
    role = Line(load_default=None, validate=validate.Length(max=100), metadata={"description": "Built-in role, or id of a role."})
    made_by = Id(load_default=None, metadata={"description": "Id of the member or key that made them."})
    unused_since = Rfc3339(load_default=None, metadata={"description": "Keys that were not used since."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))
    cursor = fields.String(load_default=None)


class KeyForm(KeyIn):
    """The dialog of the dashboard: networks as lines, life as days."""

    networks = fields.String(load_default="", validate=validate.Length(max=5000))
    rate_limit = fields.Integer(load_default=None, validate=_RATE)
    days = fields.Integer(load_default=None, validate=validate.Range(1, 3650, error="1 to 3650 days."))


class RoleForm(RoleIn):
    """The role editor: extra patterns as words."""

    patterns = fields.String(load_default="")
    permissions = fields.List(fields.String(), load_default=list)
