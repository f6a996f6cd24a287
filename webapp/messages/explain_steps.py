"""One fact about a recipient as a step of its explanation: state, title, sentences, and the same as data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from webapp.kernel.clock import parse_rfc3339, rfc3339
from webapp.messages.explain_facts import Facts
from webapp.messages.models import DeliveryAttempt, Event
from webapp.messages.types import EventType
from webapp.messages.words import BLAMES, CLASSES, FACTS, KEPT

_OF_ATTEMPTS = (EventType.DELIVERED, EventType.DEFERRED, EventType.BOUNCED, EventType.FAILED)
#: Seconds between due and dialled below which nobody asks.
_WORTH_TELLING = 10
_TITLES = {"bounce_lifted": "Bounce lifted"}


def event_step(event: Event, facts: Facts) -> dict[str, Any]:
    """The fields of a step about one event."""
    state, data = event.type.removeprefix("email."), dict(event.data or {})
    title, detail = _TITLES.get(state, state.capitalize()), said(data)
    if event.type in _OF_ATTEMPTS:
        text = _of_attempt(event, data, facts)
    elif event.type == EventType.HELD:
        text = _held(event.at, data, facts)
    elif event.type == EventType.SUPPRESSED:
        text, detail = _suppressed(event, data, facts), None
    elif event.type == EventType.QUEUED:
        text = _queued(data)
    elif event.type == EventType.BOUNCE_LIFTED:
        text = _lifted(data)
    else:
        text = FACTS.get(event.type, "")
        detail = {EventType.OPENED: data.get("user_agent"), EventType.CLICKED: data.get("url")}.get(event.type, detail)  # type: ignore[call-overload]
    return {"at": event.at, "state": state, "title": title, "text": text.strip(), "detail": detail, "data": data}


def lost_step(attempt: DeliveryAttempt, facts: Facts) -> dict[str, Any]:
    """The fields of a step about an attempt whose worker was lost."""
    text = "The worker was lost before the server's answer was written down; it is tried again, and may arrive twice."
    data = {"attempt": attempt.number, "duplicate_possible": True}
    return {
        "at": attempt.started_at, "state": "deferred", "title": "Attempt without a result", "text": text, "detail": attempt.reply, "data": data, "step": "lost",
    }  # fmt: skip


def said(data: dict[str, Any]) -> str | None:
    """The server's own words, with the code in front once."""
    code, reply = str(data.get("code") or ""), str(data.get("reply") or "")
    return (reply if reply.startswith(code) else f"{code} {reply}") if code else None


def _of_attempt(event: Event, data: dict[str, Any], facts: Facts) -> str:
    """How an attempt ended: its way, what the answer means, whose trouble it is, and what happens next. Adds the attempt's facts to ``data``."""
    attempt = facts.attempts.get((event.recipient_id, int(data["attempt"]))) if data.get("attempt") else None
    parts = [_way(attempt, data, facts), _waited(event, attempt, data, facts)] if attempt else []
    if event.type == EventType.DELIVERED:
        parts.append("The receiving server took it over.")
    elif data.get("source"):
        parts.append("The receiving side said so later, in a mail of its own." if data["source"] == "dsn" else "Reported later.")
    if event.type != EventType.DELIVERED:
        parts.append(CLASSES.get(data.get("class", ""), str(data.get("reply") or "") if not said(data) else ""))
        parts.append(BLAMES.get(data.get("blame", ""), ""))
    if attempt is not None and attempt.duplicate_possible:
        parts.append("It may have been taken all the same, so it may arrive twice.")
    if next_at := _moment(data.get("next_attempt_at")):
        parts.append(f"Next attempt at {next_at:%Y-%m-%d %H:%M:%S} UTC.")
    return " ".join(part for part in parts if part)


