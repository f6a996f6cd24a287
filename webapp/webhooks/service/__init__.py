"""Acts on webhooks: endpoints and their deliveries, hooks of sending accounts, and reports that came by callback."""

from webapp.webhooks.service.endpoints import (
    LETTERS,
    EndpointInput,
    create_endpoint,
    delete_endpoint,
    disable_endpoint,
    enable_endpoint,
    open_secret,
    reveal_secret,
    rotate_secret,
    update_endpoint,
)
from webapp.webhooks.service.fanout import fan_out
from webapp.webhooks.service.inbound import get_hook, get_open_hook, hook_url, note_refusal, prove_and_read, receive, remove_hook, set_hook
from webapp.webhooks.service.limits import announce_limits
from webapp.webhooks.service.replays import DELIVER, REPLAY, replay_delivery, replay_since, send_test, wake_webhooks, work_replays
from webapp.webhooks.service.reports import APPLY, check_postfix_secret, claim_reports, key_of, mark_applied, receive_report

__all__ = [
    "APPLY", "DELIVER", "LETTERS", "REPLAY", "EndpointInput", "announce_limits", "check_postfix_secret", "claim_reports", "create_endpoint", "delete_endpoint",
    "disable_endpoint", "enable_endpoint", "fan_out", "get_hook", "get_open_hook", "hook_url", "key_of", "mark_applied", "note_refusal", "open_secret",
    "prove_and_read", "receive", "receive_report", "remove_hook", "replay_delivery", "replay_since", "reveal_secret", "rotate_secret", "send_test",
    "set_hook", "update_endpoint", "wake_webhooks", "work_replays",
]  # fmt: skip
