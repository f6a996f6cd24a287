"""Fields that hold an id, for the tenancy matrix: how each is called with the owner's id in it.

A new field must be entered here; the tests fail until it is.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from tests.architecture import matrix_reading as reading


@dataclass(frozen=True)
class Field:
    """A field that holds an id: the call to make with the owner's id in it, beside the same call with an absent one.

    ``location``: json, form or query. ``value``: which of the owner's ids (a key of ``Estate.ids``), or ``slug``.
    ``body``: the rest of the call. ``door``: whether a key or a browser calls.
    """

    method: str
    path: str
    name: str
    value: str
    body: dict[str, Any] | None = None
    location: str = "json"

    @property
    def is_page(self) -> bool:
        """Whether a browser calls."""
        return not self.path.startswith(("/api/", "/compat/"))


_MAIL = {"from": "shop@other.test", "to": "jo@customer.example", "subject": "Hi", "text": "Hi"}
_RAW = {"raw": base64.b64encode(b"From: shop@other.test\r\nTo: jo@customer.example\r\nSubject: Hi\r\n\r\nHi\r\n").decode()}
_HOURS = {"since": "2026-06-01T09:00:00Z", "until": "2026-06-01T12:00:00Z"}
_TEMPLATED = {name: _MAIL[name] for name in ("from", "to")}

FIELDS = (
    Field("POST", "/api/v1/bridges", "pool_id", "pool_id", {"name": "x"}),
    Field("GET", "/api/v1/bridges", "pool_id", "pool_id", location="query"),
    Field("POST", "/api/v1/credentials", "domain_id", "domain_id", {"username": "noreply"}),
    Field("GET", "/api/v1/credentials", "domain_id", "domain_id", location="query"),
    Field("GET", "/api/v1/contacts", "list_id", "list_id", location="query"),
    Field("GET", "/api/v1/contacts", "tag_id", "tag_id", location="query"),
    Field("GET", "/api/v1/contacts/export", "list_id", "list_id", location="query"),
    Field("GET", "/api/v1/contacts/export", "tag_id", "tag_id", location="query"),
    Field("POST", "/api/v1/contacts/own:contact_id/merge", "into", "contact_id"),
    Field("PUT", "/api/v1/contacts/own:contact_id/tags", "tag_ids", "tag_id"),
    Field("POST", "/api/v1/events", "contact_id", "contact_id", {"name": "x"}),
    Field("POST", "/api/v1/events/batch", "events.contact_id", "contact_id", {"name": "x"}),
    Field("POST", "/api/v1/keys", "role", "role_id", {"name": "x"}),
    Field("PATCH", "/api/v1/keys/own:key_id", "role", "role_id"),
    Field("GET", "/api/v1/keys", "role", "role_id", location="query"),
    Field("GET", "/api/v1/keys", "made_by", "user_id", location="query"),
    Field("POST", "/api/v1/keys/revoke", "made_by", "user_id"),
    Field("GET", "/api/v1/activity", "object_id", "bridge_id", location="query"),
    Field("GET", "/api/v1/activity", "actor_id", "user_id", location="query"),
    Field("POST", "/api/v1/webhooks", "bridges", "bridge_id", {"url": "https://93.184.216.37/hooks"}),
    Field("PATCH", "/api/v1/webhooks/own:webhook_id", "bridges", "bridge_id"),
    Field("GET", "/api/v1/webhooks/own:webhook_id/deliveries", "event_id", "event_id", location="query"),
    Field("POST", "/webhooks/new", "bridges", "bridge_id", {"url": "https://93.184.216.37/hooks"}, "form"),
    Field("POST", "/api/v1/pools/own:pool_id/members", "sending_account_id", "provider_id"),
    Field("POST", "/api/v1/pools/own:pool_id/members", "ip_address_id", "ip_id"),
    Field("POST", "/api/v1/email/send", "bridge", "bridge_id", _MAIL),
    Field("POST", "/api/v1/email/send", "template", "slug", _TEMPLATED),
    Field("GET", "/compat/mailgun/v3/acme.test/events", "message-id", "message_id", location="query"),
    Field("POST", "/api/v1/email/send/raw", "bridge", "bridge_id", _RAW),
    Field("POST", "/api/v1/email/send/batch", "emails.bridge", "bridge_id", _MAIL),
    Field("POST", "/api/v1/email/send/batch", "emails.template", "slug", _TEMPLATED),
    Field("POST", "/api/v1/holds", "subject_id", "bridge_id", {"subject": "bridge", "reason": "x"}),
    Field("POST", "/api/v1/holds", "subject_id", "pool_id", {"subject": "pool", "reason": "x"}),
    Field("POST", "/pace/holds", "target", "bridge:bridge_id", {"reason": "x"}, "form"),
    Field("POST", "/pace/holds", "target", "pool:pool_id", {"reason": "x"}, "form"),
    Field("POST", "/pace/warmup", "ip_id", "ip_id", {}, "form"),
    Field("POST", "/bridges/new", "pool_id", "pool_id", {"name": "x"}, "form"),
    Field("POST", "/keys", "role", "role_id", {"name": "x", "mode": "sandbox"}, "form"),
    Field("POST", "/pools/own:pool_id/members", "member", "sending_account_id:provider_id", {}, "form"),
    Field("POST", "/switch-tenant", "tenant", "tenant_id", {}, "form"),
    Field("POST", "/suppressions/lift", "email", "email", {"note": "asked by phone"}, "form"),
    Field("GET", "/support-access/export.csv", "session", "support_session_id", location="query"),
    Field("GET", "/suppressions/why", "email", "email", location="query"),
    Field("POST", "/api/v1/incidents/preview", "bridge_id", "bridge_id", _HOURS),
    Field("POST", "/api/v1/incidents/preview", "member_id", "member_id", _HOURS),
    Field("POST", "/api/v1/incidents", "bridge_id", "bridge_id", {**_HOURS, "note": "our DNS was broken"}),
    Field("POST", "/api/v1/incidents", "member_id", "member_id", {**_HOURS, "note": "our DNS was broken"}),
    Field("POST", "/incidents/preview", "bridge_id", "bridge_id", _HOURS, "form"),
    Field("POST", "/incidents/preview", "member_id", "member_id", _HOURS, "form"),
    Field("POST", "/incidents/", "bridge_id", "bridge_id", {**_HOURS, "note": "our DNS was broken", "key": "x"}, "form"),
    Field("POST", "/incidents/", "member_id", "member_id", {**_HOURS, "note": "our DNS was broken", "key": "x"}, "form"),
    Field("GET", "/contacts/", "list", "list_id", location="query"),
    Field("GET", "/contacts/", "tag", "tag_id", location="query"),
    Field("GET", "/contacts/export.csv", "list", "list_id", location="query"),
    Field("POST", "/contacts/own:contact_id/lists", "list_id", "list_id", {}, "form"),
    Field("POST", "/contacts/own:contact_id/tags", "tag_id", "tag_id", {}, "form"),
    Field("POST", "/contacts/import", "list_id", "list_id", {"pasted": "a@b.test"}, "form"),
    Field("GET", "/messages/", "bridge", "bridge_id", location="query"),
    *(Field("GET", path, name, value, location="query") for path, name, value in reading.QUERIES),
    *(Field("POST", "/api/v1/reports", name, value, {"kind": "figures"}) for name, value in reading.NARROWING),
    Field("GET", "/messages/", "q", "message_id", location="query"),
    Field("GET", "/messages/export.csv", "bridge", "bridge_id", location="query"),
    Field("GET", "/messages/sandbox", "open", "message_id", location="query"),
    Field("GET", "/simulator/", "open", "mail_id", location="query"),
    Field("GET", "/activity/panel", "object_id", "bridge_id", location="query"),
    Field("GET", "/activity/", "object_id", "bridge_id", location="query"),
)  # fmt: skip
