"""When to try again: the gaps between attempts, by attempt number, by what the last reply meant, and by the time it asked for."""

from __future__ import annotations

import random
import re
from datetime import timedelta

from worker.delivery.types import ReplyClass

_MINUTE = 60.0
_HOUR = 3600.0

# Seconds after attempt 1, 2, 3...; the last one repeats until the message expires.
GAPS: tuple[float, ...] = (
    1 * _MINUTE,
    5 * _MINUTE,
    15 * _MINUTE,
    30 * _MINUTE,
    1 * _HOUR,
    2 * _HOUR,
    4 * _HOUR,
    8 * _HOUR,
    12 * _HOUR,
)
JITTER = 0.2

# The shortest sensible gap for some classes. Jitter only lengthens a floor: greylisting hosts count the seconds.
FLOORS: dict[ReplyClass, float] = {
    ReplyClass.GREYLIST: 5 * _MINUTE,
    ReplyClass.THROTTLE: 5 * _MINUTE,
    ReplyClass.RELAY: 5 * _MINUTE,
    ReplyClass.TLS: 15 * _MINUTE,
    # It may have arrived, and the server be busy with it still: Postfix comes back after 5 minutes, Exim after 15, KumoMTA after 20.
    ReplyClass.UNKNOWN_AFTER_DATA: 15 * _MINUTE,
    ReplyClass.MAILBOX_FULL: 30 * _MINUTE,
    ReplyClass.BLOCK: 1 * _HOUR,
    ReplyClass.BAD_DOMAIN: 1 * _HOUR,
}
# A blocked address rests one to two hours, so its floor spreads wider than the usual jitter.
_WIDE = {ReplyClass.BLOCK: 1.0}

# Never tried again once judged final. Classes that are final only with a 5xx reply are decided by `Verdict.retry`.
_FINAL = frozenset({ReplyClass.DELIVERED, ReplyClass.EXPIRED})


# Longest wait that a reply may ask for; more is a mistake or a trick, and the schedule goes on.
_LONGEST_WISH = 12 * _HOUR
# Added to a wish: servers round, and count from a moment of their own.
_GRACE = 10.0
_UNITS = {"s": 1.0, "m": _MINUTE, "h": _HOUR}
_WISH = re.compile(
    r"(?:(?:try|retry|again|later|back|wait|after|for|in|resend|delayed?|deferred|expires?|remaining)\W{1,3}(?:at least |another |about )?)"
    r"(?:(?P<clock>\d{1,2}:\d{2}:\d{2})|(?P<number>\d{1,6}) ?(?P<unit>s|m|h)(?:ec|econds?|in|inutes?|ins|ours?|rs?)?s?\b)",
    re.IGNORECASE,
)


def wish_of(reply: str) -> float | None:
    """Seconds that the words of a temporary reply ask us to wait ("try again in 30 minutes", "retry after 300s", "in 00:04:58"); None for none.

    The longest of several counts. Wishes over twelve hours are no wishes. `reply` is hostile: it is only searched.
    """
    wishes = [_seconds(found) for found in _WISH.finditer(reply[:1000])]
    return max((seconds for seconds in wishes if 0 < seconds <= _LONGEST_WISH), default=None)


def _seconds(found: re.Match[str]) -> float:
    if found["clock"]:
        hours, minutes, seconds = map(int, found["clock"].split(":"))
        return hours * _HOUR + minutes * _MINUTE + seconds
    return int(found["number"]) * _UNITS[found["unit"].lower()]


def retry_delay(
    attempt: int,
    reply_class: ReplyClass,
    rng: random.Random | None = None,
    *,
    factor: float = 1.0,
    reply: str = "",
) -> timedelta | None:
    """How long to wait after failed attempt number `attempt` (from 1) that ended in `reply_class` with the words `reply`.

    A time the reply asks for is a floor like those of the classes: we never come earlier, but may come later. Returns None
    for classes that are never repeated. The caller asks only when `AttemptResult.retry` is true and compares the answer with
    the expiry of the message, which is not known here. `factor` scales every gap, so that tests can run a three-day schedule
    in seconds. Raises ValueError for an attempt below 1.
    """
    if attempt < 1:
        raise ValueError(f"attempt must be 1 or more, not {attempt}")
    if reply_class in _FINAL:
        return None
    draw = (rng or _RNG).random()
    seconds = GAPS[min(attempt, len(GAPS)) - 1] * (1 - JITTER + 2 * JITTER * draw)
    floor = FLOORS.get(reply_class)
    if floor is not None and seconds < floor:
        seconds = floor * (1 + _WIDE.get(reply_class, JITTER) * draw)
    wish = wish_of(reply) if reply else None
    if wish is not None and seconds < wish + _GRACE:
        seconds = (wish + _GRACE) * (1 + JITTER * draw)
    return timedelta(seconds=seconds * factor)


_RNG = random.Random()
