"""Why a message is where it is: its facts, attempts and present state as one line of plain sentences, oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from webapp.domains.service import alignment_of
from webapp.kernel.ids import uuid7_time
from webapp.kernel.scope import Mode, Scope
from webapp.messages.models import DeliveryAttempt, Message, Recipient
from webapp.messages.queries import attempts_of, events_of, queue_of
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
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline. ``state`` chooses icon and colour; ``detail`` is what the other side said.

    ``recipients`` names whom it is about when the message has several.
    """

    at: datetime
    state: str
    title: str
    text: str
    detail: str | None = None
    recipients: tuple[str, ...] = ()


def explain(scope: Scope, message: Message, recipients: Sequence[Recipient]) -> list[Step]:
    """Every step of a message, and at the end what it waits for."""
    addresses = {r.id: r.address for r in recipients}
    named = addresses if len(addresses) > 1 else {}
    steps = [Step(uuid7_time(message.id), "accepted", "Accepted", _how_it_came(message))]
    steps += [_of_event(e.at, e.type, e.data or {}, _name(named, e.recipient_id)) for e in events_of(scope, message)]
    attempts = attempts_of(scope, message)
    steps += [_of_lost(a, named) for a in attempts if a.outcome == "unknown"]
    steps += _authentication(scope, message, attempts)
    steps.sort(key=lambda step: step.at)
    return _joined(steps) + _waiting(scope, message, named)


def _joined(steps: list[Step]) -> list[Step]:
    """Neighbours that say the same of several recipients, as one line."""
    found: list[Step] = []
    for step in steps:
        last = found[-1] if found else None
        same = last and (last.state, last.title, last.text, last.detail) == (step.state, step.title, step.text, step.detail)
        if last and same and step.recipients and step.at - last.at < timedelta(seconds=5):
            found[-1] = replace(last, recipients=last.recipients + step.recipients)
        else:
            found.append(step)
    return found


def _name(named: dict[UUID, str], recipient_id: UUID) -> tuple[str, ...]:
    return (named[recipient_id],) if recipient_id in named else ()


def _how_it_came(message: Message) -> str:
    doors = {"api": "Over the API", "smtp": "Over SMTP", "dashboard": "From the dashboard", "cli": "From the command line"}
    door = doors.get(message.door, "By Postbridge itself")
    return f"{door}, {message.recipient_count} recipient{'s' if message.recipient_count > 1 else ''}, {message.size:,} bytes."


def _said(data: dict[str, Any]) -> str | None:
    """The server's own words, with the code in front once."""
    code, reply = str(data.get("code") or ""), str(data.get("reply") or "")
    return (reply if reply.startswith(code) else f"{code} {reply}") if code else None


def _of_event(at: datetime, kind: str, data: dict[str, Any], recipients: tuple[str, ...]) -> Step:
    state, detail = kind.removeprefix("email."), _said(data)
    text = {
        EventType.QUEUED: "Waits for a worker.",
        EventType.SCHEDULED: "Waits for its time.",
        EventType.SANDBOXED: "Captured: sandbox mail is never sent.",
        EventType.DELIVERED: f"{data.get('remote', 'The receiving server')} took it over.",
        EventType.DELAYED: "It has not been delivered for hours, and is still being tried.",
        EventType.SUPPRESSED: f"Not sent: the address is on the suppression list ({data.get('reason') or data.get('reply') or 'suppressed'}).",
        EventType.HELD: f"Held: {data.get('reason', 'waits for a person')}.",
        EventType.CANCELLED: "Cancelled before it was sent.",
        EventType.BOUNCE_LIFTED: _lifted(data),
        EventType.OPENED: "The pixel was loaded.",
        EventType.CLICKED: "A link was followed.",
        EventType.COMPLAINED: "The recipient marked it as spam; we will not write to the address again.",
        EventType.UNSUBSCRIBED: "The recipient asked to get no more bulk mail.",
    }.get(kind)  # type: ignore[call-overload]
    if text is None:
        text = CLASSES.get(data.get("class", ""), data.get("reply", "") if not detail else "")
    detail = data.get("user_agent") if kind == EventType.OPENED else data.get("url") if kind == EventType.CLICKED else detail
    if data.get("next_attempt_at"):
        text += f" Next attempt at {str(data['next_attempt_at'])[:19].replace('T', ' ')} UTC."
    return Step(at, state, state.replace("_", " ").capitalize(), text.strip(), detail, recipients)


_KEPT = {
    "expired": "it is past its expiry", "content_gone": "its content is past the retention", "reached_since": "the same mail has arrived since",
    "suppressed": "the address is suppressed for another reason",
}  # fmt: skip


def _lifted(data: dict[str, Any]) -> str:
    kept = _KEPT.get(data.get("kept", ""))
    what = f"It is not sent again: {kept}." if kept else "It is sent again."
    return f"The bounce was our fault, not the recipient's ({data.get('reason', 'an incident')}). {what}"


def _of_lost(attempt: DeliveryAttempt, named: dict[UUID, str]) -> Step:
    text = "The worker was lost before the server's answer was written down; it is tried again, and may arrive twice."
    return Step(attempt.started_at, "deferred", "Attempt without a result", text, attempt.reply, _name(named, attempt.recipient_id))


def _authentication(scope: Scope, message: Message, attempts: Sequence[DeliveryAttempt]) -> list[Step]:
    """Whether signature and return path stood for the From domain when the message left, or do now when it has not yet."""
    if message.mode != Mode.LIVE:
        return []
    left_at = min((attempt.started_at for attempt in attempts), default=None)
    found = alignment_of(scope.session, scope.tenant_id, message.from_address.rpartition("@")[2], left_at)
    if found is None:
        return []
    title = "Authenticated" if found.passes else "Not aligned with its sender"
    return [Step(left_at or message.created_at, "verified" if found.passes else "unverified", title, found.why)]


def _waiting(scope: Scope, message: Message, named: dict[UUID, str]) -> list[Step]:
    steps = []
    for recipient_id, entry in list(queue_of(scope, message).items())[:20]:
        if entry.held:
            state, title, text = "held", "Waits for a person", entry.held
        elif entry.lease_until:
            state, title, text = "sending", "Being sent now", f"Attempt {entry.attempt}."
        elif entry.scheduled:
            state, title, text = "scheduled", "Will be sent", "It waits for its time; until then it can be cancelled."
        else:
            state, title, text = "queued", "Next attempt", f"Number {entry.attempt + 1}, to {entry.domain}."
        steps.append(Step(entry.due_at, state, title, text, None, _name(named, recipient_id)))
    return steps
