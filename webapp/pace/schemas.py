"""What comes in and goes out about the pace of sending."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.kernel.errors import ValidationFailed
from webapp.kernel.ids import parse_uuid
from webapp.kernel.schema import Id, Line, Rfc3339, Schema
from webapp.pace.service import check_provider
from webapp.pace.types import Action, HoldKind, PlanState, Subject

_MOST = validate.Range(1, 100_000)
_RATE = validate.Range(0.01, 100_000)


class Provider(fields.String):
    """A mailbox provider: a known name, ``*``, or the domain of its mail servers."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return check_provider(text)
        except ValidationFailed as error:
            raise ma.ValidationError(error.message) from None


class ThrottleQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None)
    in_force = fields.Boolean(load_default=None, allow_none=True, metadata={"description": "Only those in force, or only the history."})


class ThrottleOut(Schema):
    """A way out that is slowed, paused or left out towards a provider."""

    id = Id()
    source_id = Id(allow_none=True, metadata={"description": "The IP address or sending account; null: all of them."})
    source = fields.String(attribute="source_label")
    provider = fields.String(metadata={"example": "yahoo", "description": "`relay`: the relay itself; `*`: everybody."})
    action = fields.String(metadata={"enum": [action.value for action in Action]})
    rate = fields.Float(allow_none=True, metadata={"description": "Messages a second, when slowed."})
    reason = fields.String(metadata={"example": "Yahoo said TSS04 twice"})
    strikes = fields.Integer()
    until = Rfc3339()
    shared = fields.Function(lambda throttle: throttle.tenant_id is None, metadata={"type": "boolean", "description": "The platform's own way out."})
    created_at = Rfc3339()
    ended_at = Rfc3339(allow_none=True)
    ended_why = fields.String(allow_none=True)


class BudgetIn(Schema):
    """Limits of each own address and relay towards a provider; what is left out keeps the built-in value."""

    provider = Provider(required=True, metadata={"example": "google"})
    connections = fields.Integer(load_default=None, allow_none=True, validate=_MOST)
    messages_per_connection = fields.Integer(load_default=None, allow_none=True, validate=_MOST)
    rate = fields.Float(load_default=None, allow_none=True, validate=_RATE, metadata={"description": "Messages a second."})


class BudgetOut(Schema):
    """Limits in place of built-in ones."""

    id = Id()
    provider = fields.String()
    connections = fields.Integer(allow_none=True)
    messages_per_connection = fields.Integer(allow_none=True)
    rate = fields.Float(allow_none=True)
    shared = fields.Function(lambda budget: budget.tenant_id is None, metadata={"type": "boolean"})


class WarmupIn(Schema):
    """New warm-up plans for one address."""

    providers = fields.List(
        Provider(), load_default=list, validate=validate.Length(max=50), metadata={"description": "Left out: the four largest and all others."}
    )
    steps = fields.List(
        fields.Integer(validate=validate.Range(1, 100_000_000)), load_default=list, validate=validate.Length(max=120),
        metadata={"description": "Recipients a day, rising. Left out: 50, 100, 500 ... 1,000,000."},
    )  # fmt: skip


class ThrottleForm(Schema):
    """The operator's hand brake."""

    provider = Provider(required=True)
    rate = fields.Float(load_default=None, allow_none=True, validate=_RATE)
    minutes = fields.Integer(required=True, validate=validate.Range(1, 10_080))
    reason = Line(required=True, validate=validate.Length(1, 300))


class WarmupForm(Schema):
    """The form that starts a warm-up."""

    ip_id = Id(required=True)


class WarmupChange(Schema):
    """What can be changed of a plan."""

    state = fields.Enum(PlanState, by_value=True)
    day = fields.Integer(validate=validate.Range(1, 120), metadata={"description": "The step of tomorrow's volume, from 1."})


class WarmupOut(Schema):
    """How an address gets to its full volume at a provider."""

    id = Id()
    ip_id = Id(attribute="source_id")
    address = fields.String(attribute="source_label")
    provider = fields.String()
    day = fields.Integer()
    steps = fields.List(fields.Integer())
    state = fields.String(metadata={"enum": [state.value for state in PlanState]})
    started_on = fields.Date()
    finished_on = fields.Date(allow_none=True)


class HoldIn(Schema):
    """What to hold back or drain."""

    kind = fields.Enum(HoldKind, by_value=True, load_default=HoldKind.HOLD, metadata={"description": "hold: mail waits; drain: nothing new is taken."})
    subject = fields.Enum(Subject, by_value=True, required=True)
    subject_id = Id(load_default=None, allow_none=True, metadata={"description": "The bridge or pool."})
    provider = Provider(load_default=None, allow_none=True)
    reason = Line(required=True, validate=validate.Length(1, 300))


class HoldRef(fields.Field[tuple[Subject, Any]]):
    """A choice out of everything that can be held: ``tenant``, ``bridge:<id>``, ``pool:<id>`` or ``provider``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[Subject, Any]:
        kind, _, text = str(value).partition(":")
        target = parse_uuid(text)
        if kind not in list(Subject) or (kind in (Subject.BRIDGE, Subject.POOL)) is (target is None):
            raise ma.ValidationError("Choose what to hold back.")
        return Subject(kind), target


class HoldForm(Schema):
    """The form of a new hold."""

    target = HoldRef(required=True)
    kind = fields.Enum(HoldKind, by_value=True, load_default=HoldKind.HOLD)
    provider = Provider(load_default=None, allow_none=True)
    reason = Line(required=True, validate=validate.Length(1, 300))

    @ma.post_load
    def _spread(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        subject, target = data.pop("target")
        return {**data, "subject": subject, "subject_id": target}


class HoldOut(Schema):
    """Something held back or drained."""

    id = Id()
    kind = fields.String(metadata={"enum": [kind.value for kind in HoldKind]})
    subject = fields.String(metadata={"enum": [subject.value for subject in Subject]})
    subject_id = Id(allow_none=True)
    provider = fields.String(allow_none=True)
    label = fields.String()
    reason = fields.String()
    by_staff = fields.Boolean()
    created_at = Rfc3339()
    released_at = Rfc3339(allow_none=True)
