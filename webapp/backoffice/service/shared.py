"""What all tenants send through: shared pools, their members, the platform's addresses, their warm-up and the platform's budgets.

Acts take the platform's own scope over an unscoped session (``staff.platform_scope``), and stand in its activity.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from webapp.activity.service import record
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Scope
from webapp.pace.models import ProviderBudget, WarmupPlan
from webapp.pace.service import BudgetWish, make_plans, write_budget
from webapp.pace.types import WARMUP_PROVIDERS, WARMUP_STEPS, PlanState, provider_name
from webapp.pools.models import IpAddress, Pool, PoolMember
from webapp.pools.service import add_address, change_address
from webapp.sending_accounts.models import SendingAccount

_BUDGET_FIELDS = ("connections", "messages_per_connection", "rate", "total_connections", "total_rate")


def list_pools(scope: Scope) -> Sequence[Pool]:
    """The shared pools by name."""
    return scope.session.scalars(sa.select(Pool).where(Pool.tenant_id.is_(None), Pool.deleted_at.is_(None)).order_by(Pool.name)).all()


def get_pool(scope: Scope, pool_id: UUID) -> Pool:
    """Raises ``NotFound`` for what is no shared pool."""
    pool = scope.session.get(Pool, pool_id)
    if pool is None or pool.tenant_id is not None or pool.deleted_at is not None:
        raise NotFound("pool")
    return pool


def create_pool(scope: Scope, name: str, description: str) -> Pool:
    """A shared pool, empty at first. Raises ``ValidationFailed`` and ``Conflict`` for a taken name."""
    cleaned = " ".join(name.split())
    if not 1 <= len(cleaned) <= 60:
        raise ValidationFailed("Give the pool a name of 1 to 60 characters.", param="name")
    if any(pool.name.lower() == cleaned.lower() for pool in list_pools(scope)):
        raise Conflict("There is a shared pool of this name.", param="name")
    pool = Pool(id=uuid7(), tenant_id=None, name=cleaned, description=description.strip()[:500] or None)
    scope.session.add(pool)
    record(scope, "shared_pool.created", "pool", pool.id, pool.name)
    return pool


def pause_pool(scope: Scope, pool_id: UUID, *, paused: bool) -> Pool:
    """Stop or start a shared pool; what waits in it stays there."""
    pool = get_pool(scope, pool_id)
    if pool.paused != paused:
        pool.paused = paused
        record(scope, "shared_pool.paused" if paused else "shared_pool.resumed", "pool", pool.id, pool.name)
    return pool


def list_members(scope: Scope, pool_id: UUID) -> list[tuple[PoolMember, str]]:
    """The pool's members, each with its address or the account's name."""
    label = sa.func.coalesce(IpAddress.address, SendingAccount.name)
    wanted = sa.select(PoolMember, label).outerjoin(IpAddress, IpAddress.id == PoolMember.ip_address_id)
    wanted = wanted.outerjoin(SendingAccount, SendingAccount.id == PoolMember.sending_account_id).where(PoolMember.pool_id == pool_id)
    return [(member, name) for member, name in scope.session.execute(wanted.order_by(PoolMember.id))]


def add_member(scope: Scope, pool_id: UUID, address_id: UUID, weight: int) -> PoolMember:
    """Put a shared address or account into a shared pool. Raises ``NotFound``, ``Conflict`` (in it already), ``ValidationFailed`` (weight 1 to 1000)."""
    pool = get_pool(scope, pool_id)
    if not 1 <= weight <= 1000:
        raise ValidationFailed("A weight is a whole number from 1 to 1000.", param="weight")
    address, account = scope.session.get(IpAddress, address_id), scope.session.get(SendingAccount, address_id)
    found = address or account
    if found is None or found.tenant_id is not None:
        raise NotFound("shared address or account")
    if any(address_id in (member.ip_address_id, member.sending_account_id) for member, _ in list_members(scope, pool_id)):
        raise Conflict("It is in this pool already.", param="member")
    member = PoolMember(
        id=uuid7(), tenant_id=None, pool_id=pool.id, ip_address_id=address.id if address else None, sending_account_id=account.id if account else None,
        weight=weight,
    )  # fmt: skip
    scope.session.add(member)
    record(scope, "shared_pool.member_added", "pool", pool.id, pool.name, {"member": address.address if address else account and account.name})
    return member


def remove_member(scope: Scope, pool_id: UUID, member_id: UUID) -> None:
    """Raises ``NotFound``."""
    pool, member = get_pool(scope, pool_id), scope.session.get(PoolMember, member_id)
    if member is None or member.pool_id != pool.id:
        raise NotFound("member")
    scope.session.delete(member)
    record(scope, "shared_pool.member_removed", "pool", pool.id, pool.name, {"member": member_id})


def list_addresses(scope: Scope) -> Sequence[IpAddress]:
    """Every address of the platform's machines, shared and dedicated."""
    return scope.session.scalars(sa.select(IpAddress).order_by(IpAddress.address)).all()


