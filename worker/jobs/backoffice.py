"""Staff and tenants: letters to owners, support sessions whose time is over, limits that grow, and the mail of suspended tenants."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from webapp.backoffice import service as backoffice
from webapp.backoffice.models import SupportSession
from webapp.backoffice.types import EndCause
from webapp.kernel import clock
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.errors import DomainError
from webapp.kernel.jobs import answer_wake, wake_delivery
from webapp.messages import service as messages
from webapp.messages.service.held import free_tenant, hold_tenant
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from webapp.settings import get_settings
from webapp.tenants.models import Tenant
from webapp.tenants.service import system_tenant_id
from webapp.tenants.types import TenantStatus
from worker.runtime import unit_of_work

log = structlog.get_logger()
#: Recipients held or let go in one transaction.
_BATCH = 5000


def send_letters(slot: int) -> int:
    """Hand over the letters that wait. Each carries an idempotency key, so that a crash in between writes to nobody twice."""
    answer_wake("worker.jobs.backoffice.send_letters", slot)
    with unscoped("letters to the owners of all tenants") as session:
        tenant_id, waiting = system_tenant_id(session), backoffice.list_unmailed(session)
    for notice in waiting:
        try:
            for number, address in enumerate(notice.to):
                with unit_of_work(tenant_id) as scope:
                    messages.accept(scope, submission_of(backoffice.write_letter(notice, address), f"tenant-notice-{notice.id}-{number}"))
        except DomainError as error:
            log.warning("tenant_notice_refused", kind=notice.kind.value, error=error.message)
            continue
        with unscoped("the letters were handed over") as session:
            backoffice.mark_mailed(session, notice.id)
    return len(waiting)


def end_sessions(slot: int) -> int:
    """End the support sessions whose time is over, so that their summary goes out. They were refused from that very second on anyway."""
    answer_wake("worker.jobs.backoffice.end_sessions", slot)
    with unscoped("support sessions of all tenants whose time is over") as session:
        over = backoffice.list_over(session)
    for tenant_id, session_id in over:
        with unit_of_work(tenant_id) as scope:
            backoffice.end_session(scope, scope.session.get_one(SupportSession, session_id), EndCause.EXPIRED)
    return len(over)


def grow_limits(slot: int) -> int:
    """Once a UTC day for each new tenant: look at yesterday, and double its daily limit when it was clean. Returns how many grew."""
    answer_wake("worker.jobs.backoffice.grow_limits", slot)
    today = clock.now().date()
    with unscoped("new tenants whose limit may grow") as session:
        growing = backoffice.list_growing(session, today)
    grown = 0
    for tenant_id in growing:
        with unit_of_work(tenant_id) as scope:
            grown += backoffice.grow(scope, today)
    return grown


def settle_suspensions(slot: int) -> int:
    """Hold the due mail of suspended tenants, and let go that of resumed ones. Returns how many recipients were let go."""
    answer_wake("worker.jobs.backoffice.settle_suspensions", slot)
    with unscoped("mail of all suspended and resumed tenants") as session:
        waiting = session.scalars(sa.select(Tenant.id).where((Tenant.status == TenantStatus.SUSPENDED) | Tenant.queue_held_at.is_not(None))).all()
    freed = sum(_settle(tenant_id) for tenant_id in waiting)
    if freed:
        wake_delivery()
    return freed


def _settle(tenant_id: UUID) -> int:
    """Batch by batch; the tenant's row says what is right at that very moment, and is not changed meanwhile."""
    freed = 0
    while True:
        with unscoped("one tenant's queue") as session:
            suspended = _is_suspended(session, tenant_id)
            if suspended is None:
                return freed
            moved = (hold_tenant if suspended else free_tenant)(raw_of(session), tenant_id, _BATCH)
            if suspended and moved:
                session.execute(sa.update(Tenant).where(Tenant.id == tenant_id).values(queue_held_at=clock.now()))
            if moved < _BATCH and not suspended:
                session.execute(sa.update(Tenant).where(Tenant.id == tenant_id).values(queue_held_at=None))
        freed += 0 if suspended else moved
        if moved < _BATCH:
            return freed


def _is_suspended(session: Session, tenant_id: UUID) -> bool | None:
    """None when another worker settles this tenant. The lock makes a resume wait for the batch."""
    row = session.execute(sa.select(Tenant.status).where(Tenant.id == tenant_id).with_for_update(skip_locked=True)).one_or_none()
    return None if row is None else row[0] == TenantStatus.SUSPENDED


def submission_of(letter: backoffice.TenantLetter, key: str) -> MessageSubmission:
    """The letter as every door hands its mail in."""
    return MessageSubmission(
        from_address=parse_address(get_settings().system_from), recipients=(RecipientInput(parse_address(letter.to)),), subject=letter.subject,
        door=Door.SYSTEM, html=letter.html, text=letter.text, tags=("tenant-notice", letter.kind.value), headers=(("Auto-Submitted", "auto-generated"),),
        idempotency_key=key,
    )  # fmt: skip
