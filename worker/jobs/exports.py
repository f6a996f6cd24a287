"""Reports: files that are too large to be made while somebody waits."""

from __future__ import annotations

import time

import structlog

from webapp.kernel.db import connect_raw, unscoped_raw
from webapp.kernel.jobs import answer_wake
from webapp.reports.service import Claimed, claim_report, make_some
from worker.runtime import unit_of_work

log = structlog.get_logger()
#: How long one run works; other jobs of this worker wait meanwhile.
_SECONDS = 5.0


def make(slot: int) -> None:
    """Go on with the reports that wait, one after the other, until the time is up; the ticker comes again for the rest."""
    answer_wake("worker.jobs.exports.make", slot)
    until = time.monotonic() + _SECONDS
    with connect_raw() as connection:
        while time.monotonic() < until:
            with unscoped_raw(connection, "reports of all tenants wait in one row"):
                claimed = claim_report(connection)
            if claimed is None:
                return
            _work_on(claimed, until)


def _work_on(claimed: Claimed, until: float) -> None:
    finished = False
    while not finished:
        with unit_of_work(claimed.tenant_id, claimed.mode) as scope:
            finished = make_some(scope, claimed, until=until)
    log.info("report_worked_on", report=str(claimed.id), tenant=str(claimed.tenant_id))
