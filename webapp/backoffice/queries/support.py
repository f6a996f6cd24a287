"""What a tenant reads of support: its consent, every session, each action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from webapp.backoffice.models import StaffRequest, SupportAction, SupportGrant, SupportSession
from webapp.backoffice.types import RequestKind
from webapp.kernel.clock import now
from webapp.kernel.errors import NotFound
from webapp.kernel.pagination import Page, page_of
from webapp.kernel.scope import Scope


@dataclass(frozen=True, slots=True)
class Tally:
    """What was done in one session."""

    requests: int = 0
    changes: int = 0
    refused: int = 0


def find_standing(scope: Scope) -> SupportGrant | None:
    """The standing consent in force."""
    return scope.session.scalar(sa.select(SupportGrant).where(SupportGrant.standing, SupportGrant.revoked_at.is_(None)))


def list_grants(scope: Scope, limit: int = 20) -> Sequence[SupportGrant]:
    """Grants for one session, newest first."""
    return scope.session.scalars(sa.select(SupportGrant).where(~SupportGrant.standing).order_by(SupportGrant.id.desc()).limit(limit)).all()


def is_good(grant: SupportGrant) -> bool:
    """Whether a grant for one session can still be taken up."""
    return grant.revoked_at is None and grant.used_at is None and grant.expires_at is not None and grant.expires_at > now()


def list_sessions(scope: Scope, search: str | None = None, *, limit: int = 25, cursor: str | None = None) -> Page[SupportSession]:
    """Every session there was, newest first. ``search``: in the reason, the ticket and the names."""
    wanted = sa.select(SupportSession)
    if search:
        columns = (SupportSession.reason, SupportSession.ticket, SupportSession.staff_name, SupportSession.member_name)
        wanted = wanted.where(sa.or_(*(column.icontains(search, autoescape=True) for column in columns)))
    return page_of(scope.session, wanted, SupportSession.id, limit=limit, cursor=cursor)


def tallies(scope: Scope, sessions: Sequence[SupportSession]) -> dict[UUID, Tally]:
    """What was done in each of ``sessions``; absent for one in which nothing was."""
    changes = sa.func.count().filter(SupportAction.writes, SupportAction.refused.is_(None))
    refused = sa.func.count().filter(SupportAction.refused.is_not(None))
    wanted = sa.select(SupportAction.session_id, sa.func.count(), changes, refused).where(SupportAction.session_id.in_([s.id for s in sessions]))
    return {row[0]: Tally(*(int(count) for count in row[1:])) for row in scope.session.execute(wanted.group_by(SupportAction.session_id))}


def get_session(scope: Scope, session_id: UUID) -> SupportSession:
    """Raises ``NotFound``, for other tenants' too."""
    found = scope.session.scalar(sa.select(SupportSession).where(SupportSession.id == session_id))
    if found is None:
        raise NotFound("support session")
    return found


def list_actions(
    scope: Scope, session_id: UUID | None = None, *, show: str | None = None, search: str | None = None, limit: int = 100, cursor: str | None = None
) -> Page[SupportAction]:
    """Each request of a session, or of all, newest first. ``show``: only ``changes``, or only what was ``refused``; ``search``: in the address."""
    wanted = sa.select(SupportAction)
    if session_id is not None:
        wanted = wanted.where(SupportAction.session_id == session_id)
    if show == "changes":
        wanted = wanted.where(SupportAction.writes, SupportAction.refused.is_(None))
    if show == "refused":
        wanted = wanted.where(SupportAction.refused.is_not(None))
    if search:
        wanted = wanted.where(SupportAction.path.icontains(search, autoescape=True))
    return page_of(scope.session, wanted, SupportAction.id, limit=limit, cursor=cursor)


def list_requests(scope: Scope, kind: RequestKind | None = None, limit: int = 20) -> Sequence[StaffRequest]:
    """What the tenant asked staff for, newest first."""
    wanted = sa.select(StaffRequest).order_by(StaffRequest.id.desc()).limit(limit)
    return scope.session.scalars(wanted.where(StaffRequest.kind == kind) if kind else wanted).all()
