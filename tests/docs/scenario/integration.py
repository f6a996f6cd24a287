"""Webhooks, reports of relays, limits, the log, figures."""

from tests.docs.scenario.steps import Step

_HOOK = {"webhook_id": "$webhook"}
_DELIVERY = {**_HOOK, "delivery_id": "$delivery"}
_REPORTS = {"provider_id": "$provider"}
WEBHOOKS = (
    Step(
        "create_webhook",
        "Deliveries and bounces",
        {"url": "https://hooks.your-domain.com/mail", "events": ["email.delivered", "email.bounced"], "description": "Shop"},
        save={"webhook": "data.id"},
    ),
    Step("list_webhook_event_types", "Every type of event"),
    Step("get_webhook", "Read an endpoint", path=_HOOK),
    Step("list_webhooks", "All endpoints"),
    Step("update_webhook", "Complaints too", {"events": ["email.delivered", "email.bounced", "email.complained"]}, path=_HOOK),
    Step("test_webhook", "Send a test event", path=_HOOK),
    Step("get_webhook_health", "How it is doing", path=_HOOK),
    Step("list_webhook_deliveries", "The log of an endpoint", path=_HOOK, before="call", save={"delivery": "data.0.id"}),
    Step("get_webhook_delivery", "One delivery", path=_DELIVERY),
    Step("replay_webhook_delivery", "Send it again", path=_DELIVERY),
    Step("replay_webhook_deliveries", "Send everything again since", path=_HOOK, query={"since": "2026-05-04T08:30:00Z"}),
    Step("list_webhook_replays", "Replays", path=_HOOK),
    Step("rotate_webhook_secret", "A new secret", {"overlap_hours": 24}, path=_HOOK),
    Step("delete_webhook", "Delete an endpoint", path=_HOOK),
    Step("open_provider_reports", "Let a relay report", {"provider": "generic"}, path=_REPORTS, save={"hook": "data.id", "proof": "data.secret"}),
    Step("get_provider_reports", "Where it reports to", path=_REPORTS),
    Step("close_provider_reports", "No longer", path=_REPORTS),
)
LIMITS = (
    Step("get_limits", "What there is only so much of"),
    Step("request_limit", "Ask for more", {"limit": "api_keys", "wanted": 250, "reason": "One key for each of our 200 shops."}, save={"limit": "data.id"}),
    Step("get_limit_request", "How it stands", path={"limit_request_id": "$limit"}),
    Step("list_limit_requests", "All requests"),
    Step("withdraw_limit_request", "Withdraw it", path={"limit_request_id": "$limit"}),
    Step("get_current_key", "Who am I?"),
    Step("create_key", "A key to roll", {"name": "Worker", "mode": "live", "role": "root:readonly"}, save={"worker": "data.id"}),
    Step("roll_key", "A new secret in place", {"overlap_seconds": 3600}, path={"key_id": "$worker"}),
    Step("end_previous_key", "End the old secret now", path={"key_id": "$worker"}),
    Step("revoke_keys", "End several", {"ids": ["$worker"]}),
    Step("invite_member", "Invite somebody else", {"email": "kim@example.com", "role": "viewer"}, save={"second_invitation": "data.id"}),
    Step("resend_invitation", "Send the letter again", path={"invitation_id": "$second_invitation"}),
)
FIGURES = (
    Step("list_logs", "Delivered mail", query={"status": "delivered", "limit": 2}, save={"log": "data.0.id"}),
    Step("get_log", "One row", path={"log_id": "$log"}),
    Step("get_metrics", "Deliveries by day", path={"metric": "delivered"}, query={"days": 2, "interval": "day"}),
    Step("create_report", "The log as a file", {"kind": "log", "days": 2, "title": "Log of the week"}, save={"report": "data.id"}),
    Step("get_report", "How far it is", path={"report_id": "$report"}),
    Step("list_reports", "All reports"),
)
INTEGRATION = (*WEBHOOKS, *LIMITS, *FIGURES)
