"""What comes in and goes out about bridges, over the API and in forms."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.bridges.service import MAX_OVERLAP_DAYS
from webapp.bridges.types import GuardAction, GuardRule, GuardState, Stream
from webapp.kernel.schema import Id, Line, Rfc3339, Schema, sort_field
from webapp.kernel.scope import Mode

_ALLOWED_FROM = {"description": "Addresses or domains it may send from; empty: every verified domain.", "example": ["shop@example.com", "example.net"]}


class BridgeChange(Schema):
    """Fields that can be changed; pool, mode and credentials stay."""

    name = Line(validate=validate.Length(1, 80), metadata={"example": "marketing-bridge"})
    stream = fields.Enum(Stream, by_value=True)
    track_opens = fields.Boolean(metadata={"description": "Put a pixel into HTML mail."})
    track_clicks = fields.Boolean(metadata={"description": "Lead links through the click counter."})
    allowed_from = fields.List(Line(), metadata=_ALLOWED_FROM)


class BridgeIn(BridgeChange):
    """A new bridge."""

    name = Line(required=True, validate=validate.Length(1, 80), metadata={"example": "marketing-bridge"})
    pool_id = Id(load_default=None, allow_none=True, metadata={"description": "Pool it routes through; absent: the default pool."})
    mode = fields.Enum(Mode, by_value=True, load_default=None, metadata={"description": "Sandbox bridges capture; absent: the key's mode."})
    stream = fields.Enum(Stream, by_value=True, load_default=Stream.TRANSACTIONAL)
    track_opens = fields.Boolean(load_default=False)
    track_clicks = fields.Boolean(load_default=False)
    allowed_from = fields.List(Line(), load_default=list, metadata=_ALLOWED_FROM)


class BridgeQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None)
    mode = fields.Enum(Mode, by_value=True, load_default=None)
    pool_id = Id(load_default=None)
    paused = fields.Boolean(load_default=None)
    sort = sort_field()


class Rotation(Schema):
    """How long the old credentials stay valid."""

    overlap_days = fields.Integer(load_default=1, strict=True, validate=validate.Range(0, MAX_OVERLAP_DAYS), metadata={"example": 1})


class RotationForm(Rotation):
    """The same from a form, where numbers are text."""

    overlap_days = fields.Integer(load_default=1, validate=validate.Range(0, MAX_OVERLAP_DAYS))


class Pause(Schema):
    """Why a bridge is paused."""

    reason = Line(load_default=None, allow_none=True, validate=validate.Length(max=200))


class Resume(Schema):
    """Why a bridge may go on."""

    note = Line(
        load_default=None, allow_none=True, validate=validate.Length(max=500),
        metadata={"description": "What was found and done; needed when the guard paused the bridge.", "example": "Removed the bought list."},
    )  # fmt: skip


def _limit(text: str, example: float) -> fields.Float:
    return fields.Float(allow_none=True, metadata={"description": text, "example": example})


class GuardChange(Schema):
    """Limits of a bridge's guard; null: the platform's own. Shares are of recipients, from 0 to 1."""

    bounce_warn = _limit("Share of hard bounces at which the owners are warned.", 0.03)
    bounce_pause = _limit("Share of hard bounces at which the bridge is paused.", 0.08)
    complaint_warn = _limit("Share of complaints at which the owners are warned.", 0.001)
    complaint_pause = _limit("Share of complaints at which the bridge is paused.", 0.003)
    spike_factor = _limit("How many times its busiest hour a bridge may take in one hour.", 5)
    spike_action = fields.Enum(GuardAction, by_value=True, allow_none=True)
    sender_action = fields.Enum(GuardAction, by_value=True, allow_none=True, metadata={"description": "For a From domain it never sent from."})


class Percent(fields.Float):
    """A share written in per cent, as people write it; empty: the platform's."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = str(value).strip().removesuffix("%").strip().replace(",", ".")
        if not text:
            return None
        number = super()._deserialize(text, attr, data, **kwargs)
        return None if number is None else round(number / 100, 6)


