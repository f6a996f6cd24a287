"""The engine's results, and the verdicts reached before the dial, as outcomes to write down."""

from __future__ import annotations

import functools
import random

from webapp.kernel.clock import now
from webapp.kernel.ids import uuid7
from webapp.messages.service.claim import Claimed
from webapp.messages.service.outcomes import Outcome
from webapp.messages.types import RecipientState
from webapp.pace.service.providers import provider_of_host
from webapp.settings import get_settings
from worker.delivery.schedule import retry_delay
from worker.delivery.types import AttemptResult, MemberKind, ReplyClass
from worker.delivery.types import Outcome as Verdict
from worker.dispatch.prepare import Verdict as EarlyVerdict

_RANDOM = random.Random()

_FINAL = {
    Verdict.DELIVERED: RecipientState.DELIVERED,
    Verdict.BOUNCED: RecipientState.BOUNCED,
    Verdict.FAILED: RecipientState.FAILED,
}


def outcome_of_result(claimed: Claimed, result: AttemptResult) -> Outcome:
    """A conversation's end as a row. Retries that would come after the message's expiry are not made: it has failed."""
    state, reply_class, next_due = _FINAL.get(result.outcome, RecipientState.DEFERRED), result.reply_class, None
    if state is RecipientState.DEFERRED:
        delay = retry_delay(claimed.attempt, result.reply_class, _RANDOM, factor=get_settings().retry_scale, reply=result.reply)
        next_due = result.finished_at + delay if delay is not None else None
        if next_due is None or next_due > claimed.expires_at:
            state, reply_class, next_due = RecipientState.FAILED, ReplyClass.EXPIRED, None
    return Outcome(
        recipient_id=claimed.recipient_id, attempt_id=uuid7(), attempt=claimed.attempt, state=state, next_due=next_due, dialled=True,
        code=result.code, enhanced=result.enhanced, reply=result.reply or None, reply_class=reply_class.value, blame=result.blame.value,
        stage=result.stage.value, member_id=result.member_id, remote_host=result.remote_host, remote_ip=result.remote_ip, tls=result.tls,
        duplicate_possible=result.duplicate_possible, started_at=result.started_at, finished_at=result.finished_at,
        transcript=result.transcript or None, provider=_provider(claimed, result),
    )  # fmt: skip


def _provider(claimed: Claimed, result: AttemptResult) -> str:
    """Who stands behind the host that was spoken to; behind a relay, and where nobody was reached, the recipient's domain says it."""
    member = result.member
    return member.provider if member is not None and member.kind is not MemberKind.RELAY and member.provider else _provider_of_domain(claimed.domain)


@functools.lru_cache(maxsize=10_000)
def _provider_of_domain(domain: str) -> str:
    return provider_of_host(domain, None)


def outcome_of_verdict(verdict: EarlyVerdict) -> Outcome:
    """A decision made without dialling as a row."""
    moment = now()
    return Outcome(
        recipient_id=verdict.claimed.recipient_id, attempt_id=uuid7(), attempt=verdict.claimed.attempt, state=verdict.state,
        next_due=None, dialled=False, code=None, enhanced=None, reply=verdict.reason, reply_class=verdict.reply_class,
        blame=None, stage=None, member_id=None, remote_host=None, remote_ip=None, tls=None, duplicate_possible=False, started_at=moment,
        finished_at=moment, transcript=None,
    )  # fmt: skip
