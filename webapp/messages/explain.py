"""Why a message is where it is: every decision about it in the order in which it was made, as plain sentences with their figures.

Everything is read from rows: the message, its events and attempts, its queue entries, the alarms of its bridge, the suppressions that stopped it.
Nothing is guessed from the present state of the world but what it waits for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from webapp.domains.service import alignment_of
from webapp.kernel.clock import rfc3339
from webapp.kernel.errors import NotFound
from webapp.kernel.ids import uuid7_time
from webapp.kernel.scope import Mode, Scope
from webapp.messages import explain_steps as steps_of
from webapp.messages.explain_facts import Facts, gather
from webapp.messages.models import Message, QueueEntry, Recipient
from webapp.messages.types import EventType
from webapp.messages.words import DOORS, people

#: Recipients told about at once; of a larger message ask for one.
MOST_RECIPIENTS = 100


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline. ``state`` chooses icon and colour; ``detail`` is what the other side said; ``data`` are the same facts for programs.

    ``step`` names the decision: accepted, route, suppressions, authentication, waiting, or a fact's name (delivered, deferred...).
    ``recipients`` names whom it is about when the message has several.
    """

    at: datetime
    state: str
    title: str
    text: str
    detail: str | None = None
    recipients: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    step: str = ""

    def __post_init__(self) -> None:
        if not self.step:
            object.__setattr__(self, "step", self.state)


def only(recipients: Sequence[Recipient], address: str | None) -> Sequence[Recipient]:
    """The recipients to tell about: one by its address (raises ``NotFound``), else the first of them."""
    if address is None or not address.strip():
        return recipients[:MOST_RECIPIENTS]
    found = [r for r in recipients if r.address.lower() == address.strip().lower()]
    if not found:
        raise NotFound("recipient")
    return found


def explain(scope: Scope, message: Message, recipients: Sequence[Recipient]) -> list[Step]:
    """Every decision about these recipients of a message, oldest first, and at the end what they wait for."""
    facts = gather(scope, message, recipients)
    begun = min(uuid7_time(message.id), message.created_at)
    steps = [_accepted(begun, message), _route(begun, message, facts)]
    if message.mode == Mode.LIVE:
        steps.append(_suppressions(begun, message, recipients, facts))
    for event in facts.events:
        steps.append(Step(**steps_of.event_step(event, facts), recipients=facts.whom(event.recipient_id)))
    for attempt in facts.lost:
        steps.append(Step(**steps_of.lost_step(attempt, facts), recipients=facts.whom(attempt.recipient_id)))
    steps += _authentication(scope, message, facts)
    steps.sort(key=lambda step: (step.at, step.step == "delayed"))
    return _joined(steps) + _waiting(facts)


def _accepted(at: datetime, message: Message) -> Step:
    door = DOORS.get(message.door, "By Postbridge itself")
    text = f"{door}, {people(message.recipient_count)}, {message.size:,} byte{'' if message.size == 1 else 's'}."
    data = {"door": message.door, "mode": message.mode, "recipients": message.recipient_count, "size": message.size, "from": message.from_address}
    if message.api_key_id:
        data["api_key"] = str(message.api_key_id)
    if message.template_slug:
        text, data["template"] = f"{text} Made from the template {message.template_slug}.", message.template_slug
    return Step(at, "accepted", "Accepted", text, data=data)


def _route(at: datetime, message: Message, facts: Facts) -> Step:
    bridge = f"Through the bridge {facts.bridge}" if facts.bridge else "Through no bridge"
    pool = f"the pool {facts.pool}" if facts.pool else "no pool"
    stream = "bulk mail: unsubscribes stop it" if message.stream == "bulk" else "transactional mail: it goes before bulk mail"
    text = f"{bridge} and {pool}, as {stream}."
    data = {"bridge": _text(message.bridge_id), "pool": _text(message.pool_id), "stream": message.stream, "list": message.list_key}
    return Step(at, "route", "Route", text, data=data)