def list_accounts(scope: Scope) -> Sequence[SendingAccount]:
    """The shared sending accounts."""
    return scope.session.scalars(sa.select(SendingAccount).where(SendingAccount.tenant_id.is_(None)).order_by(SendingAccount.name)).all()


def add_ip(scope: Scope, address: str, helo_name: str, tenant_id: UUID | None) -> IpAddress:
    """Take an address into use, shared or dedicated to a tenant. Raises as ``pools.service.add_address``."""
    row = add_address(scope.session, address, helo_name, tenant_id)
    record(scope, "ip.added", "ip_address", row.id, row.address, {"helo_name": row.helo_name, "dedicated_to": tenant_id})
    return row


def use_ip(scope: Scope, ip_id: UUID, *, active: bool) -> IpAddress:
    """Into use or out of it. Raises ``NotFound``."""
    row = scope.session.get(IpAddress, ip_id)
    if row is None:
        raise NotFound("IP address")
    change_address(scope.session, row.address, active=active)
    record(scope, "ip.used" if active else "ip.unused", "ip_address", row.id, row.address)
    return row


def warm_up(scope: Scope, ip_id: UUID, providers: Sequence[str], steps: Sequence[int]) -> list[WarmupPlan]:
    """Plans for any address, one for each provider (default: the usual ones). Raises ``NotFound``, ``Conflict`` and ``ValidationFailed``."""
    address = scope.session.get(IpAddress, ip_id)
    if address is None:
        raise NotFound("IP address")
    plans = make_plans(scope.session, address, providers or WARMUP_PROVIDERS, steps or WARMUP_STEPS)
    record(scope, "warmup.started", "ip_address", address.id, address.address, {"providers": [plan.provider for plan in plans]})
    return plans


def change_warmup(scope: Scope, plan_id: UUID, state: PlanState) -> WarmupPlan:
    """Pause, resume or finish a plan of any address. Raises ``NotFound``."""
    plan = scope.session.get(WarmupPlan, plan_id)
    if plan is None:
        raise NotFound("warm-up plan")
    record(scope, "warmup.changed", "warmup_plan", plan.id, f"{plan.source_label} to {provider_name(plan.provider)}", {"state": [plan.state, state]})
    plan.state = state.value
    return plan


def list_plans(scope: Scope) -> Sequence[WarmupPlan]:
    """Every plan that is not finished, by address and provider."""
    wanted = sa.select(WarmupPlan).where(WarmupPlan.state != PlanState.FINISHED).order_by(WarmupPlan.source_label, WarmupPlan.provider)
    return scope.session.scalars(wanted.limit(500)).all()


def list_budgets(scope: Scope) -> Sequence[ProviderBudget]:
    """The platform's own budgets by provider."""
    return scope.session.scalars(sa.select(ProviderBudget).where(ProviderBudget.tenant_id.is_(None)).order_by(ProviderBudget.provider)).all()


def set_budget(scope: Scope, wish: BudgetWish) -> ProviderBudget:
    """Limits towards a provider for everybody who has none of their own. Raises ``ValidationFailed``."""
    if all(getattr(wish, name) is None for name in _BUDGET_FIELDS):
        raise ValidationFailed("Give at least one limit.", param="connections")
    budget = write_budget(scope.session, wish, None)
    record(scope, "platform_budget.set", "provider_budget", budget.id, provider_name(budget.provider), {n: getattr(budget, n) for n in _BUDGET_FIELDS})
    return budget


def delete_budget(scope: Scope, budget_id: UUID) -> None:
    """Back to the built-in limits. Raises ``NotFound``."""
    budget = scope.session.get(ProviderBudget, budget_id)
    if budget is None or budget.tenant_id is not None:
        raise NotFound("budget")
    record(scope, "platform_budget.deleted", "provider_budget", budget.id, provider_name(budget.provider))
    scope.session.delete(budget)
