"""Delivery: drain what is due, and take back what lost workers held."""

from __future__ import annotations

import functools

import structlog

from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.jobs import answer_wake
from webapp.messages.service.claim import sweep as sweep_leases
from webapp.metrics import LEASES
from webapp.settings import get_settings
from worker.dispatch.dispatcher import Dispatcher
from worker.rq_worker import on_stop

log = structlog.get_logger()
_SECONDS = 30.0


@functools.cache
def dispatcher() -> Dispatcher:
    """The one of this process; it keeps its connections from job to job."""
    made = Dispatcher()
    on_stop.append(made.stop)
    return made


def deliver(slot: int) -> int:
    """Send what is due, for at most half a minute; the ticker rings again for what is left. Returns the recipients tried."""
    answer_wake("worker.jobs.delivery.deliver", slot)
    return dispatcher().drain(_SECONDS)


def sweep(slot: int) -> None:
    """Free leases that ran out or whose worker fell silent."""
    answer_wake("worker.jobs.delivery.sweep", slot)
    with unscoped("the sweeper frees lost leases of all tenants") as session:
        settings = get_settings()
        freed, parked = sweep_leases(raw_of(session), max_claims=settings.max_claims, silent_seconds=settings.lease_silence_seconds)
    if freed:
        LEASES.inc(freed)
        log.warning("leases_swept", freed=freed, parked=parked)