def _way(attempt: DeliveryAttempt, data: dict[str, Any], facts: Facts) -> str:
    member = facts.members.get(attempt.member_id) if attempt.member_id else None
    known = {
        "member": str(attempt.member_id) if attempt.member_id else None, "way": member, "remote": attempt.remote_host, "remote_ip": attempt.remote_ip,
        "tls": attempt.tls, "stage": attempt.stage, "enhanced": attempt.enhanced, "duplicate_possible": attempt.duplicate_possible or None,
        "started_at": rfc3339(attempt.started_at), "finished_at": rfc3339(attempt.finished_at),
    }  # fmt: skip
    data.update({name: value for name, value in known.items() if value is not None})
    words = [f"Attempt {attempt.number}"]
    words += [f" {member}"] if member else []
    if attempt.remote_host:
        words.append(f" to {attempt.remote_host}" + (f" ({attempt.remote_ip})" if attempt.remote_ip and attempt.remote_ip != attempt.remote_host else ""))
        words.append(f", encrypted ({attempt.tls})" if attempt.tls else ", not encrypted")
    return "".join(words) + "."


def _waited(event: Event, attempt: DeliveryAttempt, data: dict[str, Any], facts: Facts) -> str:
    """How long it stood by although it was due: for its place in a budget, a warm-up, or a worker. What held it up is told while it waits."""
    due = None
    for earlier in facts.events:
        if earlier.recipient_id == event.recipient_id and earlier.at <= attempt.started_at:
            if earlier.type == EventType.QUEUED:
                due = earlier.at
            elif earlier.type == EventType.DEFERRED:
                due = _moment((earlier.data or {}).get("next_attempt_at"))
    seconds = int((attempt.started_at - due).total_seconds()) if due else 0
    if seconds < _WORTH_TELLING:
        return ""
    data["waited_seconds"] = seconds
    return f"It was due for {seconds // 60} min {seconds % 60} s before." if seconds >= 60 else f"It was due for {seconds} s before."


def _held(at: datetime, data: dict[str, Any], facts: Facts) -> str:
    if data.get("cause") == "bridge_paused":
        alarm = facts.alarm_at(at)
        if alarm is None:
            return "Held: its bridge is paused. It goes on when somebody resumes the bridge; the time does not count against its expiry."
        data.update({"rule": alarm.rule, "figures": alarm.figures})
        return f"Held: the guard paused its bridge. {alarm.text} It goes on when a person resumes the bridge; the time does not count against its expiry."
    return f"Held: {str(data.get('reason') or 'waits for a person').rstrip('.')}."


def _suppressed(event: Event, data: dict[str, Any], facts: Facts) -> str:
    reason = str(data.get("reason") or data.get("reply") or "suppressed")
    row = facts.suppressions.get(event.recipient_id)
    if row is None:
        return f"Not sent: the address was on the suppression list ({reason}); it is not any more, or stands on the platform's own."
    data.update({"scope": row.scope, "since": rfc3339(row.created_at), "source": row.source, **({"list": row.list_key} if row.list_key else {})})
    what = f" It is told by {row.detail!r}." if row.detail else ""
    return f"Not sent: the address is on the suppression list ({reason}) since {row.created_at:%-d %B %Y}, for {_reach(row.scope, row.list_key)}.{what}"


def _reach(scope: str, list_key: str) -> str:
    return {"all": "all mail", "list": f"the list {list_key}"}.get(scope, f"{scope} mail")


def _queued(data: dict[str, Any]) -> str:
    if data.get("cause") == "bridge_resumed":
        return "Its bridge was resumed: it goes on."
    return "Sent again, on somebody's request." if data.get("resent") else "Waits for a worker."


def _lifted(data: dict[str, Any]) -> str:
    kept = KEPT.get(data.get("kept", ""))
    what = f"It is not sent again: {kept}." if kept else "It is sent again."
    return f"The bounce was our fault, not the recipient's ({data.get('reason', 'an incident')}). {what}"


def _moment(text: object) -> datetime | None:
    return parse_rfc3339(str(text)) if text else None
