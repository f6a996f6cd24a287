"""Pace by the clock: days of warm-up plans, throttles whose time is over, and what is left of ways out that are gone."""

from __future__ import annotations

import structlog

from webapp.kernel.clock import now
from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.jobs import answer_wake
from webapp.pace.service import end_expired, forget_lost_sources, start_days

log = structlog.get_logger()


def keep_pace(slot: int) -> None:
    """Judge the last day of warm-up plans and begin today's, also when no mail comes; end what is over."""
    answer_wake("worker.jobs.pace.keep_pace", slot)
    moment = now()
    with unscoped("the pace of all tenants") as session:
        connection = raw_of(session)
        ended, days = end_expired(connection, moment), start_days(connection, moment.date())
        gone = forget_lost_sources(connection)
    if ended or days or gone:
        log.info("pace_kept", throttles_ended=ended, warmup_days=days, sources_forgotten=gone)