class Factor(fields.Float):
    """A number that may be left empty."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = str(value).strip().replace(",", ".")
        return super()._deserialize(text, attr, data, **kwargs) if text else None


class GuardForm(Schema):
    """The same from a form, in per cent."""

    bounce_warn = Percent(load_default=None)
    bounce_pause = Percent(load_default=None)
    complaint_warn = Percent(load_default=None)
    complaint_pause = Percent(load_default=None)
    spike_factor = Factor(load_default=None)
    spike_action = fields.Enum(GuardAction, by_value=True)
    sender_action = fields.Enum(GuardAction, by_value=True)


class LimitsOut(Schema):
    """Limits in force."""

    bounce_warn = fields.Float()
    bounce_pause = fields.Float()
    complaint_warn = fields.Float()
    complaint_pause = fields.Float()
    spike_factor = fields.Float()
    spike_action = fields.Enum(GuardAction, by_value=True)
    sender_action = fields.Enum(GuardAction, by_value=True)


class MostOut(Schema):
    """The highest limits a tenant may choose."""

    bounce = fields.Float()
    complaint = fields.Float()
    spike = fields.Float()


class GuardFiguresOut(Schema):
    """What is judged: recipients of the window, and those accepted in this hour."""

    sent = fields.Integer()
    delivered = fields.Integer()
    hard_bounced = fields.Integer()
    complained = fields.Integer()
    bounce_rate = fields.Float()
    complaint_rate = fields.Float()
    accepted_this_hour = fields.Integer()


class AlarmOut(Schema):
    """A warning or a trip."""

    id = Id()
    rule = fields.String(metadata={"enum": [rule.value for rule in GuardRule]})
    action = fields.String(metadata={"enum": [GuardAction.WARN.value, GuardAction.PAUSE.value]})
    text = fields.String(metadata={"description": "Why, in plain words."})
    figures = fields.Dict()
    created_at = Rfc3339()
    ended_at = Rfc3339(allow_none=True)
    ended_by = fields.String(allow_none=True)
    note = fields.String(allow_none=True)


class GuardOut(Schema):
    """What watches over a bridge: it pauses this bridge alone when a limit is passed, and a person resumes it."""

    state = fields.Enum(GuardState, by_value=True)
    reason = fields.String(allow_none=True, metadata={"description": "Of the open trip or warning."})
    window_hours = fields.Integer()
    figures = fields.Nested(GuardFiguresOut)
    limits = fields.Nested(LimitsOut)
    most = fields.Nested(MostOut)
    counted_from = Rfc3339(allow_none=True, metadata={"description": "Set when a person resumed the bridge: counting began anew."})
    checked_at = Rfc3339(allow_none=True)
    exempt_until = Rfc3339(allow_none=True)
    alarms = fields.List(fields.Nested(AlarmOut), metadata={"description": "The last ten, newest first."})


class BridgeOut(Schema):
    """A bridge without its secrets."""

    id = Id()
    name = fields.String()
    pool_id = Id()
    mode = fields.String()
    stream = fields.String()
    track_opens = fields.Boolean()
    track_clicks = fields.Boolean()
    allowed_from = fields.List(fields.String())
    status = fields.String(metadata={"enum": ["active", "paused"]})
    pause_reason = fields.String(allow_none=True)
    paused_at = Rfc3339(allow_none=True)
    last_used_at = Rfc3339(allow_none=True)
    created_at = Rfc3339()
    updated_at = Rfc3339()


class BridgeDetail(BridgeOut):
    """A bridge with its guard."""

    guard = fields.Nested(GuardOut)


class SmtpOut(Schema):
    """SMTP login."""

    host = fields.String()
    port = fields.Integer()
    tls_port = fields.Integer(metadata={"description": "Port with TLS from the start."})
    encryption = fields.String()
    username = fields.String()
    password = fields.String()


class ApiOut(Schema):
    """REST access."""

    endpoint = fields.String()
    token = fields.String()


class ConnectionOut(Schema):
    """One valid credential, as SMTP login and as Bearer token."""

    number = fields.Integer()
    smtp = fields.Nested(SmtpOut)
    api = fields.Nested(ApiOut)
    expires_at = Rfc3339(allow_none=True, metadata={"description": "End of the overlap; null for the newest."})
    last_used_at = Rfc3339(allow_none=True)
    in_use = fields.Boolean(metadata={"description": "Used within the last 24 hours."})


class CredentialsOut(Schema):
    """All valid credentials of a bridge, newest first."""

    credentials = fields.List(fields.Nested(ConnectionOut))


class BridgeMade(BridgeOut):
    """A bridge with the credentials just made."""

    credentials = fields.Nested(ConnectionOut)


class AliasIn(Schema):
    """SMTP credentials in the vocabulary of username and domain."""

    domain_id = Id(required=True)
    username = Line(required=True, validate=validate.Length(1, 64), metadata={"example": "noreply", "description": "Part of the sender before the @."})
    display_name = Line(load_default=None, validate=validate.Length(1, 80), metadata={"example": "My App"})


class AliasChange(Schema):
    """Another name for credentials."""

    display_name = Line(required=True, validate=validate.Length(1, 80), metadata={"example": "My App"})


class AliasQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None, metadata={"description": "Part of the display name."})
    domain_id = Id(load_default=None, metadata={"description": "Credentials that send from this domain alone."})
    sort = sort_field()


class AliasOut(Schema):
    """A bridge in the vocabulary of credentials."""

    id = Id()
    display_name = fields.String()
    username = fields.String(allow_none=True, metadata={"description": "Of that address, the part before the @."})
    domain = fields.String(allow_none=True)
    email = fields.String(allow_none=True, metadata={"description": "The one address it may send from; null when it has several."})
    status = fields.String()
    last_used_at = Rfc3339(allow_none=True)
    created_at = Rfc3339()
    updated_at = Rfc3339()


class AliasMade(AliasOut):
    """With the secrets."""

    api_key = fields.String()
    smtp = fields.Nested(SmtpOut)


class Lines(fields.Field[list[str]]):
    """A text area: one entry a line."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        if not isinstance(value, str):
            raise ma.ValidationError("Write one entry a line.")
        return [line.strip() for line in value.splitlines() if line.strip()]


class BridgeForm(BridgeIn):
    """The form of a new bridge; boxes that are not ticked are absent."""

    allowed_from = Lines(load_default=list)  # type: ignore[assignment]


class EditForm(Schema):
    """The form of a bridge's settings."""

    name = Line(required=True, validate=validate.Length(1, 80))
    stream = fields.Enum(Stream, by_value=True, required=True)
    allowed_from = Lines(load_default=list)


class SwitchForm(Schema):
    """A switch's new position."""

    on = fields.Boolean(required=True)
