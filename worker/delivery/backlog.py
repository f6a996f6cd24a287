"""How much mail a worker keeps waiting for one destination: what that takes in a moment, so that one which stands still heaps up nothing.

A window full of mail for a destination that does not move would keep everybody else's mail out. What is too much is given back, to be claimed again
when there may be room: after a second at first, later and later as long as nothing moves.
"""

from __future__ import annotations

import random

#: Seconds of its present speed that a destination may have waiting.
_AHEAD = 1.5
#: The speed is measured over so many seconds at least, and so many answers: a far server's come in bursts.
_MEASURED_SECONDS, _MEASURED_ANSWERS = 1.0, 10
_SHORTEST, _LONGEST = 1.0, 60.0


class Backlog:
    """The gauge of one route. Times are those of the event loop, in seconds."""

    __slots__ = ("_bound", "_clogged_since", "_rate", "_rate_before", "_settled", "_since")

    def __init__(self) -> None:
        self._since = 0.0
        self._settled = 0
        self._rate = self._rate_before = 0.0
        self._bound: int | None = None
        self._clogged_since: float | None = None

    @property
    def is_clogged(self) -> bool:
        """Whether more waited than the destination takes, and the queue was not empty since."""
        return self._clogged_since is not None

    def begin(self, now: float) -> None:
        """Something waits from now on, or more than before: measure anew. What is known to be slow is not believed to be quick."""
        if self._clogged_since is None:
            self._since, self._settled, self._bound, self._rate_before = now, 0, None, 0.0

    def count(self) -> None:
        """The destination has answered for one delivery."""
        self._settled += 1

    def clear(self) -> None:
        """Nothing waits any more."""
        self._bound = self._clogged_since = None

    def bound(self, least: int, now: float, patience: float) -> int | None:
        """How many may wait, at least ``least``; None as long as the destination is not known for ``patience`` seconds."""
        elapsed = now - self._since
        if elapsed >= patience:
            # What was measured before counts for a second, so that a burst or a breath between two is not taken for the speed.
            before = 1.0 if self._rate_before else 0.0
            self._rate = (self._settled + self._rate_before) / (elapsed + before)
            self._bound = max(least, int(self._rate * _AHEAD))
            if elapsed >= _MEASURED_SECONDS and self._settled >= _MEASURED_ANSWERS:
                self._since, self._settled, self._rate_before = now, 0, self._rate
        return self._bound

    def clog(self, now: float) -> float:
        """More waits than should: the seconds after which what is given back is worth another claim."""
        if self._clogged_since is None:
            self._clogged_since = now
        waited = 2 * (now - self._clogged_since)
        emptied = (self._bound or 0) / self._rate if self._rate else _LONGEST
        return min(max(_SHORTEST, min(waited, emptied)), _LONGEST) * random.uniform(0.8, 1.2)
