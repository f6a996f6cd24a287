"""What goes in and comes out about webhooks, for the API and its forms."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from webapp.kernel.schema import EmailAddress, Id, Line, Rfc3339, Schema
from webapp.kernel.scope import Mode
from webapp.webhooks.service import hook_url, key_of, open_secret
from webapp.webhooks.types import CircuitState, DeliveryState, EndpointState, MtaEvent, MtaReport, Provider, ReplayWhat

_STATUS = validate.Regexp(r"[245]\.\d{1,3}\.\d{1,3}\Z", error="An enhanced status code has three numbers, such as 5.1.1.")
_EVENTS = {"description": "Event types, of GET /webhooks/events; null or none: all of them.", "example": ["email.delivered", "email.bounced"]}
_BRIDGES = {"description": "Only events of mail through these bridges; null or none: all, and those that belong to no bridge."}
_MODES = {"description": "Events of live mail, sandbox mail or both; by default those of the key's mode."}


class EndpointQuery(Schema):
    """Filter of the list."""

    search = Line(load_default=None, metadata={"description": "Part of the address or description."})
    state = fields.Enum(EndpointState, by_value=True, load_default=None)


class _EndpointFields(Schema):
    url = fields.String(validate=validate.Length(1, 2000), metadata={"example": "https://acme.example/hooks/mail"})
    description = Line(allow_none=True, validate=validate.Length(max=200))
    events = fields.List(Line(validate=validate.Length(max=80)), allow_none=True, validate=validate.Length(max=100), metadata=_EVENTS)
    bridges = fields.List(Id(), allow_none=True, validate=validate.Length(max=100), metadata=_BRIDGES)
    modes = fields.List(fields.Enum(Mode, by_value=True), allow_none=True, validate=validate.Length(max=2), metadata=_MODES)


class EndpointIn(_EndpointFields):
    """A new endpoint."""

    url = fields.String(required=True, validate=validate.Length(1, 2000), metadata={"example": "https://acme.example/hooks/mail"})
    secret = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(max=200), load_only=True,
        metadata={"description": "A `whsec_` secret of your own, to move an endpoint here; by default one is made."},
    )  # fmt: skip


class EndpointChange(_EndpointFields):
    """Fields to change; the others stay."""

    enabled = fields.Boolean(metadata={"description": "Off: nothing is sent. On again: with a clean slate; replay what happened meanwhile."})


class EndpointOut(ma.Schema):
    """An endpoint. How it answers is at /webhooks/{id}/health."""

    id = fields.UUID(required=True)
    url = fields.String(required=True)
    description = fields.String(allow_none=True)
    events = fields.List(fields.String(), attribute="event_types", allow_none=True, metadata=_EVENTS)
    bridges = fields.List(fields.UUID(), attribute="bridge_ids", allow_none=True, metadata=_BRIDGES)
    modes = fields.List(fields.String(validate=validate.OneOf([mode.value for mode in Mode])), required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in EndpointState]))
    disabled_at = Rfc3339(allow_none=True)
    disabled_reason = fields.String(allow_none=True)
    previous_secret_until = Rfc3339(attribute="previous_until", allow_none=True, metadata={"description": "Until then deliveries are signed with two secrets."})
    created_at = Rfc3339(required=True)
    updated_at = Rfc3339(required=True)


class EndpointWithSecret(EndpointOut):
    """An endpoint with its secret, which only the answers of making and rotating show."""

    secret = fields.Function(open_secret, metadata={"type": "string", "example": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})


class HealthOut(ma.Schema):
    """How an endpoint answers lately. The circuit opens after five failures in a row: deliveries wait then, and one at a time finds out."""

    circuit = fields.Enum(CircuitState, by_value=True, required=True)
    failures = fields.Integer(required=True, metadata={"description": "Failed attempts in a row."})
    open_until = Rfc3339(allow_none=True)
    failing_since = Rfc3339(allow_none=True)
    last_success_at = Rfc3339(allow_none=True)
    last_failure_at = Rfc3339(allow_none=True)
    last_error = fields.String(allow_none=True)


class RotateIn(Schema):
    """How long the old secret lives on."""

    overlap_hours = fields.Integer(load_default=24, validate=validate.Range(0, 168), metadata={"description": "Hours in which both secrets sign; 0: none."})


class DeliveryQuery(Schema):
    """Filter of the log."""

    state = fields.Enum(DeliveryState, by_value=True, load_default=None)
    event_type = Line(load_default=None, validate=validate.Length(max=80))
    event_id = Id(load_default=None, metadata={"description": "The webhook-id."})
    since = Rfc3339(load_default=None, metadata={"description": "Events that happened at or after this time."})
    until = Rfc3339(load_default=None, metadata={"description": "Events that happened before this time."})


class DeliveryOut(ma.Schema):
    """One event for one endpoint."""

    id = fields.UUID(required=True)
    endpoint_id = fields.UUID(required=True)
    event_id = fields.UUID(required=True, metadata={"description": "The webhook-id: the same in every attempt and replay."})
    event_type = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in DeliveryState]))
    attempts = fields.Integer(required=True)
    next_attempt_at = Rfc3339(attribute="next_at", allow_none=True)
    finished_at = Rfc3339(allow_none=True)
    created_at = Rfc3339(required=True)


class AttemptOut(ma.Schema):
    """One request and what came back. Signatures and cookies are hidden, long answers cut."""

    number = fields.Integer(allow_none=True)
    at = fields.String(required=True, metadata={"format": "date-time"})
    duration_ms = fields.Integer(load_default=None, allow_none=True)
    status = fields.Integer(allow_none=True)
    error = fields.String(allow_none=True)
    request_headers = fields.List(fields.List(fields.String()))
    response_headers = fields.List(fields.List(fields.String()))
    response_body = fields.String()
    response_cut = fields.Boolean()


class DeliveryDetail(DeliveryOut):
    """A delivery with what was sent and every attempt that is kept (the last 20)."""

    request_body = fields.String(attribute="body", required=True)
    log = fields.List(fields.Nested(AttemptOut), data_key="attempt_log", required=True)


class ReplayQuery(Schema):
    """What to send again."""

    since = Rfc3339(required=True, metadata={"description": "Events that happened at or after this time."})
    what = fields.Enum(
        ReplayWhat, by_value=True, load_default=ReplayWhat.FAILED, metadata={"description": "`failed`: what was not delivered; `all`: everything."}
    )


class ReplayForm(Schema):
    """The same as a page's form has it: a time of UTC without saying so."""

    since = fields.NaiveDateTime(required=True, format="iso", error_messages={"invalid": "Give a time such as 2026-03-19T10:30."})
    what = fields.Enum(ReplayWhat, by_value=True, load_default=ReplayWhat.FAILED)


