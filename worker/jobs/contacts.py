"""Files of contacts, worked off a batch at a time; and the question to new members of lists with double opt-in.

Who is killed has done a batch or has not; the next one goes on behind it.
"""

from __future__ import annotations

import time
from uuid import UUID

import sqlalchemy as sa
import structlog

from webapp.contacts.models import ContactImport, ContactList
from webapp.contacts.service.importing import JOB, advance
from webapp.contacts.service.opt_in import Question, lists_that_ask, take_questions
from webapp.contacts.types import ImportState
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import tenant_session, unscoped
from webapp.kernel.errors import DomainError, Unavailable
from webapp.kernel.jobs import QueueName, answer_wake, enqueue
from webapp.messages import service as messages
from webapp.messages.types import AllSuppressed, Door, MessageSubmission, RecipientInput
from webapp.tenants.models import Tenant
from worker.runtime import unit_of_work

log = structlog.get_logger()

#: After this long other jobs get their turn.
_TURN_SECONDS = 5.0


def import_files(slot: int) -> None:
    """Go on with every file under way. Several workers share the work, none does a batch twice."""
    answer_wake(JOB, slot)
    with unscoped("files of contacts of all tenants are worked off") as session:
        running = sa.select(ContactImport.id, ContactImport.tenant_id).where(ContactImport.state == ImportState.RUNNING)
        waiting = [(row.id, row.tenant_id) for row in session.execute(running)]
    end = time.monotonic() + _TURN_SECONDS
    while waiting and time.monotonic() < end:
        waiting = [(import_id, tenant_id) for import_id, tenant_id in waiting if not _one_batch(import_id, tenant_id)]
    if waiting:
        enqueue(QueueName.DEFAULT, JOB, slot)


def _one_batch(import_id: UUID, tenant_id: UUID) -> bool:
    with tenant_session(tenant_id) as session:
        mine = sa.select(ContactImport).where(ContactImport.id == import_id, ContactImport.state == ImportState.RUNNING)
        found = session.scalar(mine.with_for_update(skip_locked=True))
        return found is None or advance(session, found)


def ask_members(slot: int) -> None:
    """Ask new members of lists with double opt-in to confirm: from the tenant's own address, on the tenant's own way out."""
    answer_wake("worker.jobs.contacts.ask_members", slot)
    with unscoped("members of lists of all tenants are asked to confirm") as session:
        waiting = lists_that_ask(session)
    for tenant_id, list_id in waiting:
        try:
            _ask(tenant_id, list_id)
        except Unavailable:
            return  # nothing was kept; the ticker rings again
        except DomainError as error:
            log.warning("confirmation_refused", list_id=str(list_id), error=error.message)
            with unit_of_work(tenant_id) as scope:
                scope.session.execute(sa.update(ContactList).where(ContactList.id == list_id).values(problem=error.message))


def _ask(tenant_id: UUID, list_id: UUID) -> None:
    with unit_of_work(tenant_id) as scope:
        name = scope.session.scalar(sa.select(Tenant.name).where(Tenant.id == tenant_id)) or ""
        for question in take_questions(scope.session, list_id, name):
            try:
                messages.accept(scope, _submission_of(question))
            except AllSuppressed:
                continue  # they want no mail, and are asked for none


def _submission_of(question: Question) -> MessageSubmission:
    return MessageSubmission(
        from_address=parse_address(question.sender), recipients=(RecipientInput(parse_address(question.to)),), subject=question.subject, door=Door.DASHBOARD,
        html=question.html, text=question.text, tags=("confirmation",), headers=(("Auto-Submitted", "auto-generated"),),
    )  # fmt: skip
