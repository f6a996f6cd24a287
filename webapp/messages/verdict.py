"""What became of a message, in one sentence for people: the head of its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from webapp.messages.models import Message, Recipient
from webapp.messages.types import RecipientState as State
from webapp.messages.words import CLASSES

_WORST = (State.BOUNCED, State.FAILED, State.HELD, State.SUPPRESSED, State.DEFERRED, State.QUEUED, State.SCHEDULED, State.CANCELLED)

#: State -> tone of the banner, its title, and what it means when nothing is known that is more exact.
_PLAIN: dict[State, tuple[str, str, str]] = {
    State.SCHEDULED: ("note", "Waits for its time", "Nothing was sent yet."),
    State.HELD: ("warn", "Held", "It waits for a person."),
    State.QUEUED: ("note", "On its way", "It is stored and waits for a worker."),
    State.DEFERRED: ("warn", "Not delivered yet; it will be tried again", "The receiving server did not take it this time."),
    State.DELIVERED: ("good", "Delivered", "The receiving server took it over."),
    State.BOUNCED: ("bad", "Bounced", "The receiving server refused it for good."),
    State.FAILED: ("bad", "Failed", "It could not be delivered."),
    State.SUPPRESSED: ("quiet", "Not sent: the address is suppressed", "Take it off the suppression list to write to it again."),
    State.CANCELLED: ("quiet", "Cancelled", "It was taken back before it was sent."),
    State.SANDBOXED: ("warn", "Captured in the sandbox", "Sandbox mail is never sent; nobody received it."),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``tone`` is a banner's; ``title`` says what, ``text`` says why."""

    tone: str
    title: str
    text: str


def verdict(message: Message, recipients: Sequence[Recipient]) -> Verdict:
    """The state of the whole message and its reason."""
    if len(recipients) == 1:
        return _of_one(message, recipients[0])
    counts = Counter(State(r.state) for r in recipients)
    if len(counts) == 1:
        tone, title, text = _PLAIN[next(iter(counts))]
        return Verdict(tone, f"{title}, all {len(recipients)} recipients", text)
    state = next(s for s in (*_WORST, *counts) if s in counts)
    parts = [f"{number:,} {found.value}" for found, number in counts.most_common()]
    reasons = dict.fromkeys(f"{r.address}: {_reason(r)}" for r in recipients if r.state == state)
    more = f" And {len(reasons) - 2:,} more." if len(reasons) > 2 else ""
    return Verdict(_PLAIN[state][0], f"{', '.join(parts)}, of {len(recipients):,} recipients", " ".join(list(reasons)[:2]) + more)


def _of_one(message: Message, recipient: Recipient) -> Verdict:
    state = State(recipient.state)
    tone, title, text = _PLAIN[state]
    if state is State.DELIVERED:
        return _after_delivery(recipient)
    if state is State.SCHEDULED and message.send_at:
        text = f"It leaves on {message.send_at:%-d %B %Y at %H:%M} UTC. Until then it can be cancelled or given another time."
    elif recipient.reply_class or recipient.state_reason:
        text = _reason(recipient)
    return Verdict(tone, title, text)


def _reason(recipient: Recipient) -> str:
    known = CLASSES.get(recipient.reply_class or "")
    return known or recipient.state_reason or _PLAIN[State(recipient.state)][2]


def _after_delivery(recipient: Recipient) -> Verdict:
    tries = f" on attempt {recipient.attempts}" if recipient.attempts > 1 else ""
    text = f"The server of {recipient.address.rpartition('@')[2]} took it over{tries}."
    if recipient.complained_at:
        return Verdict("bad", "Delivered, then reported as spam", f"{text} The recipient marked it as spam, so the address is suppressed.")
    read = "opened and clicked" if recipient.first_clicked_at else "opened" if recipient.first_opened_at else ""
    return Verdict("good", f"Delivered, {read}" if read else "Delivered", text)
