"""Tenants as staff see them: the list with its health, and one tenant's facts. Needs an unscoped session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp.accounts.models import Membership, User
from webapp.accounts.types import MemberRole
from webapp.backoffice.models import StaffNote, StaffRequest, SupportSession
from webapp.backoffice.types import RequestStatus
from webapp.bridges.models import Bridge, GuardAlarm
from webapp.bridges.types import GuardAction
from webapp.domains.models import Domain
from webapp.kernel.clock import now
from webapp.kernel.errors import NotFound
from webapp.kernel.pagination import Page, page_of
from webapp.kernel.scope import Mode
from webapp.messages.models import QueueEntry
from webapp.stats.models import StatsDelta, StatsHour
from webapp.tenants.models import Tenant
from webapp.tenants.service import SYSTEM_SLUG
from webapp.tenants.types import TenantStatus

HEALTH_DAYS = 7
#: What mailbox providers bear, and from how many recipients on a rate says anything.
_BOUNCES, _COMPLAINTS, _ENOUGH = 0.05, 0.001, 100
_NAMES = ("accepted", "sent", "delivered", "hard_bounced", "complained")


@dataclass(frozen=True, slots=True)
class Health:
    """Live mail of the last seven days, what waits now, and how often the guard stopped a bridge."""

    accepted: int = 0
    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    trips: int = 0
    waiting: int = 0

    @property
    def bounce_rate(self) -> float:
        """Hard bounces of sent."""
        return self.bounced / self.sent if self.sent else 0.0

    @property
    def complaint_rate(self) -> float:
        """Complaints of delivered."""
        return self.complained / self.delivered if self.delivered else 0.0

    @property
    def is_ill(self) -> bool:
        """Whether somebody should look: too many bounces or complaints, or a bridge that was stopped."""
        return bool(self.trips) or (self.sent >= _ENOUGH and (self.bounce_rate >= _BOUNCES or self.complaint_rate >= _COMPLAINTS))


@dataclass(frozen=True, slots=True)
class BridgeLine:
    """One bridge with its figures of the last seven days."""

    bridge: Bridge
    health: Health


def list_tenants(
    session: Session, *, search: str | None = None, status: TenantStatus | None = None, ill: bool = False, limit: int = 50, cursor: str | None = None
) -> Page[Tenant]:
    """Newest first. ``search``: in name and slug, a member's address, a domain, or the whole id. ``ill``: only those with a stopped bridge this week."""
    wanted = sa.select(Tenant).where(Tenant.slug != SYSTEM_SLUG)
    if status is not None:
        wanted = wanted.where(Tenant.status == status)
    if search:
        member = sa.select(Membership.tenant_id).join(User, User.id == Membership.user_id).where(User.email.icontains(search, autoescape=True))
        domain = sa.select(Domain.tenant_id).where(Domain.name.icontains(search, autoescape=True))
        named = (Tenant.name.icontains(search, autoescape=True), Tenant.slug.icontains(search, autoescape=True), sa.cast(Tenant.id, sa.Text) == search.lower())
        wanted = wanted.where(sa.or_(*named, Tenant.id.in_(member), Tenant.id.in_(domain)))
    if ill:
        wanted = wanted.where(Tenant.id.in_(sa.select(GuardAlarm.tenant_id).where(*_trips())))
    return page_of(session, wanted, Tenant.id, limit=limit, cursor=cursor)


def count_by_status(session: Session) -> dict[str, int]:
    """How many tenants there are of each status."""
    rows = session.execute(sa.select(Tenant.status, sa.func.count()).where(Tenant.slug != SYSTEM_SLUG).group_by(Tenant.status))
    return {status: int(count) for status, count in rows}


def read_health(session: Session, tenants: Sequence[UUID]) -> dict[UUID, Health]:
    """The health of some tenants, in three statements whatever their number."""
    figures = _figures(session, StatsHour.tenant_id, StatsDelta.tenant_id, tenants)
    trips = _count(session, GuardAlarm.tenant_id, GuardAlarm.tenant_id.in_(tenants), *_trips())
    waiting = _count(session, QueueEntry.tenant_id, QueueEntry.tenant_id.in_(tenants))
    return {id_: _health(figures.get(id_), trips.get(id_, 0), waiting.get(id_, 0)) for id_ in tenants}


def _health(sums: tuple[int, ...] | None, trips: int = 0, waiting: int = 0) -> Health:
    accepted, sent, delivered, bounced, complained = sums or (0,) * len(_NAMES)
    return Health(accepted, sent, delivered, bounced, complained, trips, waiting)


