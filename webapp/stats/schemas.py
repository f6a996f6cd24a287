"""Figures as JSON."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.kernel.schema import Id, Line, Rfc3339, Schema
from webapp.stats.figures import RATES
from webapp.stats.models import COUNTERS
from webapp.stats.types import SPLITS, Step

_STEPS = validate.OneOf([step.value for step in Step])
#: What a series may be of.
MEASURES = (*COUNTERS, *RATES)


def _said(text: str, **more: Any) -> dict[str, Any]:
    return {"description": text, **more}


FiguresOut = Schema.from_dict(
    {
        **{name: fields.Integer(required=True) for name in COUNTERS},
        **{name: fields.Float(required=True, metadata=_said("A share from 0 to 1.")) for name in RATES},
    },
    name="Figures",
)


class PointOut(Schema):
    """One step of a series."""

    at = Rfc3339(required=True)
    figures = fields.Nested(FiguresOut, required=True)


class SpanOut(Schema):
    """What the figures are of."""

    since = Rfc3339(required=True, metadata=_said("Begin of the first step."))
    until = Rfc3339(required=True, metadata=_said("End of the last step."))
    interval = fields.String(required=True, validate=_STEPS)
    timezone = fields.String(required=True, metadata=_said("Whose days these are."))


class StatsOut(Schema):
    """Totals and their course over time."""

    span = fields.Nested(SpanOut, required=True)
    totals = fields.Nested(FiguresOut, required=True)
    series = fields.List(fields.Nested(PointOut), required=True)
    previous = fields.Nested(FiguresOut, metadata=_said("Totals of as many steps just before, with `compare`."))


class SpanArgs(Schema):
    """When, in which steps, of what kind of mail."""

    class Meta:
        unknown = ma.EXCLUDE
        include = {  # noqa: RUF012  # `from` is a word of Python
            "from": Rfc3339(load_default=None, attribute="since", metadata=_said("Begin, instead of `days`; widened to whole steps.")),
        }

    days = fields.Integer(load_default=30, validate=validate.Range(1, 366), metadata=_said("Days back, today included."))
    until = Rfc3339(load_default=None, data_key="to", metadata=_said("End; by default now."))
    interval = fields.String(load_default=None, validate=_STEPS, metadata=_said("Width of a step; by default hours for short spans, else days."))
    timezone = fields.String(load_default=None, metadata=_said("IANA name; by default the tenant's own, else UTC.", example="Europe/Berlin"))
    domain = Line(load_default=None, metadata=_said("Only this domain of senders."))
    provider = Line(load_default=None, metadata=_said("Only this mailbox provider.", example="google"))
    tag = Line(load_default=None, metadata=_said("Only mail with this tag."))
    compare = fields.Boolean(load_default=False, metadata=_said("Also the same span just before."))


class StatsArgs(SpanArgs):
    """When and of what."""

    bridge = Id(load_default=None, metadata=_said("Only this bridge."))
    pool = Id(load_default=None, metadata=_said("Only this pool."))
    ip = Id(load_default=None, metadata=_said("Only this way out: id of a pool's member."))


class MetricsArgs(StatsArgs):
    """A question about one measure, which may be split."""

    split = fields.String(load_default=None, validate=validate.OneOf(list(SPLITS)), metadata=_said("One series for each of these, besides the whole."))
    top = fields.Integer(load_default=10, validate=validate.Range(1, 50), metadata=_said("At most so many of them, those with most first."))


class ValueOut(Schema):
    """One step of one measure."""

    at = Rfc3339(required=True)
    value = fields.Float(required=True)


class GroupOut(Schema):
    """The series of one key of a split."""

    key = fields.String(required=True, metadata=_said("An id, a domain, a provider or a tag; `~`: those beyond the first 500 of a day."))
    name = fields.String(required=True)
    total = fields.Float(required=True)
    points = fields.List(fields.Nested(ValueOut), required=True)


class PreviousOut(Schema):
    """The span just before."""

    total = fields.Float(required=True)
    points = fields.List(fields.Nested(ValueOut), required=True)


class MetricOut(Schema):
    """One measure over time."""

    metric = fields.String(required=True, validate=validate.OneOf(MEASURES))
    unit = fields.String(required=True, validate=validate.OneOf(["count", "share"]))
    span = fields.Nested(SpanOut, required=True)
    total = fields.Float(required=True)
    points = fields.List(fields.Nested(ValueOut), required=True)
    split = fields.String(allow_none=True)
    groups = fields.List(fields.Nested(GroupOut), required=True, metadata=_said("Empty without `split`."))
    previous = fields.Nested(PreviousOut, metadata=_said("With `compare`."))
