"""When to try again: the gaps between attempts, by attempt number and by what the last reply meant."""

from __future__ import annotations

import random
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
    ReplyClass.MAILBOX_FULL: 30 * _MINUTE,
    ReplyClass.BLOCK: 1 * _HOUR,
    ReplyClass.BAD_DOMAIN: 1 * _HOUR,
}
# A blocked address rests one to two hours, so its floor spreads wider than the usual jitter.
_WIDE = {ReplyClass.BLOCK: 1.0}

# Never tried again once judged final. Classes that are final only with a 5xx reply are decided by `Verdict.retry`.
_FINAL = frozenset({ReplyClass.DELIVERED, ReplyClass.EXPIRED})


def retry_delay(
    attempt: int,
    reply_class: ReplyClass,
    rng: random.Random | None = None,
    *,
    factor: float = 1.0,
) -> timedelta | None:
    """How long to wait after failed attempt number `attempt` (from 1) that ended in `reply_class`.

    Returns None for classes that are never repeated. The caller asks only when `AttemptResult.retry` is true and compares
    the answer with the expiry of the message, which is not known here. `factor` scales every gap, so that tests can run
    a three-day schedule in seconds. Raises ValueError for an attempt below 1.
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
    return timedelta(seconds=seconds * factor)


_RNG = random.Random()
