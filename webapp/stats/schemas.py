"""Figures as JSON."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from webapp.kernel.schema import Rfc3339, Schema
from webapp.stats.models import COUNTERS

_RATES = ("delivery_rate", "bounce_rate", "complaint_rate", "open_rate", "click_rate")

FiguresOut = Schema.from_dict(
    {
        **{name: fields.Integer(required=True) for name in COUNTERS},
        **{name: fields.Float(required=True, metadata={"description": "A share from 0 to 1."}) for name in _RATES},
    },
    name="Figures",
)


class PointOut(Schema):
    """One step of a series."""

    at = Rfc3339(required=True)
    figures = fields.Nested(FiguresOut, required=True)


class StatsOut(Schema):
    """Totals and their course over time."""

    totals = fields.Nested(FiguresOut, required=True)
    series = fields.List(fields.Nested(PointOut), required=True)


class StatsArgs(Schema):
    """How far back."""

    class Meta:
        unknown = ma.EXCLUDE

    days = fields.Integer(load_default=30, validate=validate.Range(1, 366), metadata={"description": "Days back, today included."})