def _text(identity: UUID | None) -> str | None:
    return str(identity) if identity else None


def _suppressions(at: datetime, message: Message, recipients: Sequence[Recipient], facts: Facts) -> Step:
    """What was found at the door. The look is repeated before each dial; what it finds then is a fact of its own, later."""
    stopped = {e.recipient_id for e in facts.events if e.type == EventType.SUPPRESSED and e.at <= message.created_at}
    kind = f"{message.stream} mail" + (f" and the list {message.list_key}" if message.list_key else "")
    if stopped:
        text = f"{len(stopped):,} of {people(len(recipients))} stood on a suppression list and get nothing."
    elif len(recipients) == 1:
        text = f"The address stood on no suppression list for {kind}. It is looked up again before each attempt."
    else:
        text = f"None of {people(len(recipients))} stood on a suppression list for {kind}. Each is looked up again before each attempt."
    return Step(at, "checked", "Suppressions looked up", text, data={"checked": len(recipients), "suppressed": len(stopped)}, step="suppressions")


def _authentication(scope: Scope, message: Message, facts: Facts) -> list[Step]:
    """Whether signature and return path stood for the From domain when the message left, or do now when it has not yet."""
    if message.mode != Mode.LIVE:
        return []
    left_at = min((attempt.started_at for attempt in facts.attempts.values()), default=None)
    domain = message.from_address.rpartition("@")[2]
    found = alignment_of(scope.session, scope.tenant_id, domain, left_at)
    if found is None:
        return []
    title = "Authenticated" if found.passes else "Not aligned with its sender"
    state = "verified" if found.passes else "unverified"
    return [Step(left_at or message.created_at, state, title, found.why, data={"domain": domain, "passes": found.passes}, step="authentication")]


def _joined(steps: list[Step]) -> list[Step]:
    """Neighbours that say the same of several recipients, as one line."""
    found: list[Step] = []
    for step in steps:
        last = found[-1] if found else None
        same = last and (last.step, last.title, last.text, last.detail) == (step.step, step.title, step.text, step.detail)
        if last and same and step.recipients and step.at - last.at < timedelta(seconds=5):
            found[-1] = replace(last, recipients=last.recipients + step.recipients)
        else:
            found.append(step)
    return found


def _waiting(facts: Facts) -> list[Step]:
    """What each recipient in flight waits for, soonest first."""
    steps = [_of_entry(entry, facts) for entry in facts.queue.values()]
    return _joined(sorted(steps, key=lambda step: step.at))


def _of_entry(entry: QueueEntry, facts: Facts) -> Step:
    reason = facts.reasons.get(entry.recipient_id)
    ends = f" It is given up on {entry.expires_at:%-d %B at %H:%M} UTC."
    if entry.held:
        state, title, text = "held", "Waits for a person", f"{entry.held.rstrip('.')}. {facts.bridge_trouble or ''}".strip()
    elif entry.lease_until:
        state, title, text = "sending", "Being sent now", f"Attempt {entry.attempt}."
    elif entry.scheduled:
        state, title, text = "scheduled", "Will be sent", "It waits for its time; until then it can be cancelled."
    elif reason:
        state, title, text = "queued", "Waits", f"{reason} Looked at again at {entry.due_at:%H:%M:%S} UTC.{ends}"
    else:
        state, title, text = "queued", "Next attempt", f"Number {entry.attempt + 1}, to {entry.domain}, not before {entry.due_at:%H:%M:%S} UTC.{ends}"
    data = {
        "attempt": entry.attempt, "due_at": rfc3339(entry.due_at), "expires_at": rfc3339(entry.expires_at), "domain": entry.domain,
        "held": entry.held, "reason": reason,
    }  # fmt: skip
    kept = {name: value for name, value in data.items() if value is not None}
    return Step(entry.due_at, state, title, text, None, facts.whom(entry.recipient_id), kept, "waiting")
