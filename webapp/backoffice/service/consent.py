"""A tenant's consent to support sessions: its owners give it, and take it back at any moment."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from webapp.activity.service import record
from webapp.backoffice.models import SupportGrant, SupportSession
from webapp.backoffice.service.sessions import end_session
from webapp.backoffice.types import EndCause
from webapp.kernel import clock
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Scope

#: No grant for one session is good for longer.
LONGEST_DAYS = 5


def give_standing(scope: Scope) -> SupportGrant:
    """Staff may look at the tenant's dashboard, whenever they give a reason, until this is taken back. Never more than looking."""
    row = SupportGrant(id=uuid7(), tenant_id=scope.tenant_id, standing=True, allow_write=False, granted_by=scope.actor.name)
    with refuse_on(scope.session, "uq_support_grants_standing", Conflict("Consent is on already.")):
        scope.session.add(row)
    record(scope, "support_access.allowed", "support_grant", row.id, "standing, read only")
    return row


def grant_once(scope: Scope, *, days: int, allow_write: bool, note: str = "") -> SupportGrant:
    """Staff may open one session within ``days`` (1 to 5), and make changes in one when ``allow_write``."""
    if not 1 <= days <= LONGEST_DAYS:
        raise ValidationFailed(f"A grant is good for 1 to {LONGEST_DAYS} days.", param="days")
    row = SupportGrant(
        id=uuid7(), tenant_id=scope.tenant_id, standing=False, allow_write=allow_write, granted_by=scope.actor.name, note=note.strip()[:500] or None,
        expires_at=clock.now() + timedelta(days=days),
    )  # fmt: skip
    scope.session.add(row)
    scope.session.flush()
    record(scope, "support_access.granted", "support_grant", row.id, "one session", {"changes_allowed": allow_write, "until": row.expires_at})
    return row


def revoke(scope: Scope, grant_id: UUID) -> SupportGrant:
    """Take a grant back. Sessions that stand on it end at once. Raises ``NotFound``; does nothing the second time."""
    row = scope.session.scalar(sa.select(SupportGrant).where(SupportGrant.id == grant_id).with_for_update())
    if row is None:
        raise NotFound("grant")
    if row.revoked_at is not None:
        return row
    row.revoked_at, row.revoked_by = clock.now(), scope.actor.name
    record(scope, "support_access.withdrawn", "support_grant", row.id, "standing" if row.standing else "one session")
    running = sa.select(SupportSession).where(
        SupportSession.ended_at.is_(None), sa.or_(SupportSession.grant_id == row.id, SupportSession.write_grant_id == row.id)
    )  # fmt: skip
    for session in scope.session.scalars(running):
        end_session(scope, session, EndCause.CONSENT_WITHDRAWN)
    return row


def stop_session(scope: Scope, session_id: UUID) -> None:
    """An owner ends a running session. Raises ``NotFound``; does nothing when it has ended."""
    session = scope.session.get(SupportSession, session_id)
    if session is None or session.tenant_id != scope.tenant_id:
        raise NotFound("support session")
    end_session(scope, session, EndCause.TENANT)
