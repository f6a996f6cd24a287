"""Reports as JSON."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.kernel.schema import Id, Line, Rfc3339, Schema
from webapp.messages.service import LogFilter, LogStatus
from webapp.reports.types import ReportKind, ReportStatus
from webapp.stats.service import SPLITS, Step

_LONGEST = 200


def _said(text: str, **more: Any) -> dict[str, Any]:
    return {"description": text, **more}


def _line(text: str, **more: Any) -> Line:
    return Line(load_default=None, validate=validate.Length(1, _LONGEST), metadata=_said(text, **more))


class Span:
    """What figures and logs can be narrowed by."""

    days = fields.Integer(load_default=30, validate=validate.Range(1, 366), metadata=_said("Days back, today included, when there is no `from`."))
    until = Rfc3339(load_default=None, data_key="to", metadata=_said("End; by default now."))
    timezone = fields.String(load_default=None, metadata=_said("Of figures: IANA name; by default the tenant's own, else UTC.", example="Europe/Berlin"))
    interval = fields.String(load_default=None, validate=validate.OneOf([s.value for s in Step]), metadata=_said("Of figures: width of a step."))
    split = fields.String(load_default=None, validate=validate.OneOf(list(SPLITS)), metadata=_said("Of figures: lines for each of these."))
    bridge = Id(load_default=None, metadata=_said("Only this bridge."))
    pool = Id(load_default=None, metadata=_said("Of figures: only this pool."))
    ip = Id(load_default=None, metadata=_said("Of figures: only this way out, the id of a pool's member."))
    domain = _line("Only this domain of senders.")
    provider = _line("Only this mailbox provider.", example="google")
    tag = _line("Only mail with this tag.")


class ReportIn(Schema, Span):
    """What the file is to hold."""

    class Meta:
        unknown = ma.RAISE
        include = {"from": Rfc3339(load_default=None, attribute="since", metadata=_said("Begin."))}  # noqa: RUF012

    kind = fields.Enum(ReportKind, by_value=True, required=True, metadata=_said("`figures`: sums by time; `log`: one line a recipient.", example="log"))
    title = Line(load_default="", validate=validate.Length(0, 120), metadata=_said("What people call it."))
    search = _line("Of the log: as in `/logs`.")
    status = fields.Enum(LogStatus, by_value=True, load_default=None, metadata=_said("Of the log: as in `/logs`."))
    sender = _line("Of the log: address of the sender.")
    recipient = _line("Of the log: an address, or `@domain`.")
    subject = _line("Of the log: a part of the subject.")
    template = _line("Of the log: slug of the template.")
    error_class = _line("Of the log: class of the reply.")


def log_filter_of(data: dict[str, Any]) -> LogFilter:
    """The filter of a report of the log."""
    same = ("search", "status", "domain", "tag", "provider", "sender", "recipient", "subject", "template", "error_class", "since", "until")
    return LogFilter(bridge_id=data["bridge"], **{name: data[name] for name in same})


class ReportOut(Schema):
    """A report, and how far it is."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf([k.value for k in ReportKind]))
    title = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf([s.value for s in ReportStatus]))
    problem = fields.String(allow_none=True, metadata=_said("Why it failed."))
    rows = fields.Integer(required=True, attribute="rows_done", metadata=_said("Lines written so far."))
    rows_expected = fields.Integer(allow_none=True, metadata=_said("How many there will be, when that is known."))
    size = fields.Integer(required=True, metadata=_said("Bytes written so far."))
    asked_by = fields.String(required=True)
    created_at = Rfc3339(required=True)
    finished_at = Rfc3339(allow_none=True)
    expires_at = Rfc3339(required=True, metadata=_said("When the file is dropped."))
