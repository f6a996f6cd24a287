"""What delivery needs to know about pools and domains, remembered for a few seconds so that a batch costs no look-up per message."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar
from uuid import UUID

from webapp.domains.service import sending_identity
from webapp.kernel.db import unscoped
from webapp.pools.service import route_of
from webapp.settings import get_settings
from worker.delivery.dkim import DkimSigner
from worker.delivery.types import Member, MemberKind, TlsMode

K = TypeVar("K")
V = TypeVar("V")
_SECONDS = 5.0


class Remembered(Generic[K, V]):
    """Values by key for ``seconds``; a failing look-up is not remembered."""

    def __init__(self, look_up: Callable[[K], V], seconds: float = _SECONDS) -> None:
        self._look_up, self._seconds = look_up, seconds
        self._values: dict[K, tuple[float, V]] = {}

    def __call__(self, key: K) -> V:
        found = self._values.get(key)
        if found is not None and found[0] > time.monotonic():
            return found[1]
        if len(self._values) > 5000:
            self._values.clear()
        value = self._look_up(key)
        self._values[key] = (time.monotonic() + self._seconds, value)
        return value
