"""What one sends and gets about keys, roles and permissions; the same for API and forms."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from webapp.access.networks import MAX_NETWORKS
from webapp.access.types import KEY_PRESETS
from webapp.kernel.schema import Line, Rfc3339, Schema
from webapp.kernel.scope import Mode

_NAME = validate.Length(1, 100, error="Give a name of 1 to 100 characters.")
_RATE = validate.Range(1, 1_000_000, error="The limit is 1 to 1000000 requests per 60 seconds.")
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
    """What may change about a key; mode and rights never do."""

    name = Line(validate=_NAME)
    allowed_networks = _Networks()
    rate_limit = fields.Integer(allow_none=True, strict=True, validate=_RATE)


class RollIn(Schema):
    """How long the old secret stays valid."""

    overlap_seconds = fields.Integer(load_default=86400, strict=True, validate=validate.Range(0, 30 * 86400), metadata={"example": 86400})


class KeyOut(Schema):
    """A key, without its secret."""

    id = fields.UUID()
    name = fields.String()
    mode = fields.String(metadata={"enum": _MODES})
    role = fields.Method("_role", metadata={"description": "Name of the preset, or id of the role.", "type": "string"})
    last_four = fields.String(metadata={"description": "The last characters of the key, to tell keys apart."})
    allowed_networks = fields.List(fields.String())
    rate_limit = fields.Integer(allow_none=True)
    expires_at = Rfc3339(metadata={"nullable": True})
    revoked_at = Rfc3339(metadata={"nullable": True})
    last_used_at = Rfc3339(metadata={"nullable": True, "description": "Exact to a minute."})
    created_by = fields.String()
    created_at = Rfc3339()
    updated_at = Rfc3339()

    def _role(self, key: object) -> str | None:
        return getattr(key, "preset", None) or str(getattr(key, "role_id", "") or "") or None


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


class PresetOut(Schema):
    """A built-in role."""

    name = fields.String()
    permissions = fields.List(fields.String())


class PermissionsOut(Schema):
    """Everything a role may list."""

    permissions = fields.List(fields.String())
    wildcards = fields.List(fields.String())
    presets = fields.List(fields.Nested(PresetOut))


class KeyQuery(Schema):
    """Filter of the list of keys."""

    class Meta:
        unknown = ma.EXCLUDE

    mode = _Mode(load_default=None)
    active = fields.Boolean(load_default=None)
    search = Line(load_default=None, validate=validate.Length(max=100))
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
