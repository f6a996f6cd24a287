"""Headings of the reference, with a sentence or two about each."""

from __future__ import annotations

from typing import Any

ABOUT = """\
Send mail, and run everything around it: bridges, pools, relays, domains, keys, webhooks.

Send your key as `Authorization: Bearer <key>` (or `X-API-Key`). Bodies and answers are JSON in snake_case, times are RFC 3339 in UTC, ids are opaque.
The **sending** operations answer flat objects; all others answer `{"ok": true, "data": ..., "meta": {"request_id": ...}}`. Every refusal has one form,
`{"ok": false, "error": {"code", "message", "param", "doc_url", "retryable"}, ...}`, and its `doc_url` leads to a page that says what to do.

Lists come in pages (`limit`, `cursor`), every POST takes an `Idempotency-Key`, single objects have an `ETag`, and writes beside them take `If-Match`.
"""

_MORE = {
    "Sending": "Accepting mail, and following what became of it. 202 means stored for good, not yet delivered.",
    "Bridges": "One bridge an application: SMTP credentials and a token on top of a pool, with its own tracking switches, figures and guard.",
    "Pools": "What bridges route through: sending accounts and IP addresses, each with a weight. Pools of the platform are read-only.",
    "Pace": "How fast mail leaves: throttles that providers caused, budgets, warm-up of addresses, and holding mail back by hand.",
    "Sending accounts": "SMTP relays of your own. Passwords go in and never come out.",
    "Domains": "Domains to send from: what to publish in DNS, whether it is there, how well it is done, and the rotation of DKIM keys.",
    "Templates": "Subject, HTML and text with variables, named by a slug that sends refer to.",
    "Suppressions": "Addresses that get no mail, why, and how they got there.",
    "Incidents": "Undoing bounces that were not the recipients' fault, and sending again what is still of use.",
    "Stats": "Totals, rates and series, exact at once.",
    "Keys and roles": "API keys with role, mode, rate limit, IP list and expiry; reusable roles made of `noun.verb` permissions.",
    "Team": "The people of your tenant, and invitations.",
    "Activity": "Who changed what: a member, a key, or staff on behalf of a member. Nobody can edit it.",
    "Webhooks": "Endpoints of yours that hear about events, signed by the Standard Webhooks scheme.",
    "Reports in": "What other mail servers tell this one.",
}


def described(known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tags in their order, with a longer description where there is one."""
    return [{**tag, "description": _MORE.get(tag["name"], tag.get("description") or tag["name"])} for tag in known]
