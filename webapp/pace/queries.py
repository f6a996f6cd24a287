"""Reads of throttles, budgets, warm-up plans and holds, and how a pool's members share the mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.bridges.models import Bridge
from webapp.kernel.clock import now
from webapp.kernel.errors import NotFound
from webapp.kernel.pagination import Page, page_of
from webapp.kernel.scope import Scope
from webapp.pace.models import ProviderBudget, SendingHold, Throttle, WarmupDay, WarmupPlan
from webapp.pace.types import ANY, DEFAULT_BUDGETS, PROVIDERS, RELAY, Action, Budget, provider_name
from webapp.pools.models import IpAddress, PoolMember
from webapp.pools.service import list_members
from webapp.pools.types import MemberKind
from webapp.stats.models import StatsDelta, StatsHour

_KNOWN = (*PROVIDERS, RELAY, ANY)


def _visible(scope: Scope) -> sa.ColumnElement[bool]:
    """A shared way out sends for everybody: to whom but the large providers is nobody else's business."""
    return sa.or_(Throttle.tenant_id == scope.tenant_id, Throttle.provider.in_(_KNOWN))


def list_throttles(scope: Scope, *, search: str | None = None, in_force: bool | None = None, limit: int = 50, cursor: str | None = None) -> Page[Throttle]:
    """Throttles of the tenant's own and the shared ways out, newest first. ``in_force``: those that have not ended (True), the history (False)."""
    return page_of(scope.session, _matching(sa.select(Throttle).where(_visible(scope)), search, in_force), Throttle.id, limit=limit, cursor=cursor)


def list_all_throttles(session: Session, *, search: str | None = None, in_force: bool | None = None, cursor: str | None = None) -> Page[Throttle]:
    """Every throttle of the platform, for staff."""
    return page_of(session, _matching(sa.select(Throttle), search, in_force), Throttle.id, cursor=cursor)


def _matching(statement: sa.Select[Any], search: str | None, in_force: bool | None) -> sa.Select[Any]:
    if search:
        names = [key for key, name in PROVIDERS.items() if search.lower() in name.lower()]
        text = (column.icontains(search.strip(), autoescape=True) for column in (Throttle.source_label, Throttle.provider, Throttle.reason))
        statement = statement.where(sa.or_(*text, Throttle.provider.in_(names)))
    if in_force is not None:
        # A slowed way out is free once its time is over, also before the row is closed.
        current = sa.and_(Throttle.ended_at.is_(None), sa.or_(Throttle.action != Action.SLOW, Throttle.until > sa.func.now()))
        statement = statement.where(current if in_force else sa.not_(current))
    return statement


def get_throttle(scope: Scope, throttle_id: UUID) -> Throttle:
    """One throttle the tenant may see. Raises ``NotFound``."""
    found = scope.session.scalar(sa.select(Throttle).where(Throttle.id == throttle_id, _visible(scope)))
    if found is None:
        raise NotFound("throttle")
    return found


def list_budgets(session: Session, tenant_id: UUID | None = None, search: str | None = None) -> Sequence[ProviderBudget]:
    """Rows in place of built-in limits, by provider. Unscoped sessions give ``tenant_id`` None for the platform's own. ``search``: part of the
    provider's name."""
    statement = sa.select(ProviderBudget).order_by(ProviderBudget.tenant_id.is_not(None), ProviderBudget.provider, ProviderBudget.id)
    if tenant_id is None:
        statement = statement.where(ProviderBudget.tenant_id.is_(None))
    return [row for row in session.scalars(statement) if _is_meant(row.provider, search)]


def default_budgets(search: str | None = None) -> list[tuple[str, Budget]]:
    """The built-in limits, for people to compare with."""
    return [(provider, budget) for provider, budget in DEFAULT_BUDGETS.items() if provider != RELAY and _is_meant(provider, search)]


def _is_meant(provider: str, search: str | None) -> bool:
    """Providers are few, and are called otherwise in rows than by people."""
    wanted = (search or "").strip().lower()
    return wanted in provider or wanted in provider_name(provider).lower()


def list_plans(session: Session, search: str | None = None) -> Sequence[WarmupPlan]:
    """Warm-up plans of the tenant's own and the shared addresses, those of one address together."""
    known = sa.case({key: place for place, key in enumerate(PROVIDERS)}, value=WarmupPlan.provider, else_=len(PROVIDERS))
    statement = sa.select(WarmupPlan).order_by(WarmupPlan.source_label, WarmupPlan.source_id, known).limit(500)
    if search:
        names = [key for key, name in PROVIDERS.items() if search.lower() in name.lower()]
        statement = statement.where(sa.or_(WarmupPlan.source_label.icontains(search, autoescape=True), WarmupPlan.provider.in_(names)))
    return session.scalars(statement).all()


def get_plan(session: Session, plan_id: UUID) -> WarmupPlan:
    """One plan. Raises ``NotFound``."""
    plan = session.scalar(sa.select(WarmupPlan).where(WarmupPlan.id == plan_id))
    if plan is None:
        raise NotFound("warm-up plan")
    return plan


def list_plans_of(session: Session, ip_id: UUID) -> Sequence[WarmupPlan]:
    """The plans of one address, own or shared. Raises ``NotFound`` for an address of somebody else."""
    if session.scalar(sa.select(IpAddress.id).where(IpAddress.id == ip_id)) is None:
        raise NotFound("IP address")
    return [plan for plan in list_plans(session) if plan.source_id == ip_id]


