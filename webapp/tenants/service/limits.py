"""Limits of a tenant: what it may have, what it has, and room for one more."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from webapp.activity.service import record
from webapp.kernel.db import after_commit
from webapp.kernel.errors import LimitExceeded, ValidationFailed
from webapp.kernel.scope import Scope
from webapp.settings import get_settings
from webapp.tenants.models import Plan, Tenant
from webapp.tenants.queries import get_tenant
from webapp.tenants.service.states import forget_state
from webapp.tenants.types import LIMIT_KINDS, Limit, LimitName

Counter = Callable[[Scope], int]

#: Integers of the database.
MOST = 2_000_000_000
_counters: dict[LimitName, Counter] = {}
#: Limits that are columns, because the sending path reads them.
_COLUMNS = {
    LimitName.DAILY_RECIPIENTS: "daily_limit", LimitName.MONTHLY_RECIPIENTS: "monthly_limit", LimitName.MINUTE_RECIPIENTS: "minute_limit",
    LimitName.MESSAGE_RECIPIENTS: "max_recipients",
}  # fmt: skip


def counts(name: LimitName) -> Callable[[Counter], Counter]:
    """Mark the function that says how much of ``name`` a tenant uses: the slice that owns the things counts them."""

    def mark(counter: Counter) -> Counter:
        _counters[name] = counter
        return counter

    return mark


def default_of(name: LimitName) -> int | None:
    """The platform's limit for a tenant that has none of its own; None: unlimited."""
    settings = get_settings()
    if name is LimitName.MESSAGE_RECIPIENTS:
        return settings.max_recipients
    if name is LimitName.KEY_RATE:
        return max(settings.send_rate, settings.management_rate)
    return LIMIT_KINDS[name].default


def limit_of(scope: Scope, name: LimitName) -> int | None:
    """How much of ``name`` the tenant may have now; None: unlimited."""
    tenant = get_tenant(scope.session, scope.tenant_id)
    own = _own_limit(tenant, name)
    if own is None and tenant.plan_id is not None:
        own = scope.session.scalar(sa.select(Plan.limits[name.value].as_integer()).where(Plan.id == tenant.plan_id))
    return default_of(name) if own is None else own


def list_limits(scope: Scope) -> list[Limit]:
    """Every limit of the tenant, and how much of it is used."""
    return [get_limit(scope, name) for name in LimitName]


def get_limit(scope: Scope, name: LimitName) -> Limit:
    """One limit of the tenant, and how much of it is used."""
    counter = _counters.get(name)
    return Limit(name, LIMIT_KINDS[name].description, limit_of(scope, name), default_of(name), counter(scope) if counter else None)


def check_room(scope: Scope, name: LimitName, more: int = 1) -> None:
    """Raise ``LimitExceeded`` unless ``more`` of ``name`` fit.

    Holds a lock of the tenant for this limit until the transaction ends: two requests at once must not pass the limit together.
    """
    limit = limit_of(scope, name)
    if limit is None:
        return
    scope.session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"{name}|{scope.tenant_id}", 0))))
    if _counters[name](scope) + more > limit:
        raise LimitExceeded(f"A tenant has at most {limit} {LIMIT_KINDS[name].noun}; remove one first, or ask for more with POST /limit-requests.")


def set_limit(scope: Scope, name: LimitName, value: int | None) -> None:
    """Give a tenant a limit of its own (0 or more), or with None the platform's default. For staff; acts within five seconds."""
    if value is not None and not 0 <= value <= MOST:
        raise ValidationFailed(f"A limit is a whole number from 0 to {MOST}.", param=_COLUMNS.get(name, name.value))
    tenant = get_tenant(scope.session, scope.tenant_id)
    before = _own_limit(tenant, name)
    if before == value:
        return
    if column := _COLUMNS.get(name):
        setattr(tenant, column, value)
    else:
        kept = {key: number for key, number in tenant.limits.items() if key != name}
        tenant.limits = kept if value is None else {**kept, name.value: value}
    record(scope, "tenant.limit_set", "tenant", tenant.id, tenant.name, {name.value: [before, value]})
    after_commit(scope.session, lambda: forget_state(tenant.id))


def set_limits(scope: Scope, *, daily_limit: int | None, max_recipients: int | None) -> Tenant:
    """Live recipients per UTC day and recipients a message; None: the platform's default."""
    set_limit(scope, LimitName.DAILY_RECIPIENTS, daily_limit)
    set_limit(scope, LimitName.MESSAGE_RECIPIENTS, max_recipients)
    return get_tenant(scope.session, scope.tenant_id)


def _own_limit(tenant: Tenant, name: LimitName) -> int | None:
    column = _COLUMNS.get(name)
    found: int | None = getattr(tenant, column) if column else tenant.limits.get(name)
    return found