def _count(session: Session, tenant: InstrumentedAttribute[UUID], *where: sa.ColumnElement[bool]) -> dict[UUID, int]:
    return {row[0]: int(row[1]) for row in session.execute(sa.select(tenant, sa.func.count()).where(*where).group_by(tenant))}


def list_bridges(session: Session, tenant_id: UUID, limit: int = 100) -> list[BridgeLine]:
    """A tenant's bridges, newest first, each with its figures."""
    rows = session.scalars(sa.select(Bridge).where(Bridge.tenant_id == tenant_id, Bridge.deleted_at.is_(None)).order_by(Bridge.id.desc()).limit(limit)).all()
    figures = _figures(session, StatsHour.bridge_id, StatsDelta.bridge_id, [bridge.id for bridge in rows])
    return [BridgeLine(bridge, _health(figures.get(bridge.id))) for bridge in rows]


def list_members(session: Session, tenant_id: UUID) -> list[tuple[User, MemberRole]]:
    """The tenant's people, owners first."""
    wanted = sa.select(User, Membership.role).join(Membership, Membership.user_id == User.id).where(Membership.tenant_id == tenant_id)
    people = [(user, MemberRole(role)) for user, role in session.execute(wanted.order_by(User.name))]
    return sorted(people, key=lambda person: list(MemberRole).index(person[1]))


def list_notes(session: Session, tenant_id: UUID) -> Sequence[StaffNote]:
    """What staff noted, newest first."""
    return session.scalars(sa.select(StaffNote).where(StaffNote.tenant_id == tenant_id).order_by(StaffNote.id.desc()).limit(50)).all()


def list_support_sessions(session: Session, tenant_id: UUID) -> Sequence[SupportSession]:
    """Support sessions in this tenant, newest first."""
    return session.scalars(sa.select(SupportSession).where(SupportSession.tenant_id == tenant_id).order_by(SupportSession.id.desc()).limit(10)).all()


def list_queue(session: Session, limit: int = 100) -> list[tuple[StaffRequest, Tenant]]:
    """Requests that wait for staff, the oldest first."""
    wanted = sa.select(StaffRequest, Tenant).join(Tenant, Tenant.id == StaffRequest.tenant_id).where(StaffRequest.status == RequestStatus.OPEN)
    return [(row, tenant) for row, tenant in session.execute(wanted.order_by(StaffRequest.id).limit(limit))]


def get_request(session: Session, tenant_id: UUID, request_id: UUID) -> StaffRequest:
    """One request of that tenant. Raises ``NotFound``."""
    row = session.get(StaffRequest, request_id)
    if row is None or row.tenant_id != tenant_id:
        raise NotFound("request")
    return row


def list_decided(session: Session, limit: int = 20) -> list[tuple[StaffRequest, Tenant]]:
    """Requests that staff answered, the newest answer first."""
    wanted = sa.select(StaffRequest, Tenant).join(Tenant, Tenant.id == StaffRequest.tenant_id).where(StaffRequest.decided_at.is_not(None))
    return [(row, tenant) for row, tenant in session.execute(wanted.order_by(StaffRequest.decided_at.desc()).limit(limit))]


def since() -> datetime:
    """The full hour from which health is counted."""
    return (now() - timedelta(days=HEALTH_DAYS)).replace(minute=0, second=0, microsecond=0)


def _trips() -> tuple[sa.ColumnElement[bool], ...]:
    return (GuardAlarm.action == GuardAction.PAUSE, GuardAlarm.created_at >= since())


def _figures(session: Session, hours: object, deltas: object, ids: Sequence[UUID]) -> dict[UUID, tuple[int, ...]]:
    """Sums by tenant or bridge, of hours and of what is not folded yet."""
    parts = []
    for table, column in ((StatsHour, hours), (StatsDelta, deltas)):
        key: sa.ColumnElement[UUID] = column  # type: ignore[assignment]
        counters = (getattr(table, name) for name in _NAMES)
        parts.append(sa.select(key.label("key"), *counters).where(key.in_(ids), table.mode == Mode.LIVE.value, table.hour >= since()))
    rows = sa.union_all(*parts).subquery()
    sums = [sa.func.coalesce(sa.func.sum(rows.c[name]), 0) for name in _NAMES]
    return {row[0]: tuple(int(value) for value in row[1:]) for row in session.execute(sa.select(rows.c.key, *sums).group_by(rows.c.key))}
