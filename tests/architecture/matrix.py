"""The tenancy matrix: how each route with an id, and each field that holds one, is called by a stranger.

A new route or field must be entered here; the tests fail until it is.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from tests.architecture import matrix_reading as reading
from tests.architecture.estate import Estate

#: JSON bodies (API) and forms (pages) that would do harm if the id were believed. None: no body.
ROUTES: dict[str, dict[str, Any] | None] = {
    # API
    "GET Bridges.OneBridge": None,
    "PATCH Bridges.OneBridge": {"name": "taken", "track_opens": True},
    "DELETE Bridges.OneBridge": None,
    "GET Bridges.BridgeCredentials": None,
    "POST Bridges.pause": {"reason": "taken"},
    "POST Bridges.resume": None,
    "POST Bridges.rotate": {"overlap_days": 0},
    "GET Bridges.BridgeGuard": None,
    "PATCH Bridges.BridgeGuard": {"bounce_pause": 0.02},
    "GET Stats.BridgeStats": None,
    "GET Logs.OneLog": None,
    "GET Reports.OneReport": None,
    "GET Reports.ReportFile": None,
    "GET Bridges.OneCredential": None,
    "PATCH Bridges.OneCredential": {"display_name": "taken"},
    "DELETE Bridges.OneCredential": None,
    "POST Bridges.rotate_credential": {"overlap_days": 0},
    "GET Domains.OneDomain": None,
    "PATCH Domains.OneDomain": {"covers_subdomains": True},
    "DELETE Domains.OneDomain": None,
    "GET Domains.Records": None,
    "POST Domains.verify": None,
    "POST Domains.renew_challenge": None,
    "POST Domains.Rotation": None,
    "DELETE Domains.Rotation": None,
    "GET Domains.ScoreOfDomain": None,
    "GET Domains.Checks": None,
    "GET Pools.OneIp": None,
    "PATCH Pools.OneIp": {"active": False},
    "GET Keys and roles.Key": None,
    "PATCH Keys and roles.Key": {"name": "taken"},
    "DELETE Keys and roles.Key": None,
    "POST Keys and roles.KeyRevocation": None,
    "POST Keys and roles.KeyRoll": {"overlap_seconds": 0},
    "DELETE Keys and roles.PreviousSecret": None,
    "GET Pace.OneThrottle": None,
    "POST Pace.lift": None,
    "DELETE Pace.OneBudget": None,
    "GET Pace.Warmup": None,
    "POST Pace.Warmup": {"providers": ["google"]},
    "GET Pace.OnePlan": None,
    "PATCH Pace.OnePlan": {"state": "finished"},
    "DELETE Pace.OneHold": None,
    "GET Pools.OnePool": None,
    "PATCH Pools.OnePool": {"paused": True},
    "DELETE Pools.OnePool": None,
    "GET Pools.Members": None,
    "POST Pools.Members": {"sending_account_id": "own:provider_id"},
    "GET Pools.OneMember": None,
    "PATCH Pools.OneMember": {"weight": 1},
    "DELETE Pools.OneMember": None,
    "GET Sending accounts.OneProvider": None,
    "GET Sending accounts.ProviderUsage": None,
    "PATCH Sending accounts.OneProvider": {"host": "93.184.216.35"},
    "DELETE Sending accounts.OneProvider": None,
    "POST Sending accounts.activate": None,
    "POST Sending accounts.deactivate": None,
    "POST Sending accounts.test": None,
    "POST Sending accounts.request_limit": {"wanted": 100000, "reason": "taken"},
    "GET Keys and roles.OneRole": None,
    "PATCH Keys and roles.OneRole": {"permissions": ["*"]},
    "DELETE Keys and roles.OneRole": None,
    "DELETE Suppressions.OneSuppression": None,
    "GET Suppressions.OneSuppression": None,
    "GET Suppressions.one_import": None,
    "GET Incidents.one_incident": None,
    "GET Team.TeamMember": None,
    "PATCH Team.TeamMember": {"role": "owner"},
    "DELETE Team.TeamMember": None,
    "GET Team.Invitation": None,
    "DELETE Team.Invitation": None,
    "POST Team.resend_invitation": None,
    "GET Limits.OneLimitRequest": None,
    "DELETE Limits.OneLimitRequest": None,
    "GET Sending.Email": None,
    "PATCH Sending.Email": {"send_at": "2099-01-01T00:00:00Z"},
    "GET Sending.Content": None,
    "GET Sending.Explain": None,
    "POST Sending.Cancel": None,
    "POST Sending.Resend": None,
    "GET Templates.OneTemplate": None,
    "PATCH Templates.OneTemplate": {"subject": "taken"},
    "DELETE Templates.OneTemplate": None,
    "POST Templates.preview": {"variables": {}},
    "GET Audience.OneContact": None,
    "PATCH Audience.OneContact": {"first_name": "taken"},
    "DELETE Audience.OneContact": None,
    "POST Audience.erase": None,
    "POST Audience.merge": {"into": "own:contact_id"},
    "GET Audience.export_one": None,
    "GET Audience.list_events": None,
    "GET Audience.ContactTags": None,
    "PUT Audience.ContactTags": {"tag_ids": []},
    "PUT Audience.ContactTagOne": None,
    "DELETE Audience.ContactTagOne": None,
    "GET Audience.OneList": None,
    "PATCH Audience.OneList": {"name": "taken"},
    "DELETE Audience.OneList": None,
    "GET Audience.ListContacts": None,
    "POST Audience.ListContacts": {"email": "taken@customer.example"},
    "DELETE Audience.ListContact": None,
    "POST Audience.leave": None,
    "POST Audience.import_into_list": None,
    "GET Audience.OneTag": None,
    "PATCH Audience.OneTag": {"name": "taken"},
    "DELETE Audience.OneTag": None,
    "GET Audience.OneSegment": None,
    "PATCH Audience.OneSegment": {"name": "taken"},
    "DELETE Audience.OneSegment": None,
    "GET Audience.count": None,
    "GET Audience.contacts": None,
    "GET Audience.why": None,
    "GET Audience.one_import": None,
    "POST Audience.cancel": None,
    "GET Audience.errors": None,
    "GET Webhooks.OneEndpoint": None,
    "PATCH Webhooks.OneEndpoint": {"url": "https://93.184.216.37/taken"},
    "DELETE Webhooks.OneEndpoint": None,
    "GET Webhooks.health": None,
    "POST Webhooks.rotate_secret": {"overlap_hours": 0},
    "POST Webhooks.send_test": None,
    "GET Webhooks.list_deliveries": None,
    "GET Webhooks.one_delivery": None,
    "POST Webhooks.replay_delivery": None,
    "POST Webhooks.replay": None,
    "GET Webhooks.list_replays": None,
    "GET Webhooks.ReportsOfProvider": None,
    "PUT Webhooks.ReportsOfProvider": {"provider": "postmark"},
    "DELETE Webhooks.ReportsOfProvider": None,
    # Clients of other services
    "GET dialects.resend_read": None,
    "PATCH dialects.resend_retime": {"scheduled_at": "2099-01-01T00:00:00Z"},
    "POST dialects.resend_cancel": None,
    "GET dialects.postmark_details": None,
    "GET dialects.postmark_dump": None,
    "GET dialects.sendgrid_read": None,
    "GET dialects.mailgun_stored": None,
    # Pages
    "GET contacts.show": None,
    "POST contacts.update": {"email": "taken@customer.example"},
    "POST contacts.delete": None,
    "POST contacts.join": {"list_id": "own:list_id"},
    "POST contacts.leave": None,
    "POST contacts.tag": {"tag_id": "own:tag_id"},
    "POST contacts.untag": None,
    "GET contacts.one_list": None,
    "GET contacts.export_list": None,
    "POST contacts.update_list": {"name": "taken"},
    "POST contacts.delete_list": None,
    "POST contacts.ask_members_again": None,
    "POST contacts.add_member": {"email": "taken@customer.example"},
    "POST contacts.delete_tag": None,
    "GET contacts.one_segment": None,
    "POST contacts.update_segment": {"name": "taken", "field": "email", "key": "", "operator": "contains", "value": "@", "days": ""},
    "GET contacts.segment_contacts": None,
    "POST contacts.delete_segment": None,
    "GET contacts.one_import": None,
    "POST contacts.begin_import": {"mapping": "email"},
    "POST contacts.cancel_one_import": None,
    "GET contacts.import_errors": None,
    "GET bridges.show": None,
    "POST bridges.pause": None,
    "POST bridges.resume": {"note": "taken over"},
    "POST bridges.guard": {"bounce_pause": "2", "spike_action": "off", "sender_action": "off"},
    "GET bridges.credentials_file": None,
    "POST bridges.end_credential": None,
    "POST bridges.delete": None,
    "GET stats.bridge_panel": None,
    "GET bridges.reveal": None,
    "POST bridges.rotate": {"overlap_days": "0"},
    "POST bridges.update": {"name": "taken", "stream": "bulk"},
    "POST bridges.track": {"on": "true"},
    "GET webhooks.show": None,
    "POST webhooks.update": {"url": "https://93.184.216.37/taken"},
    "GET webhooks.reveal": None,
    "POST webhooks.rotate": {"overlap_hours": "0"},
    "POST webhooks.switch": None,
    "POST webhooks.delete": None,
    "GET webhooks.deliveries": None,
    "GET webhooks.export_deliveries": None,
    "GET webhooks.delivery": None,
    "POST webhooks.replay_delivery": None,
    "POST webhooks.replay": {"since": "2026-01-01T00:00"},
    "POST webhooks.test": None,
    "GET webhooks.reports": None,
    "POST webhooks.set_reports": {"provider": "postmark"},
    "POST webhooks.remove_reports": None,
    "GET domains.show": None,
    "POST domains.delete": None,
    "POST domains.update": {"on": "true"},
    "POST domains.verify": None,
    "GET domains.zone_file": None,
    "GET domains.records_file": None,
    "GET domains.checks": None,
    "GET domains.export_checks": None,
    "POST domains.renew_challenge": None,
    "POST domains.rotate": None,
    "POST domains.give_up_rotation": None,
    "POST domains.update_hosts": {"return_path_label": "taken", "tracking_label": "taken-too"},
    "POST access.revoke_key": None,
    "POST access.roll_key": None,
    "GET messages.show": None,
    "POST messages.forget_filter": None,
    "GET reports.download": None,
    "POST reports.delete": None,
    "GET messages.attachment": None,
    "POST messages.cancel": None,
    "GET messages.html": None,
    "GET messages.live": None,
    "POST messages.resend": None,
    "GET messages.source": None,
    "POST messages.retime": {"send_at": "2030-01-01T00:00"},
    "GET suppressions.imported": None,
    "GET suppressions.problems": None,
    "GET incidents.show": None,
    "POST pace.lift": None,
    "GET pace.plan": None,
    "POST pace.change_plan": None,
    "POST pace.delete_budget": None,
    "POST pace.release": None,
    "GET pace.pool_panel": None,
    "GET pools.show": None,
    "POST pools.update": {"name": "taken"},
    "POST pools.pause": None,
    "POST pools.delete": None,
    "POST pools.add_member": {"member": "sending_account_id:own:provider_id"},
    "POST pools.update_member": {"weight": "1"},
    "POST pools.remove_member": None,
    "GET access.role": None,
    "POST access.save_role": {"name": "taken", "permissions": "*"},
    "POST access.delete_role": None,
    "GET sending_accounts.show": None,
    "POST sending_accounts.update": {"name": "taken", "host": "93.184.216.35"},
    "POST sending_accounts.activate": None,
    "POST sending_accounts.delete": None,
    "POST sending_accounts.test": None,
    "POST accounts.end_session": None,
    "POST accounts.rename_passkey": {"name": "taken"},
    "POST accounts.remove_passkey": None,
    "POST accounts.disconnect_oidc": None,
    "GET simulator.html": None,
    "GET simulator.source": None,
    "POST accounts.remove": None,
    "POST accounts.reset_factors": None,
    "POST accounts.change_role": {"role": "owner"},
    "POST accounts.withdraw": None,
    "POST accounts.resend": None,
    "POST tenants.withdraw": None,
    "POST support.withdraw": None,
    "POST support.revoke": None,
    "POST support.stop_session": None,
    "GET support.session": None,
    "GET content.edit": None,
    "POST content.update": {"name": "taken", "subject": "taken", "text": "taken", "slug": "taken"},
    "POST content.delete": None,
    "GET content.preview": None,
}

#: Routes whose variable part names nobody's rows, each with the reason.
NO_ID = {
    "Stats.Metrics": "the name of a measure, the same for everybody",
    "static": "a file that is the same for everybody",
    "suppressions.platform_settle": "for staff, who see the alarms of all tenants; everybody else is refused whatever the id",
    "pace.platform_lift": "for staff, who lift the throttles of all tenants; everybody else is refused whatever the id",
    **dict.fromkeys(
        (
            "backoffice.tenant", "backoffice.suspend", "backoffice.resume", "backoffice.limits", "backoffice.note", "backoffice.start_form",
            "backoffice.start", "backoffice.request_page", "backoffice.decide", "backoffice.decide_limit", "backoffice.delete_plan", "backoffice.pause_pool",
            "backoffice.add_pool_member", "backoffice.remove_pool_member", "backoffice.use_address", "backoffice.change_warmup",
            "backoffice.delete_platform_budget", "backoffice.change_colleague", "backoffice.remove_colleague",
        ),
        "for staff, who see all tenants; everybody else is refused whatever the id",
    ),
    "docs.guide": "a page of the documentation",
    "docs.operations_of": "a page of the documentation",
    "dialects.unknown": "there is nothing",
    "dialects.mailgun_send": "the domain in the address says nothing; the sender's is checked",
    "dialects.mailgun_send_mime": "the domain in the address says nothing; the sender's is checked",
    "dialects.mailgun_events": "the domain in the address says nothing; the message is a query",
    "dialects.mailgun_no_events": "always an empty page",
    "Reports in.FromProvider": "the address names a hook, and only the provider's own proof opens it",
    "tracking.confirm_unsubscribe": "a signed token is the proof",
    "tracking.do_unsubscribe": "a signed token is the proof",
    "contacts.ask": "a signed token is the proof",
    "contacts.confirm": "a signed token is the proof",
}

#: Variable parts that choose something inside the object that another part names, by endpoint.
INSIDE: dict[str, dict[str, Any]] = {
    "dialects.mailgun_stored": {"domain": "acme.test"},
    "Stats.Metrics": {"metric": "sent"},
    "messages.attachment": {"number": 0},
    "bridges.end_credential": {"number": 1},
}


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

#: Fields of the OpenAPI document that look like ids and are none, each with the reason.
NOT_AN_ID: dict[str, str] = {
    "POST /api/v1/reports template": "a slug the log is narrowed by",
    "PATCH /api/v1/team/{user_id} role": "a word: owner, admin, developer, viewer",
    "POST /api/v1/team/invitations role": "a word",
    "POST /api/v1/webhooks/postfix message_id": "a Message-ID header; the shared secret speaks for the platform, not for a tenant",
    "POST /api/v1/email/send attachments.content_id": "names a picture inside the message",
    "POST /api/v1/email/send/batch emails.attachments.content_id": "names a picture inside the message",
}

#: Form fields with an id, by the class of their schema.
FORM_FIELDS = {
    **{f"{form}.{name}": path for form, path in (("FilterForm", "/incidents/preview"), ("UndoForm", "/incidents/")) for name in ("bridge_id", "member_id")},
    "PickForm.list_id": "/contacts/own:contact_id/lists", "PickForm.tag_id": "/contacts/own:contact_id/tags", "UploadForm.list_id": "/contacts/import",
    "BridgeForm.pool_id": "/bridges/new", "MemberForm.member": "/pools/own:pool_id/members", "SwitchTenantForm.tenant": "/switch-tenant",
    "EndpointIn.bridges": "/webhooks/new", "HoldForm.target": "/pace/holds", "WarmupForm.ip_id": "/pace/warmup"}

#: Fields of forms on routes marked ``staff_only``, for staff who see all tenants; everybody else is refused before the form is read.
STAFF_FORM_FIELDS = {
    "LimitsForm.plan", "PlanForm.plan", "SharedMemberForm.member", "SharedWarmupForm.ip", "StartForm.member",
}  # fmt: skip

#: Names that views read from the address themselves: those that hold ids, and the rest.
QUERY_IDS = {"list", "tag", "bridge", "open", "object_id", "session"}
QUERY_PLAIN = reading.PLAIN | {"ill", "domain", "q", "cursor", "state", "days", "mode", "number", "next", "token", "email", "source", "show", "type"}


def filled(value: Any, own: dict[str, str]) -> Any:
    """``own:pool_id`` replaced by the caller's own id, so that only the foreign id can be what is refused."""
    if isinstance(value, dict):
        return {name: filled(inner, own) for name, inner in value.items()}
    if isinstance(value, str):
        for name, text in own.items():
            value = value.replace(f"own:{name}", text)
    return value


def value_of(field: Field, estate: Estate) -> str:
    """What stands in the field: the owner's."""
    kind, _, name = field.value.rpartition(":")
    return (f"{kind}:" if kind else "") + (estate.slug if name == "slug" else estate.ids[name])
