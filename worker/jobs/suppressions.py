"""What happens to suppressions and incidents by themselves: what is over is cleared away, what was begun is finished."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from webapp.incidents.models import Incident
from webapp.incidents.service import advance
from webapp.incidents.types import IncidentStatus
from webapp.kernel.db import raw_of, tenant_session, unscoped
from webapp.kernel.jobs import answer_wake
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import Actor, ActorKind, Scope
from webapp.suppressions.service import tidy


def clear(slot: int) -> None:
    """Hourly: suppressions whose time is up, counts past their window."""
    answer_wake("worker.jobs.suppressions.clear", slot)
    with unscoped("suppressions of all tenants end") as session:
        tidy(raw_of(session))


def undo(slot: int) -> None:
    """Go on with every incident that is not done, a transaction a batch. Several workers share the work, none does a batch twice."""
    answer_wake("worker.jobs.suppressions.undo", slot)
    with unscoped("incidents of all tenants are finished") as session:
        waiting = session.execute(sa.select(Incident.id, Incident.tenant_id).where(Incident.status == IncidentStatus.RUNNING)).all()
    for incident_id, tenant_id in waiting:
        while not _one_batch(incident_id, tenant_id):
            pass


def _one_batch(incident_id: UUID, tenant_id: UUID) -> bool:
    with tenant_session(tenant_id) as session:
        mine = sa.select(Incident).where(Incident.id == incident_id, Incident.status == IncidentStatus.RUNNING)
        incident = session.scalar(mine.with_for_update(skip_locked=True))
        if incident is None:
            return True
        actor = Actor(ActorKind(incident.actor_kind), None, incident.actor_name)
        return advance(Scope(session, tenant_id, actor, PermissionSet({"*"})), incident)
