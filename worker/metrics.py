"""What delivery counts."""

from __future__ import annotations

from webapp.kernel.ids import uuid7_time
from webapp.messages.service.claim import Claimed
from webapp.metrics import ATTEMPTS, DELIVERY, DUPLICATE, FIRST_ATTEMPT
from worker.delivery.types import AttemptResult, Outcome


def observe_attempt(claimed: Claimed, result: AttemptResult) -> None:
    """Count one finished attempt. Scheduled mail is timed from its due moment, other mail from acceptance."""
    ATTEMPTS.labels(result.reply_class.value).inc()
    if result.duplicate_possible:
        DUPLICATE.inc()
    begun = claimed.due_at if claimed.scheduled else uuid7_time(claimed.recipient_id)
    seconds = max(0.0, (result.finished_at - begun).total_seconds())
    if claimed.attempt == 1:
        FIRST_ATTEMPT.observe(seconds)
    if result.outcome is Outcome.DELIVERED:
        DELIVERY.observe(seconds)
