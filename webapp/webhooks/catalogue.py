"""Every event an endpoint can get: one entry a type, with the fields of its payload. What stands here is a promise: fields are added, never changed.

The seam for slices to come: announce the fact (``announcements.service.announce``) with the data that an entry here describes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from webapp.announcements.types import Announcement
from webapp.messages.types import EventType


@dataclass(frozen=True, slots=True)
class Field:
    """One field of ``data``: its JSON Schema type (with ``null`` when it may be empty), what it says, and an example."""

    name: str
    type: str
    description: str
    example: Any
    nullable: bool = True
    format: str | None = None

    def as_schema(self) -> dict[str, Any]:
        """The field as JSON Schema."""
        kind: dict[str, Any] = {"type": [self.type, "null"] if self.nullable else self.type, "description": self.description}
        return {**kind, "format": self.format} if self.format else kind


@dataclass(frozen=True, slots=True)
class EventKind:
    """One event type. ``fields`` are those beyond the common ones of its family; ``about_mail``: whether it is about a recipient."""

    type: str
    summary: str
    fields: tuple[Field, ...]
    about_mail: bool = True

    @property
    def all_fields(self) -> tuple[Field, ...]:
        """Everything that stands in ``data``."""
        return (*_OF_MAIL, *self.fields) if self.about_mail else self.fields

    def as_schema(self) -> dict[str, Any]:
        """The whole payload as JSON Schema (draft 2020-12)."""
        data = {field.name: field.as_schema() for field in self.all_fields}
        return {
            "type": "object",
            "required": ["type", "id", "timestamp", "mode", "data"],
            "properties": {
                "type": {"const": self.type},
                "id": {"type": "string", "format": "uuid", "description": "The event's id: the same in every attempt, and in the webhook-id header."},
                "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
                "mode": {"enum": ["live", "sandbox", None], "description": "Mode of the mail; null for facts that belong to both."},
                "data": {"type": "object", "required": list(data), "properties": data},
            },
        }  # fmt: skip

    def as_example(self) -> dict[str, Any]:
        """A payload as it could arrive."""
        return {
            "type": self.type, "id": "019a2b3c-7a10-7c41-9f0e-5d1c9be3a001", "timestamp": "2026-03-19T10:30:00.120Z",
            "mode": "live" if self.about_mail else None, "data": {field.name: field.example for field in self.all_fields},
        }  # fmt: skip


_ID = "019a2b3c-4d5e-7000-8000-000000000001"


def _id(name: str, description: str, *, nullable: bool = False) -> Field:
    return Field(name, "string", description, _ID, nullable, "uuid")


def _moment(name: str, description: str, *, nullable: bool = True) -> Field:
    return Field(name, "string", description, "2026-03-19T10:35:00Z", nullable, "date-time")


_OF_MAIL = (
    _id("email_id", "The message, as the Sending API named it (`GET /email/{id}`)."),
    Field("message_id", "string", "Its Message-ID header; null once its content is past the retention.", "<019a2b3c-4d5e@acme.example>"),
    _id("recipient_id", "The recipient within the message."),
    Field("recipient", "string", "The recipient's address; null once it was erased.", "jo@customer.example"),
    Field("from", "string", "The address in From.", "shop@acme.example"),
    Field("subject", "string", "The subject, with its variables not filled in.", "Your order"),
    _id("bridge_id", "The bridge it came through.", nullable=True),
    Field("tags", "array", "The tags it was sent with.", ["order"], False),
    Field("metadata", "object", "The metadata it was sent with.", {"order": "1234"}, False),
)
_ATTEMPT = Field("attempt", "integer", "Number of the attempt.", 1)
_CODE = Field("code", "integer", "The remote server's reply code.", 250)
_REPLY = Field("reply", "string", "The remote server's reply.", "250 2.0.0 Ok: queued as 4F2A")
_CLASS = Field("class", "string", "How we read that reply.", "delivered")
_BLAME = Field("blame", "string", "Who can mend it: recipient, sender, platform, remote or nobody.", "recipient")
_REMOTE = Field("remote", "string", "The server that answered.", "mx1.customer.example")
_NEXT = _moment("next_attempt_at", "When it is tried again.")
_REASON = Field("reason", "string", "Why, in words.", "The address is on your suppression list.")
_CAUSE = Field("cause", "string", "What brought it here: bridge_paused, bridge_resumed; null for the usual way.", None)
_SOURCE = Field("source", "string", "Where we know it from when not from our own attempt: dsn (a mail) or mta (a callback).", None)
_AGENT = Field("user_agent", "string", "What the reader's program calls itself.", "Mozilla/5.0")
_NETWORK = Field("network", "string", "The network it came from: /24 of IPv4, /48 of IPv6. Addresses are not passed on.", "198.51.100.0/24")
_HARD = (
    _ATTEMPT, Field("code", "integer", "The remote server's reply code.", 550), Field("status", "string", "Enhanced status code.", "5.1.1"),
    Field("reply", "string", "The remote server's reply.", "550 5.1.1 No such user"), Field("class", "string", "How we read that reply.", "hard.address"),
    _BLAME, _REMOTE, _SOURCE,
)  # fmt: skip

_MAIL = (
    EventKind(EventType.QUEUED, "Accepted, and waiting to be sent.", (_CAUSE, Field("resent", "boolean", "Sent again by a person.", None))),
    EventKind(EventType.SCHEDULED, "Accepted for later.", (_moment("send_at", "When it will be sent, when that was changed."),)),
    EventKind(EventType.SANDBOXED, "Captured: sandbox mail is never sent.", ()),
    EventKind("email.sent", "Handed over: the next server took it.", (_ATTEMPT, _CODE, _REPLY, _REMOTE)),
    EventKind(EventType.DELIVERED, "The recipient's server, or your relay, took it.", (_ATTEMPT, _CODE, _REPLY, _CLASS, _REMOTE, _SOURCE)),
    EventKind(EventType.DEFERRED, "Not taken for now; it will be tried again.", (_ATTEMPT, _CODE, _REPLY, _CLASS, _BLAME, _REMOTE, _NEXT)),
    EventKind(EventType.DELAYED, "Still not delivered after hours; told once.", (_moment("since", "The first attempt."), _CODE, _REPLY, _CLASS, _NEXT)),
    EventKind(EventType.BOUNCED, "Refused for good, at once or by a report that came later.", _HARD),
    EventKind(EventType.FAILED, "Given up: it expired, or could not be sent at all.", (_ATTEMPT, _CODE, _REPLY, _CLASS, _BLAME, _REMOTE)),
    EventKind(EventType.SUPPRESSED, "Not sent: the address is on a suppression list.", (_REASON, _REPLY)),
    EventKind(EventType.HELD, "Kept back until a person, or the end of a pause, lets it go.", (_REASON, _CAUSE)),
    EventKind(EventType.CANCELLED, "Cancelled before it was sent.", (_REASON,)),
    EventKind(EventType.BOUNCE_LIFTED, "A bounce was taken back after an incident; the mail is queued again.", (
        Field("requeued", "boolean", "False when it stays as it is, and `kept` says why.", True), Field("kept", "string", "Why it was not queued again.", None),
    )),
    EventKind(EventType.OPENED, "The pixel was loaded.", (_AGENT, _NETWORK)),
    EventKind(EventType.CLICKED, "A link was followed.", (Field("url", "string", "The link.", "https://acme.example/order"), _AGENT, _NETWORK)),
    EventKind(EventType.COMPLAINED, "The recipient called it spam.", (
        Field("feedback_type", "string", "Kind of the complaint (RFC 5965).", "abuse"),
        Field("reporter", "string", "Who passed it on.", "Yahoo!-Mail-Feedback"),
    )),
    EventKind(EventType.UNSUBSCRIBED, "The recipient unsubscribed.", (Field("how", "string", "one_click, page or mail.", "one_click"),)),
)  # fmt: skip
_DOMAIN = (_id("domain_id", "The domain."), Field("domain", "string", "Its name.", "acme.example", False))
_KEY = Field("key", "string", "What this limit is told of once for.", "day", False)
_OWN = (
    EventKind(Announcement.DOMAIN_VERIFIED, "A domain was verified, and may send.", _DOMAIN, False),
    EventKind(Announcement.DOMAIN_FAILED, "The proof of a domain vanished from DNS.", (
        *_DOMAIN, Field("state", "string", "failing: it still sends; off: it does not any more.", "failing", False),
        _moment("ends_at", "When it is switched off unless the record comes back; null when it is off."),
    ), False),
    EventKind(Announcement.BRIDGE_PAUSED, "A bridge was paused, by a person or by the guard.", (
        _id("bridge_id", "The bridge."), Field("bridge", "string", "Its name.", "Shop", False), Field("reason", "string", "Why.", "Too many bounces"),
    ), False),
    EventKind(Announcement.PROVIDER_LIMIT_REACHED, "A sending account took as much as its quota allows.", (
        _id("provider_id", "The sending account."), Field("provider", "string", "Its name.", "Relay in Frankfurt", False),
        Field("quota", "string", "hour or day.", "day", False), Field("limit", "integer", "The quota, in messages.", 10000, False),
        _moment("resets_at", "When it begins anew."), _KEY,
    ), False),
    EventKind(Announcement.LIMIT_REACHED, "A limit of your tenant refused mail. Told once a day for each limit.", (
        Field("limit", "string", "Which limit.", "daily", False), Field("value", "integer", "How many recipients it allows.", 1000, False), _KEY,
    ), False),
    EventKind(Announcement.WEBHOOK_TEST, "Sent by the test button; no filter applies to it.", (
        _id("endpoint_id", "The endpoint that is tested."), Field("message", "string", "A greeting.", "This is a test of your endpoint.", False),
    ), False),
)  # fmt: skip

KINDS: Mapping[str, EventKind] = MappingProxyType({str(kind.type): kind for kind in (*_MAIL, *_OWN)})
#: What an endpoint may ask for: everything but tests, which are sent to one endpoint only.
SUBSCRIBABLE = tuple(name for name in KINDS if name != Announcement.WEBHOOK_TEST)


def unknown_types(types: Iterable[str]) -> list[str]:
    """Those that are no event types, as a person wrote them."""
    return [name for name in types if name not in SUBSCRIBABLE]
