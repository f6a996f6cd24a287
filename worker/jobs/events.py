"""Events reach those who listen: today the endpoints of webhooks; automation stands in this list when it comes."""

from __future__ import annotations

import time

from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.jobs import answer_wake
from webapp.webhooks.service import fan_out as fan_out_to_webhooks
from webapp.webhooks.service import wake_webhooks

_BATCH = 500
#: The ticker rings again for what is left: other jobs of the queue have their turn in between.
_SECONDS = 5.0


def fan_out(slot: int) -> int:
    """Empty the outbox, a batch a transaction. Returns how many events were taken out."""
    answer_wake("worker.jobs.events.fan_out", slot)
    end, total = time.monotonic() + _SECONDS, 0
    while time.monotonic() < end:
        with unscoped("events of all tenants wait in one outbox") as session:
            taken, made = fan_out_to_webhooks(raw_of(session), _BATCH)
        total += taken
        if made:
            wake_webhooks()
        if taken < _BATCH:
            break
    return total