def days_of(session: Session, plan_ids: Sequence[UUID], on: date | None = None) -> dict[UUID, list[WarmupDay]]:
    """The days of plans, oldest first; only that of ``on`` when given."""
    statement = sa.select(WarmupDay).where(WarmupDay.plan_id.in_(plan_ids)).order_by(WarmupDay.on_date)
    found: dict[UUID, list[WarmupDay]] = {plan_id: [] for plan_id in plan_ids}
    for day in session.scalars(statement if on is None else statement.where(WarmupDay.on_date == on)):
        found[day.plan_id].append(day)
    return found


def addresses_to_warm(session: Session, tenant_id: UUID) -> Sequence[IpAddress]:
    """The tenant's dedicated addresses that have no plan yet."""
    planned = sa.select(WarmupPlan.source_id)
    return session.scalars(sa.select(IpAddress).where(IpAddress.tenant_id == tenant_id, IpAddress.id.not_in(planned)).order_by(IpAddress.address)).all()


def list_holds(
    session: Session, *, search: str | None = None, in_force: bool | None = True, limit: int = 50, cursor: str | None = None
) -> Page[SendingHold]:
    """What is held back or drained, newest first; the history when ``in_force`` is False, both when None. ``search``: part of name or reason."""
    statement = sa.select(SendingHold)
    if search:
        text = search.strip()
        statement = statement.where(sa.or_(SendingHold.label.icontains(text, autoescape=True), SendingHold.reason.icontains(text, autoescape=True)))
    if in_force is not None:
        statement = statement.where(SendingHold.released_at.is_(None) if in_force else SendingHold.released_at.is_not(None))
    return page_of(session, statement, SendingHold.id, limit=limit, cursor=cursor)


def bridge_choices(scope: Scope) -> Sequence[Bridge]:
    """The tenant's bridges, by name."""
    return scope.session.scalars(sa.select(Bridge).where(Bridge.deleted_at.is_(None)).order_by(Bridge.name).limit(500)).all()


@dataclass(frozen=True, slots=True)
class MemberShare:
    """One pool member today. ``sent``: attempts that left this way for this tenant; ``share`` of the pool's, 0 to 1; ``throttles``: in force on it."""

    label: str
    kind: MemberKind
    weight: int
    active: bool
    sent: int
    delivered: int
    deferred: int
    bounced: int
    share: float
    throttles: tuple[Throttle, ...]

    @property
    def is_out(self) -> bool:
        """Whether nothing leaves this way now."""
        return any(t.action == Action.OUT and t.until > now() for t in self.throttles)


def shares_of_pool(scope: Scope, pool_id: UUID) -> list[MemberShare]:
    """How a pool's members shared the tenant's mail since midnight UTC, and how they are."""
    members = list_members(scope.session, [pool_id])[pool_id]
    figures = _figures_today(scope, [member.id for member, _, _ in members])
    sources = [member.ip_address_id or member.sending_account_id for member, _, _ in members]
    in_force = _matching(sa.select(Throttle).where(Throttle.source_id.in_([s for s in sources if s]), _visible(scope)), None, True)
    throttles = scope.session.scalars(in_force.order_by(Throttle.provider)).all()
    whole = sum(sum(figures.get(member.id, (0, 0, 0, 0))) for member, _, _ in members)
    return [_share(member, address, account, figures.get(member.id, (0, 0, 0, 0)), whole, throttles) for member, address, account in members]


def _share(member: PoolMember, address: Any, account: Any, figures: tuple[int, int, int, int], whole: int, throttles: Sequence[Throttle]) -> MemberShare:
    target = account or address
    tries = sum(figures)
    return MemberShare(
        account.name if account else address.address, MemberKind.RELAY if account else MemberKind.IP, member.weight,
        member.active and target.active, tries, figures[0], figures[1], figures[2] + figures[3], tries / whole if whole else 0.0,
        tuple(t for t in throttles if t.source_id == target.id),
    )  # fmt: skip


def _figures_today(scope: Scope, member_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int, int, int]]:
    midnight = datetime.combine(now().date(), time(), tzinfo=now().tzinfo)
    found: dict[UUID, tuple[int, int, int, int]] = {}
    for table in (StatsHour, StatsDelta):
        sums = (sa.func.sum(getattr(table, name)) for name in ("delivered", "deferred", "bounced", "failed"))
        statement = sa.select(table.member_id, *sums).where(
            table.tenant_id == scope.tenant_id, table.mode == scope.mode.value, table.hour >= midnight, table.member_id.in_(member_ids)
        )
        for member_id, *counts in scope.session.execute(statement.group_by(table.member_id)):
            before = found.get(member_id, (0, 0, 0, 0))
            found[member_id] = tuple(int(a) + b for a, b in zip(counts, before, strict=True))  # type: ignore[assignment]
    return found


def forecast_chart(plan: WarmupPlan, days: Sequence[WarmupDay], today: date) -> dict[str, Any]:
    """Sent and allowed a day so far, and what the plan allows from here on if every day counts, as a chart."""
    start = [day.on_date for day in days] or [today]
    coming = [today + timedelta(days=ahead + (1 if days and days[-1].on_date == today else 0)) for ahead in range(len(plan.steps) - plan.day + 1)]
    done = plan.state == "finished"
    future = [] if done else list(zip(coming, plan.steps[plan.day :] if days and days[-1].on_date == today else plan.steps[plan.day - 1 :], strict=False))
    dates = [*(start if days else []), *(on for on, _ in future)]
    blank = [None] * len(future)
    return {
        "x": [int(datetime.combine(on, time(), tzinfo=now().tzinfo).timestamp()) for on in dates],
        "labels": [f"{on:%d %b}" for on in dates],
        "series": [
            {"label": "Sent", "key": 1, "values": [*(day.sent for day in days), *blank]},
            {"label": "Allowed", "key": 2, "values": [*(day.allowance for day in days), *(step for _, step in future)]},
        ],
    }