class ReplayOut(ma.Schema):
    """A replay and how far it is."""

    id = fields.UUID(required=True)
    endpoint_id = fields.UUID(required=True)
    what = fields.String(required=True)
    since = Rfc3339(required=True)
    until = Rfc3339(required=True)
    queued = fields.Integer(required=True, metadata={"description": "Deliveries queued so far."})
    finished_at = Rfc3339(allow_none=True)
    created_at = Rfc3339(required=True)


class EventKindOut(ma.Schema):
    """One event type with the JSON Schema of its payload, and an example."""

    type = fields.String(required=True)
    summary = fields.String(required=True)
    schema = fields.Function(lambda kind: kind.as_schema(), metadata={"type": "object"})
    example = fields.Function(lambda kind: kind.as_example(), metadata={"type": "object"})


class HookIn(Schema):
    """Who reports about mail of a sending account, and what proves it."""

    provider = fields.Enum(Provider, by_value=True, required=True)
    secret = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(max=500), load_only=True,
        metadata={"description": "ses: the SNS topic's ARN; sendgrid: the verification key; mailgun: the signing key; others: none, to have one made."},
    )  # fmt: skip


class HookOut(ma.Schema):
    """A hook: the address to give to the provider. The secret is shown only when it was made here."""

    id = fields.UUID(attribute="hook.id", required=True)
    provider = fields.String(attribute="hook.provider", required=True)
    url = fields.Function(lambda shown: hook_url(shown.hook), metadata={"type": "string", "format": "uri"})
    secret = fields.String(attribute="made", allow_none=True, metadata={"description": "Only in the answer that made it."})
    last_report_at = Rfc3339(attribute="hook.last_report_at", allow_none=True)
    last_refused_at = Rfc3339(attribute="hook.last_refused_at", allow_none=True)
    created_at = Rfc3339(attribute="hook.created_at", required=True)
    updated_at = Rfc3339(attribute="hook.updated_at", required=True)


class TakenOut(ma.Schema):
    """What became of the reports of one callback."""

    received = fields.Integer(required=True)
    stored = fields.Integer(required=True)
    replayed = fields.Integer(required=True, metadata={"description": "Stored before; nothing is applied twice."})
    ignored = fields.Integer(required=True, metadata={"description": "About mail that is not of this tenant."})


class PostfixReport(Schema):
    """What a Postfix in front of or behind us tells of one recipient."""

    event = fields.Enum(MtaEvent, by_value=True, required=True, metadata={"description": "What became of the mail."})
    recipient = EmailAddress(required=True, validate=validate.Length(max=320), metadata={"example": "customer@example.net"})
    message_id = Line(load_default="", validate=validate.Length(max=998), metadata={"example": "<019a2b3c-0000-7000-8000-000000000000@shop.example>"})
    sender = Line(load_default="", validate=validate.Length(max=320), metadata={"description": "The envelope sender; may stand in for `message_id`."})
    reason = Line(load_default="", validate=validate.Length(max=2000), metadata={"example": "550 User not found"})
    status = fields.String(load_default=None, validate=_STATUS, metadata={"example": "5.1.1"})
    id = Line(load_default="", validate=validate.Length(max=200), metadata={"description": "The report's own id; the same id is applied once."})

    @ma.validates_schema
    def _names_its_mail(self, data: dict[str, Any], **_: Any) -> None:
        if not data["message_id"] and not data["sender"]:
            raise ma.ValidationError("Say which mail: give message_id, or the envelope sender.", "message_id")

    @ma.post_load
    def _report(self, data: dict[str, Any], **_: Any) -> MtaReport:
        own = data.pop("id")
        said = (data["event"].value, data["recipient"].lower(), data["message_id"], data["sender"], data["reason"], data["status"] or "")
        return MtaReport(**data, key=f"id:{own}" if own else key_of(*said))


class ReportReceived(Schema):
    """The answer: the report is stored."""

    id = Id()
    event = fields.Enum(MtaEvent, by_value=True)
    replayed = fields.Boolean(metadata={"description": "It was stored before; nothing is applied twice."})
