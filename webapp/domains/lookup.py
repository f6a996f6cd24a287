"""The look-ups of one check: every question is asked once, many at a time, all before one deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from webapp.kernel import dns
from webapp.kernel.dns import Answer, LookUp

#: How DNS is asked: name and kind of record to an answer. ``Look`` is one; tests of the rules bring a table.
Ask = Callable[[str, str], Answer]


class Look:
    """An ``Ask`` over the configured resolver, for one check. May be called from several threads."""

    def __init__(self, seconds: float = 12.0) -> None:
        self._deadline = time.monotonic() + seconds
        self._known: dict[tuple[str, str], Answer] = {}
        self._lock = threading.Lock()
        dns.forget()

    def __call__(self, name: str, kind: str) -> Answer:
        """The records of ``kind`` at ``name``; past the deadline nobody answers any more."""
        key = (name.lower().rstrip("."), kind)
        with self._lock:
            found = self._known.get(key)
        if found is not None:
            return found
        if time.monotonic() > self._deadline:
            return Answer(LookUp.FAILED)
        answer = dns.look_up(*key)
        with self._lock:
            self._known[key] = answer
        return answer
