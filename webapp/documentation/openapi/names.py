"""Names of operations: what client libraries call their methods. They never change once published."""

from __future__ import annotations

import re

#: Where the rule below would give a poor name.
_OWN = {
    "POST /email/send": "send_email",
    "POST /email/send/batch": "send_batch",
    "POST /email/send/raw": "send_raw_email",
    "PATCH /email/{}": "reschedule_email",
    "GET /email/{}/explain": "explain_email",
    "POST /validate": "validate_email",
    "POST /validate/batch": "validate_emails",
    "POST /domains/{}/rotate-dkim": "rotate_domain_dkim",
    "DELETE /domains/{}/rotate-dkim": "give_up_domain_dkim_rotation",
    "POST /domains/{}/challenge": "renew_domain_challenge",
    "POST /pools/{}/members": "add_pool_member",
    "DELETE /pools/{}/members/{}": "remove_pool_member",
    "POST /ips/{}/warmup": "start_ip_warmup",
    "GET /ips/{}/warmup": "list_ip_warmup_plans",
    "GET /warmup/{}": "get_warmup_plan",
    "PATCH /warmup/{}": "update_warmup_plan",
    "POST /budgets": "set_budget",
    "POST /holds": "hold_back",
    "DELETE /holds/{}": "release_hold",
    "POST /suppressions": "add_suppression",
    "POST /suppressions/batch": "add_suppressions",
    "POST /suppressions/batch/remove": "remove_suppressions",
    "DELETE /suppressions/{}": "remove_suppression",
    "POST /suppressions/import": "import_suppressions",
    "GET /suppressions/imports/{}": "get_suppression_import",
    "POST /incidents": "undo_incident",
    "POST /team/invitations": "invite_member",
    "DELETE /team/invitations/{}": "withdraw_invitation",
    "GET /team/invitations": "list_invitations",
    "GET /team/invitations/{}": "get_invitation",
    "GET /team": "list_members",
    "GET /team/{}": "get_member",
    "PATCH /team/{}": "change_member_role",
    "DELETE /team/{}": "remove_member",
    "GET /activity": "list_activity",
    "GET /logs": "list_logs",
    "GET /stats": "get_stats",
    "GET /limits": "get_limits",
    "GET /reports": "list_reports",
    "GET /reports/{}/download": "download_report",
    "GET /permissions": "list_permissions",
    "POST /webhooks/postfix": "report_from_postfix",
    "POST /webhooks/{}/rotate-secret": "rotate_webhook_secret",
    "POST /webhooks/{}/replay": "replay_webhook_deliveries",
    "POST /webhooks/{}/deliveries/{}/replay": "replay_webhook_delivery",
    "PUT /contacts": "upsert_contact",
    "POST /contacts/batch": "upsert_contacts",
    "GET /contacts/{}/export": "export_contact",
    "POST /contacts/{}/merge": "merge_contacts",
    "GET /contacts/{}/tags": "list_contact_tags",
    "PUT /contacts/{}/tags/{}": "tag_contact",
    "DELETE /contacts/{}/tags/{}": "untag_contact",
    "GET /segments/{}/contacts/{}": "check_segment_contact",
    "POST /segments/preview": "preview_segment",
    "POST /events": "record_event",
    "POST /events/batch": "record_events",
    "POST /lists/{}/import": "import_list_contacts",
    "GET /lists/{}/contacts": "list_list_contacts",
    "POST /lists/{}/contacts": "add_list_contact",
    "DELETE /lists/{}/contacts/{}": "remove_list_contact",
    "POST /lists/{}/contacts/{}/unsubscribe": "unsubscribe_list_contact",
    "GET /keys/current": "get_current_key",
    "DELETE /keys/{}/previous": "end_previous_key",
    "GET /logs/{}": "get_log",
    "DELETE /limit-requests/{}": "withdraw_limit_request",
    "POST /team/invitations/{}/resend": "resend_invitation",
    "GET /webhooks/events": "list_webhook_event_types",
    "PUT /providers/{}/reports": "open_provider_reports",
    "GET /providers/{}/reports": "get_provider_reports",
    "DELETE /providers/{}/reports": "close_provider_reports",
    "POST /webhooks/in/{}/{}": "report_from_provider",
    "POST /providers/{}/limit-requests": "request_provider_limit",
    "POST /limit-requests": "request_limit",
}
#: Plural in form, one thing in meaning.
_ONE_THING = {"stats", "metrics", "limits", "usage", "dns", "activity", "logs", "analytics"}
_VERBS = {"POST": "create", "PATCH": "update", "PUT": "put", "DELETE": "delete"}


def operation_id(method: str, path: str, *, is_list: bool) -> str:
    """``PATCH /api/v1/pools/{pool_id}/members/{member_id}`` -> ``update_pool_member``."""
    short = re.sub(r"\{[^}]*\}", "{}", path.removeprefix("/api/v1"))
    if own := _OWN.get(f"{method} {short}"):
        return own
    steps = short.strip("/").split("/")
    words = [step.replace("-", "_").replace(".", "_") for step in steps if step != "{}"]
    ends_in_one = steps[-1] == "{}"
    if method == "POST" and not ends_in_one and not _is_collection(steps):
        nouns = words[:-1] if "{}" not in steps else [_singular(word) for word in words[:-1]]
        return "_".join([words[-1], *nouns])
    if method == "GET" and words[-1] == "export" and "{}" not in steps:
        return "_".join(["export", *words[:-1]])
    if method == "PUT" and not ends_in_one and steps[-1].endswith("s"):
        return "_".join(["replace", *(_singular(word) for word in words[:-1]), words[-1]])
    if method == "GET":
        noun = words[-1] if is_list and not ends_in_one else (_singular(words[-1]) if ends_in_one else words[-1])
        return "_".join(["list" if is_list else "get", *(_singular(word) for word in words[:-1]), noun])
    return "_".join([_VERBS[method], *(_singular(word) for word in words)])


def _is_collection(steps: list[str]) -> bool:
    """Whether a POST there makes something: the address ends in a plural that is the first word or stands behind an id."""
    return steps[-1].endswith("s") and (len(steps) == 1 or steps[-2] == "{}")


def _singular(word: str) -> str:
    if word in _ONE_THING or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "xes")) else word[:-1]
