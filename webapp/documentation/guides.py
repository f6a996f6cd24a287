"""The guides, in the order in which a newcomer reads them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guide:
    """One page: its address, title, and what it is good for. Its text is ``templates/docs/<slug>.html``; ``section``: where the menu shows it."""

    slug: str
    title: str
    lead: str
    section: str = "Start"


GUIDES = (
    Guide("first-send", "Your first send", "From nothing to a delivered message in five languages."),
    Guide("smtp", "Sending by SMTP", "Ports, encryption, control headers and replies."),
    Guide("sandbox", "Sandbox and simulator", "Try everything without writing to anybody."),
    Guide("clients", "Clients and command line", "The typed Python client, `postbridge send`, Postman, and code for other languages."),
    Guide("domains", "Domains and DNS", "What each record is for, and what goes wrong most often.", "Sending"),
    Guide("idempotency", "Idempotency keys", "Repeat a request without sending twice.", "Sending"),
    Guide("tracking", "Opens, clicks and unsubscribes", "What is measured, what is left alone.", "Sending"),
    Guide("suppressions", "Suppressions", "Who gets no mail, why, and how an address comes back.", "Sending"),
    Guide("audience", "Contacts, lists and segments", "Whom you write to: taking people in, letting them go, and choosing among them.", "Sending"),
    Guide("webhooks", "Webhooks", "Hear of every event, verify it, and send again what was missed.", "Sending"),
    Guide("keys", "Keys and roles", "What a key may do, from where, how often, and how to change it without a pause.", "The API"),
    Guide("pagination", "Lists and pages", "Cursors, filters, and objects that change while you read.", "The API"),
    Guide("rate-limits", "Rate limits", "How many requests, how to see it coming, how to wait.", "The API"),
    Guide("bring-your-code", "Bring your code", "Clients of Resend, Postmark, SendGrid and Mailgun, pointed here.", "Moving here"),
    Guide("migration", "Moving from another service", "Postal, SendGrid, Mailgun, Postmark, Resend, SES, listmonk: what is alike, what is not.", "Moving here"),
    Guide("support-access", "Support access", "When support staff may look at your dashboard, what they can never do, and how you see it.", "Operating"),
    Guide("account-security", "Security of your account", "Second factors, passkeys, sessions, and what to do when something is lost.", "Operating"),
    Guide("self-hosting", "Running it yourself", "What it needs, what to set, where to read on.", "Operating"),
)


def sections() -> dict[str, list[Guide]]:
    """The guides by section, in order."""
    found: dict[str, list[Guide]] = {}
    for guide in GUIDES:
        found.setdefault(guide.section, []).append(guide)
    return found
