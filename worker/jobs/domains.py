"""Domains: checks that are due, and letters to the owners of those that need somebody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import structlog

from webapp.domains import service as domains
from webapp.domains.service.letters import DomainLetter
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import unscoped
from webapp.kernel.errors import DomainError
from webapp.kernel.jobs import answer_wake
from webapp.messages import service as messages
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from webapp.settings import get_settings
from webapp.tenants.service import system_tenant_id
from worker.runtime import unit_of_work

log = structlog.get_logger()
#: Domains taken at once, and checked side by side: a check waits for name servers most of its time.
_BATCH, _AT_ONCE = 20, 4
#: Rounds of one job; the ticker rings again for what is left.
_ROUNDS = 10
_HISTORY_DAYS = 180


def check_due(slot: int) -> int:
    """Look up the domains whose time has come. Returns how many."""
    answer_wake("worker.jobs.domains.check_due", slot)
    count = 0
    for _ in range(_ROUNDS):
        with unscoped("domains of all tenants are checked when they are due") as session:
            due = domains.take_due(session, _BATCH)
        if not due:
            break
        with ThreadPoolExecutor(_AT_ONCE, "domains") as threads:
            count += sum(threads.map(_check, due))
    return count


def _check(due: tuple[UUID, UUID]) -> int:
    tenant_id, domain_id = due
    try:
        with unit_of_work(tenant_id) as scope:
            checked = domains.recheck(scope, domain_id)
    except DomainError as error:  # removed meanwhile, or two claims at the same moment
        log.warning("domain_not_checked", domain_id=str(domain_id), error=error.message)
        return 0
    log.info("domain_checked", domain=checked.name, status=checked.status, score=checked.score)
    return 1


def send_notices(slot: int) -> int:
    """Hand over the letters that wait. Each carries an idempotency key, so that a crash in between writes to nobody twice."""
    answer_wake("worker.jobs.domains.send_notices", slot)
    with unscoped("notices to the owners of all tenants") as session:
        tenant_id, waiting = system_tenant_id(session), domains.list_unmailed(session)
    for notice in waiting:
        try:
            for number, address in enumerate(notice.to):
                with unit_of_work(tenant_id) as scope:
                    messages.accept(scope, submission_of(domains.write_letter(notice, address), f"domain-notice-{notice.id}-{number}"))
        except DomainError as error:
            log.warning("domain_notice_refused", kind=notice.kind.value, error=error.message)
            continue
        with unscoped("the notice was handed over") as session:
            domains.mark_mailed(session, notice.id)
    return len(waiting)


def forget_history(slot: int) -> None:
    """Daily: drop what checks found long ago."""
    answer_wake("worker.jobs.domains.forget_history", slot)
    with unscoped("the history of all tenants' domains") as session:
        domains.forget_old_checks(session, _HISTORY_DAYS)


def submission_of(letter: DomainLetter, key: str) -> MessageSubmission:
    """The letter as every door hands its mail in."""
    sender = parse_address(get_settings().system_from)
    return MessageSubmission(
        from_address=sender, recipients=(RecipientInput(parse_address(letter.to)),), subject=letter.subject, door=Door.SYSTEM, html=letter.html,
        text=letter.text, tags=("domain-notice", letter.kind.value), headers=(("Auto-Submitted", "auto-generated"),), idempotency_key=key,
    )  # fmt: skip
