"""People and throttles: lift one, set one, change the budget of a provider."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.activity.service import record
from webapp.kernel.clock import now
from webapp.kernel.db import after_commit
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.jobs import wake_delivery
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.pace.models import ProviderBudget, Throttle
from webapp.pace.types import ANY, PROVIDERS, RELAY, Action, provider_name

_PROVIDER = re.compile(r"[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?")


def check_provider(text: str) -> str:
    """A provider's key: one of the known ones, ``*``, ``relay`` or a domain. Raises ``ValidationFailed``."""
    key = text.strip().lower()
    if key in (ANY, RELAY) or key in PROVIDERS or ("." in key and _PROVIDER.fullmatch(key)):
        return key
    raise ValidationFailed(f"Name a provider ({', '.join(PROVIDERS)}), * for all, or the domain of its mail servers.", param="provider")


def lift_throttle(scope: Scope, throttle_id: UUID) -> Throttle:
    """End a throttle of one of the tenant's own ways out, at once. Raises ``NotFound``, ``Conflict`` for shared ones and ones that ended."""
    scope.require(Permission.POOL_UPDATE)
    throttle = scope.session.scalar(sa.select(Throttle).where(Throttle.id == throttle_id))
    if throttle is None:
        raise NotFound("throttle")
    if throttle.tenant_id != scope.tenant_id:
        raise Conflict("This way out is shared by the platform; only its operator lifts the throttle.")
    end_throttle(scope.session, throttle, scope.actor.name)
    record(scope, "throttle.lifted", "throttle", throttle.id, f"{provider_name(throttle.provider)} on {throttle.source_label}")
    return throttle


def end_throttle(session: Session, throttle: Throttle, who: str) -> None:
    """End a throttle by hand. Raises ``Conflict`` when it has ended."""
    if throttle.ended_at is not None:
        raise Conflict("This throttle has ended already.")
    throttle.ended_at, throttle.ended_why = now(), f"Lifted by {who}."
    session.flush()
    after_commit(session, wake_delivery)


def set_throttle(session: Session, *, provider: str, minutes: int, reason: str, rate: float | None, who: str) -> Throttle:
    """Slow (``rate`` messages a second) or pause (None) every way out to a provider for some minutes: the operator's hand. Replaces the one in force."""
    key, moment = check_provider(provider), now()
    if minutes < 1 or (rate is not None and rate <= 0):
        raise ValidationFailed("Give a time of at least a minute and a rate above 0.", param="minutes")
    before = session.scalar(sa.select(Throttle).where(Throttle.source_id.is_(None), Throttle.provider == key, Throttle.ended_at.is_(None)))
    if before is not None:
        end_throttle(session, before, who)
    made = Throttle(
        source_id=None, source_label="every address", provider=key, action=Action.PAUSE if rate is None else Action.SLOW, rate=rate, rule="by hand",
        reason=reason, until=moment + timedelta(minutes=minutes), made_by=who,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


@dataclass(frozen=True, slots=True)
class BudgetWish:
    """New limits towards a provider; None leaves the built-in value. ``source_id``: of one address or account only."""

    provider: str
    source_id: UUID | None = None
    connections: int | None = None
    messages_per_connection: int | None = None
    rate: float | None = None
    total_connections: int | None = None
    total_rate: float | None = None


_LIMITS = ("connections", "messages_per_connection", "rate", "total_connections", "total_rate")


def set_budget(scope: Scope, wish: BudgetWish) -> ProviderBudget:
    """Limits of the tenant's own addresses and relays towards a provider. Raises ``ValidationFailed`` for an unknown provider or limits for all together,
    which only the operator sets."""
    scope.require(Permission.POOL_UPDATE)
    if wish.total_connections is not None or wish.total_rate is not None:
        raise ValidationFailed("Limits over all addresses together are the operator's.", param="total_connections")
    budget = write_budget(scope.session, wish, scope.tenant_id)
    record(scope, "budget.set", "provider_budget", budget.id, provider_name(budget.provider), {name: getattr(budget, name) for name in _LIMITS[:3]})
    return budget


def write_budget(session: Session, wish: BudgetWish, tenant_id: UUID | None) -> ProviderBudget:
    """The row of a budget, made or changed; for services and the operator's command."""
    provider = check_provider(wish.provider)
    same = (ProviderBudget.tenant_id.is_not_distinct_from(tenant_id), ProviderBudget.source_id.is_not_distinct_from(wish.source_id))
    found = session.scalar(sa.select(ProviderBudget).where(*same, ProviderBudget.provider == provider))
    budget = found or ProviderBudget(tenant_id=tenant_id, source_id=wish.source_id, provider=provider)
    for name in _LIMITS:
        setattr(budget, name, getattr(wish, name))
    session.add(budget)
    session.flush()
    return budget


def delete_budget(scope: Scope, budget_id: UUID) -> None:
    """Back to the built-in limits. Raises ``NotFound``, ``Conflict`` for the operator's."""
    scope.require(Permission.POOL_UPDATE)
    budget = scope.session.scalar(sa.select(ProviderBudget).where(ProviderBudget.id == budget_id))
    if budget is None:
        raise NotFound("budget")
    if budget.tenant_id != scope.tenant_id:
        raise Conflict("This budget is the platform's; set one of your own beside it.")
    values: dict[str, Any] = {"provider": budget.provider}
    scope.session.delete(budget)
    scope.session.flush()
    record(scope, "budget.deleted", "provider_budget", budget_id, provider_name(budget.provider), values)
