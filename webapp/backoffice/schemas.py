"""Forms of the staff console, and of tenants towards it."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.backoffice.types import RequestStatus, StaffRole
from webapp.kernel.schema import EmailAddress, Id, Line, Schema
from webapp.kernel.scope import Mode
from webapp.tenants.service import MOST
from webapp.tenants.types import LimitName, SuspensionKind

_ANSWERS = (RequestStatus.APPROVED, RequestStatus.LIMITED, RequestStatus.REFUSED)


def _limit() -> fields.Integer:
    return fields.Integer(load_default=None, validate=validate.Range(0, MOST, error=f"A limit is a whole number from 0 to {MOST:,}; leave it empty for none."))


class ProductionForm(Schema):
    """What a tenant says when it asks for live sending."""

    what = fields.String(load_default="")
    volume = fields.Integer(load_default=0)
    sources = fields.String(load_default="")
    website = Line(load_default="")


class AppealForm(Schema):
    """An answer to a suspension."""

    what = fields.String(load_default="")


class GrantForm(Schema):
    """Let staff in once."""

    days = fields.Integer(load_default=1)
    allow_write = fields.Boolean(load_default=False)
    note = Line(load_default="", validate=validate.Length(max=500))


class StartForm(Schema):
    """Begin a support session."""

    member = Id(required=True)
    reason = fields.String(load_default="")
    ticket = fields.String(load_default="")


class UnmaskForm(Schema):
    """See addresses in full."""

    reason = fields.String(load_default="")


class SessionModeForm(Schema):
    """Show live or sandbox."""

    mode = fields.Enum(Mode, by_value=True, required=True)


class DecisionForm(Schema):
    """Staff's answer to a request."""

    status = fields.Enum(RequestStatus, by_value=True, required=True, validate=validate.OneOf(_ANSWERS))
    reason = fields.String(load_default="", validate=validate.Length(max=4000))
    daily_limit = _limit()
    monthly_limit = _limit()
    minute_limit = _limit()


class LimitDecisionForm(Schema):
    """Staff's answer to a request for a higher limit. An empty number grants what was asked for."""

    grant = fields.Boolean(load_default=False)
    granted = _limit()
    answer = fields.String(load_default="", validate=validate.Length(max=2000))


class SuspendForm(Schema):
    """Suspend a tenant."""

    reason = fields.String(load_default="", validate=validate.Length(max=2000))
    kind = fields.Enum(SuspensionKind, by_value=True, required=True)


class NoteForm(Schema):
    """A note among staff."""

    text = fields.String(load_default="")


class _LimitsSchema(Schema):
    """One field for each limit, named after it."""

    @ma.post_load
    def _collect(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        limits = {name: data.pop(name.value, None) for name in LimitName}
        return {**data, "limits": limits}


_LIMITS = {name.value: _limit() for name in LimitName}
#: A tenant's plan and its own limits.
LimitsForm = _LimitsSchema.from_dict({"plan": Id(load_default=None), **_LIMITS}, name="LimitsForm")
#: A plan.
PlanForm = _LimitsSchema.from_dict(
    {"plan": Id(load_default=None), "name": Line(load_default=""), "description": Line(load_default=""), **_LIMITS}, name="PlanForm"
)


class StaffForm(Schema):
    """A new staff member."""

    email = EmailAddress(required=True)
    name = Line(load_default="", validate=validate.Length(max=100))
    role = fields.Enum(StaffRole, by_value=True, load_default=StaffRole.SUPPORT)


class StaffRoleForm(Schema):
    """Another role for a staff member."""

    role = fields.Enum(StaffRole, by_value=True, required=True)


class SharedPoolForm(Schema):
    """A new shared pool."""

    name = Line(load_default="")
    description = Line(load_default="", validate=validate.Length(max=500))


class SharedMemberForm(Schema):
    """A member of a shared pool."""

    member = Id(required=True)
    weight = fields.Integer(load_default=100)


class AddressForm(Schema):
    """A new IP address; dedicated when a tenant's slug is given."""

    address = Line(required=True, validate=validate.Length(1, 45))
    helo_name = Line(required=True, validate=validate.Length(1, 253))
    tenant = Line(load_default="")


class SharedWarmupForm(Schema):
    """A warm-up of any address. ``steps``: allowances of the days, separated by spaces or commas; empty for the usual ones."""

    ip = Id(required=True)
    steps = Line(load_default="")

    @ma.post_load
    def _read(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        words = data["steps"].replace(",", " ").split()
        if not all(word.isdecimal() and len(word) < 10 for word in words):
            raise ma.ValidationError("Write whole numbers, separated by spaces.", "steps")
        return {**data, "steps": [int(word) for word in words]}


class BudgetForm(Schema):
    """The platform's limits towards a provider."""

    provider = Line(required=True, validate=validate.Length(1, 253))
    connections = fields.Integer(load_default=None, validate=validate.Range(1, 10_000))
    messages_per_connection = fields.Integer(load_default=None, validate=validate.Range(1, 100_000))
    rate = fields.Float(load_default=None, validate=validate.Range(0.001, 100_000))
    total_connections = fields.Integer(load_default=None, validate=validate.Range(1, 100_000))
    total_rate = fields.Float(load_default=None, validate=validate.Range(0.001, 1_000_000))


