"""Webhooks: deliver what is due, take back what lost workers held, work through replays, write to owners."""

from __future__ import annotations

import functools
import time

import structlog

from webapp.kernel.addresses import parse_address
from webapp.kernel.clock import now
from webapp.kernel.db import connect_raw, raw_of, unscoped, unscoped_raw
from webapp.kernel.errors import DomainError, NotFound
from webapp.kernel.jobs import answer_wake
from webapp.messages import service as messages
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from webapp.settings import get_settings
from webapp.tenants.service import system_tenant_id
from webapp.webhooks import service
from webapp.webhooks.service import letters, queue
from webapp.webhooks.service.health import Verdict
from worker.rq_worker import on_stop
from worker.runtime import unit_of_work
from worker.webhooks.engine import Engine

log = structlog.get_logger()
#: A drain ends after so long even when there is more, so that the process hears of stops and limits.
_SECONDS = 30.0
_REPLAY_BATCH, _REPLAY_SECONDS = 500, 5.0


@functools.cache
def engine() -> Engine:
    """The one of this process; it keeps its connections from job to job."""
    made = Engine()
    on_stop.append(made.stop)
    return made


def deliver(slot: int) -> int:
    """Deliver what is due. Returns the attempts made."""
    answer_wake(service.DELIVER, slot)
    attempts = engine().drain(_SECONDS, _disable)
    if engine().busy:
        service.wake_webhooks()
    return attempts


def _disable(verdict: Verdict) -> None:
    try:
        with unit_of_work(verdict.tenant_id) as scope:
            service.disable_endpoint(scope, verdict.endpoint_id, verdict.disable, tell=True)
        log.warning("webhook_disabled", endpoint_id=str(verdict.endpoint_id))
    except NotFound:  # removed meanwhile
        log.info("webhook_gone", endpoint_id=str(verdict.endpoint_id))


def sweep(slot: int) -> None:
    """Free lost leases; end deliveries of endpoints that were removed or switched off, and those that waited too long."""
    answer_wake("worker.jobs.webhooks.sweep", slot)
    with connect_raw() as connection, unscoped_raw(connection, "the sweeper looks at the queue of all tenants"):
        freed, ended = queue.sweep(connection, get_settings().lease_silence_seconds)
    if freed or ended:
        log.info("webhooks_swept", freed=freed, ended=ended)


def replay(slot: int) -> None:
    """Work through replays, a batch a transaction; the ticker rings again for what is left."""
    answer_wake(service.REPLAY, slot)
    end, more = time.monotonic() + _REPLAY_SECONDS, True
    while more and time.monotonic() < end:
        with unscoped("replays of all tenants wait in one table") as session:
            more = service.work_replays(raw_of(session), _REPLAY_BATCH)
        service.wake_webhooks()


def watch_limits(slot: int) -> int:
    """Announce limits that are reached, to whoever asked for it."""
    answer_wake("worker.jobs.webhooks.watch_limits", slot)
    with unscoped("limits of all tenants that listen") as session:
        return service.announce_limits(session, now())


def send_letters(slot: int) -> int:
    """Hand over the letters that wait. Each carries an idempotency key, so that a crash in between writes to nobody twice."""
    answer_wake(service.LETTERS, slot)
    with unscoped("letters about endpoints to the owners of all tenants") as session:
        tenant_id, waiting = system_tenant_id(session), letters.list_unmailed(session)
    for notice in waiting:
        try:
            for number, address in enumerate(notice.to):
                with unit_of_work(tenant_id) as scope:
                    messages.accept(scope, _submission(letters.write_letter(notice, address), f"webhook-notice-{notice.id}-{number}"))
        except DomainError as error:
            log.warning("webhook_letter_refused", notice_id=str(notice.id), error=error.message)
            continue
        with unscoped("the letters were handed over") as session:
            letters.mark_mailed(session, notice.id)
    return len(waiting)


def _submission(letter: letters.Letter, key: str) -> MessageSubmission:
    return MessageSubmission(
        from_address=parse_address(get_settings().system_from), recipients=(RecipientInput(parse_address(letter.to)),), subject=letter.subject,
        door=Door.SYSTEM, html=letter.html, text=letter.text, tags=("webhook",), headers=(("Auto-Submitted", "auto-generated"),), idempotency_key=key,
    )  # fmt: skip
