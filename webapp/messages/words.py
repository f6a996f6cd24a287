"""What becomes of mail, in plain words: the sentences that pages, the API and explanations share."""

from __future__ import annotations

from webapp.messages.types import EventType

#: What a reply's class means, and what we do about it.
CLASSES = {
    "hard.unknown_user": "The mailbox does not exist; we will not write to it again.",
    "hard.bad_domain": "The domain takes no mail; we will not write to it again.",
    "soft.mailbox_full": "The mailbox is full; we keep trying.",
    "soft.inactive": "The mailbox is switched off.",
    "greylist": "The server asks new senders to come back; we do.",
    "throttle": "The server asks us to slow down; we do.",
    "block.reputation": "The server refuses our address, not the recipient; nobody is suppressed for it.",
    "policy.auth": "SPF, DKIM or DMARC of the sender's domain did not satisfy the server; the domain's records need a look.",
    "content": "The server did not like what the message says.",
    "tls": "The encryption both sides could offer did not meet what is required.",
    "net": "The server could not be reached, or the connection broke; we try again.",
    "expired": "It could not be delivered before it expired.",
    "protocol": "The two servers did not understand each other; that is ours to look at.",
    "relay": "The relay account refused to take mail from us.",
    "temporary": "The server could not take it at that moment; we try again.",
    "rejected": "The server refused it for good, without saying why in words we know.",
    "unknown_after_data": "The connection broke after the last byte and before the answer; we try again.",
    "not_tried": "Nothing was said to the server yet.",
}

#: Whose trouble it is.
BLAMES = {
    "recipient": "It is about the recipient's address.",
    "content": "It is about what the message says.",
    "our_ip": "It is about the address it left from, not about the sender or the recipient.",
    "our_domain": "It is about the records of the sender's domain.",
    "ours": "It is our own fault.",
    "remote": "It is the receiving server's trouble.",
}

DOORS = {"api": "Over the API", "smtp": "Over SMTP", "dashboard": "From the dashboard", "cli": "From the command line"}

#: Facts that need no further words; the others depend on what they carry.
FACTS: dict[str, str] = {
    EventType.SCHEDULED: "Waits for its time.",
    EventType.SANDBOXED: "Captured: sandbox mail is never sent.",
    EventType.DELAYED: "It has not been delivered for hours, and is still being tried.",
    EventType.CANCELLED: "Cancelled before it was sent.",
    EventType.OPENED: "The pixel was loaded.",
    EventType.CLICKED: "A link was followed.",
    EventType.COMPLAINED: "The recipient marked it as spam; we will not write to the address again.",
    EventType.UNSUBSCRIBED: "The recipient asked to get no more bulk mail.",
}

#: Why undoing an incident did not send a recipient's mail again.
KEPT = {
    "expired": "it is past its expiry", "content_gone": "its content is past the retention", "reached_since": "the same mail has arrived since",
    "suppressed": "the address is suppressed for another reason",
}  # fmt: skip


def people(count: int) -> str:
    """"1 recipient", "3 recipients"."""
    return f"{count:,} recipient{'' if count == 1 else 's'}"
