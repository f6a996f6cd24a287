"""Files of contacts, worked off a batch at a time. Who is killed has done a batch or has not; the next one goes on behind it."""

from __future__ import annotations

import time
from uuid import UUID

import sqlalchemy as sa

from webapp.contacts.models import ContactImport
from webapp.contacts.service.importing import JOB, advance
from webapp.contacts.types import ImportState
from webapp.kernel.db import tenant_session, unscoped
from webapp.kernel.jobs import QueueName, answer_wake, enqueue

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
