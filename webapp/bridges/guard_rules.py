"""What a bridge's guard judges by: limits, and the sentences in which it says that one was passed. Pure: figures in, findings out.

The limits follow what mailbox providers and large senders use: warn at 5 % hard bounces and 0.1 % complaints, pause at 10 % and 0.5 %. Below a
minimum volume a rate says nothing, so that one bounce of two recipients stops nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.bridges.models import Bridge, BridgeGuard
from webapp.bridges.types import BridgeCounts, Finding, GuardAction, GuardRule, History, Watched
from webapp.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in force for one bridge. Shares from 0 to 1; ``spike_factor`` is a multiple of the busiest hour."""

    bounce_warn: float
    bounce_pause: float
    complaint_warn: float
    complaint_pause: float
    spike_factor: float
    spike_action: GuardAction
    sender_action: GuardAction


@dataclass(frozen=True, slots=True)
class Counted:
    """A bridge's counts since counting began (anew): of the window, and of this hour."""

    window: BridgeCounts
    hour: BridgeCounts


def limits_of(guard: BridgeGuard | None, settings: Settings) -> Limits:
    """What the bridge chose, else the platform's; never above what the platform allows today, whatever it allowed when it was chosen."""

    def chosen(name: str, most: float) -> float:
        value = getattr(guard, name, None)
        return min(float(getattr(settings, f"guard_{name}") if value is None else value), most)

    return Limits(
        bounce_warn=chosen("bounce_warn", settings.guard_bounce_most),
        bounce_pause=chosen("bounce_pause", settings.guard_bounce_most),
        complaint_warn=chosen("complaint_warn", settings.guard_complaint_most),
        complaint_pause=chosen("complaint_pause", settings.guard_complaint_most),
        spike_factor=chosen("spike_factor", settings.guard_spike_most),
        spike_action=GuardAction((guard and guard.spike_action) or settings.guard_spike_action),
        sender_action=GuardAction((guard and guard.sender_action) or settings.guard_sender_action),
    )


def count(watched: Watched, guard: BridgeGuard | None, moment: datetime, settings: Settings) -> Counted:
    """The figures without what was counted before a person let the bridge go on."""
    if guard is None or guard.counted_from is None or guard.baseline is None:
        return Counted(watched.window, watched.hour)
    before = BridgeCounts(**guard.baseline)
    begun = guard.counted_from.replace(minute=0, second=0, microsecond=0)
    window = watched.window.since(before) if begun >= window_start(moment, settings) else watched.window
    hour = watched.hour.since(before) if begun == moment.replace(minute=0, second=0, microsecond=0) else watched.hour
    return Counted(window, hour)


def window_start(moment: datetime, settings: Settings) -> datetime:
    """The full hour at which the window begins; figures are kept by the hour."""
    return (moment - timedelta(hours=settings.guard_window_hours)).replace(minute=0, second=0, microsecond=0)


def judge_rates(watched: Watched, counted: Counted, limits: Limits, settings: Settings) -> list[Finding]:
    """The rates that are too high, each with what it leads to."""
    counts, hours, found = counted.window, settings.guard_window_hours, []
    if counts.sent >= settings.guard_minimum_sent and (action := _step(counts.hard_bounced, counts.sent, limits.bounce_warn, limits.bounce_pause)):
        limit = limits.bounce_pause if action is GuardAction.PAUSE else limits.bounce_warn
        text = (
            f"{_share(counts.hard_bounced, counts.sent)} of this bridge's mail of the last {hours} hours went to addresses that do not exist: "
            f"{counts.hard_bounced:,} of {counts.sent:,} recipients. The limit is {_percent(limit)}."
        )
        found.append(_finding(watched, GuardRule.BOUNCES, action, text, counts.hard_bounced, counts.sent, limit))
    enough = counts.delivered >= settings.guard_minimum_delivered and counts.complained >= settings.guard_minimum_complaints
    if enough and (action := _step(counts.complained, counts.delivered, limits.complaint_warn, limits.complaint_pause)):
        limit = limits.complaint_pause if action is GuardAction.PAUSE else limits.complaint_warn
        text = (
            f"{_share(counts.complained, counts.delivered)} of those who got this bridge's mail in the last {hours} hours marked it as spam: "
            f"{counts.complained:,} of {counts.delivered:,} recipients. The limit is {_percent(limit)}."
        )
        found.append(_finding(watched, GuardRule.COMPLAINTS, action, text, counts.complained, counts.delivered, limit))
    return found


def may_be_spike(counted: Counted, limits: Limits, settings: Settings) -> bool:
    """Whether this hour is worth a look at the bridge's history."""
    return limits.spike_action is not GuardAction.OFF and counted.hour.accepted >= settings.guard_spike_minimum


def judge_spike(watched: Watched, counted: Counted, history: History | None, limits: Limits, moment: datetime, settings: Settings) -> list[Finding]:
    """A spike against the bridge's own busiest hour. A bridge without a past has none to deviate from."""
    if history is None or moment - history.since < timedelta(days=settings.guard_learning_days) or not may_be_spike(counted, limits, settings):
        return []
    accepted = counted.hour.accepted
    if accepted <= limits.spike_factor * history.busiest:
        return []
    text = (
        f"This bridge took mail for {accepted:,} recipients since {moment:%H}:00 UTC; its busiest hour of the last {settings.guard_history_days} days "
        f"had {history.busiest:,}. The limit is {limits.spike_factor:g} times that."
    )
    return [_finding(watched, GuardRule.SPIKE, limits.spike_action, text, accepted, history.busiest, limits.spike_factor)]


def judge_sender(bridge: Bridge, guard: BridgeGuard | None, domain: str, known: Sequence[str], settings: Settings) -> Finding | None:
    """A From domain that is new to a bridge with a past. None when nothing is to be said: a person named the domain, or the rule is off."""
    named = {entry.lower().rpartition("@")[2] for entry in bridge.allowed_from}
    action = limits_of(guard, settings).sender_action
    if action is GuardAction.OFF or domain in named:
        return None
    before = ", ".join(known[:3]) + (f" and {len(known) - 3} more" if len(known) > 3 else "")
    text = f"Mail came from {domain}, a domain from which this bridge never sent before. Until now it sent from {before}."
    figures = {"domain": domain, "known": list(known[:10])}
    return Finding(bridge.tenant_id, bridge.id, GuardRule.SENDER, action, text, figures, guard.counted_from if guard else None)


def _step(part: int, whole: int, warn: float, pause: float) -> GuardAction | None:
    rate = part / whole if whole else 0.0
    if part and rate >= pause:
        return GuardAction.PAUSE
    return GuardAction.WARN if part and rate >= warn else None


def _finding(watched: Watched, rule: GuardRule, action: GuardAction, text: str, part: int, whole: int, limit: float) -> Finding:
    figures = {"counted": part, "compared_with": whole, "rate": round(part / whole, 5) if whole else None, "limit": limit}
    return Finding(watched.tenant_id, watched.bridge_id, rule, action, text, figures)


def _share(part: int, whole: int) -> str:
    return _percent(part / whole)


def _percent(share: float) -> str:
    """``0.1`` -> "10 %", ``0.00123`` -> "0.12 %"."""
    percent = share * 100
    return f"{percent:.2f}".rstrip("0").rstrip(".") + " %" if percent < 10 else f"{percent:.1f}".rstrip("0").rstrip(".") + " %"
