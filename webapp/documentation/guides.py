"""The guides, in the order in which a newcomer reads them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guide:
    """One page: its address, title, and what it is good for. Its text is ``templates/docs/<slug>.html``."""

    slug: str
    title: str
    lead: str


GUIDES = (
    Guide("first-send", "Your first send", "From nothing to a delivered message in five languages."),
    Guide("smtp", "Sending by SMTP", "Ports, encryption, control headers and replies."),
    Guide("domains", "Domains and DNS", "What each record is for, and what goes wrong most often."),
    Guide("sandbox", "Sandbox and simulator", "Try everything without writing to anybody."),
    Guide("idempotency", "Idempotency keys", "Repeat a request without sending twice."),
    Guide("tracking", "Opens, clicks and unsubscribes", "What is measured, what is left alone."),
    Guide("webhooks", "Webhooks", "Hear of every event, verify it, and send again what was missed."),
    Guide("bring-your-code", "Bring your code", "Clients of Resend, Postmark, SendGrid and Mailgun, pointed here."),
    Guide("pagination", "Lists, pages and limits", "Cursors, rate limits, ETags."),
)
