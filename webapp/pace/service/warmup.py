"""Warm-up: plans by address and provider, today's allowance handed out exactly, days that count only when they were clean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import sqlalchemy as sa

from webapp.activity.service import record
from webapp.kernel.clock import now
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.pace.models import WarmupPlan
from webapp.pace.types import (
    WARMUP_BLOCKS,
    WARMUP_BOUNCES,
    WARMUP_HOURLY,
    WARMUP_PROVIDERS,
    WARMUP_STEPS,
    WARMUP_VOLUME,
    PlanState,
    Tally,
    provider_name,
)
from webapp.pools.models import IpAddress
from webapp.pools.service import ANY_ADDRESS

_RESERVE = """
update warmup_days d set reserved = d.reserved + x.given
from (
  select w.plan_id, greatest(least(n.wanted, least(w.allowance, ceil((w.allowance * %(share)s)::numeric(20, 6))::int) - w.reserved), 0) as given
  from unnest(%(plans)s::uuid[], %(wanted)s::int[]) n(plan_id, wanted) join warmup_days w on w.plan_id = n.plan_id and w.on_date = %(today)s
  order by w.plan_id for update of w) x
where d.plan_id = x.plan_id and d.on_date = %(today)s and x.given > 0 returning d.plan_id, x.given
"""
_GIVE_BACK = (
    "update warmup_days d set reserved = greatest(d.reserved - n.count, 0) from unnest(%s::uuid[], %s::int[]) n(plan_id, count) "
    "where d.plan_id = n.plan_id and d.on_date = %s"
)
_COUNT = """
update warmup_days d set sent = d.sent + n.sent, bounced = d.bounced + n.bounced, blocked = d.blocked + n.blocked
from unnest(%(plans)s::uuid[], %(sent)s::int[], %(bounced)s::int[], %(blocked)s::int[]) n(plan_id, sent, bounced, blocked)
where d.plan_id = n.plan_id and d.on_date = %(today)s
"""


def reserve(connection: psycopg.Connection[Any], wanted: Mapping[UUID, int], moment: datetime) -> dict[UUID, int]:
    """Take up to ``wanted`` recipients of each plan's allowance for the calling process: what was given, by plan.

    Exact over any number of processes: the sum of what was given never passes the allowance, nor the part of it that may have left by this hour.
    """
    if not wanted:
        return {}
    arguments = {
        "plans": list(wanted), "wanted": list(wanted.values()), "today": moment.date(), "share": min(1.0, WARMUP_HOURLY * (moment.astimezone(UTC).hour + 1)),
    }  # fmt: skip
    return {row[0]: row[1] for row in connection.execute(_RESERVE, arguments).fetchall()}


def give_back(connection: psycopg.Connection[Any], unused: Mapping[UUID, int], day: date) -> None:
    """Return what was reserved on ``day`` and not used: a worker that ends leaves nothing behind."""
    if unused:
        connection.execute(_GIVE_BACK, (list(unused), list(unused.values()), day))


def count_sent(connection: psycopg.Connection[Any], tallies: Mapping[UUID, Tally], moment: datetime) -> None:
    """Add what became of warm-up mail to its plans' days."""
    if tallies:
        rows = list(tallies.values())
        connection.execute(
            _COUNT,
            {
                "plans": list(tallies), "sent": [t.delivered + t.bounced for t in rows], "bounced": [t.bounced for t in rows],
                "blocked": [t.blocked for t in rows], "today": moment.date(),
            },
        )  # fmt: skip


class _Last(NamedTuple):
    plan_id: UUID
    tenant_id: UUID | None
    steps: list[int]
    day: int
    on_date: date | None
    allowance: int | None
    sent: int | None
    bounced: int | None
    blocked: int | None


_DUE = """
select p.id, p.tenant_id, p.steps, p.day, d.on_date, d.allowance, d.sent, d.bounced, d.blocked from warmup_plans p
left join lateral (select * from warmup_days w where w.plan_id = p.id order by w.on_date desc limit 1) d on true
where p.state = 'running' and (d.on_date is null or d.on_date < %s) order by p.id limit 5000 for update of p
"""


def start_days(connection: psycopg.Connection[Any], today: date) -> int:
    """Judge the last day of each running plan and begin today's: one step further when it was clean, the same once more when not. Returns how many."""
    rows = [_Last(*row) for row in connection.execute(_DUE, (today,)).fetchall()]
    for last in rows:
        day = last.day
        if last.on_date is not None:
            clean, verdict = judge_day(last.allowance or 0, last.sent or 0, last.bounced or 0, last.blocked or 0)
            connection.execute("update warmup_days set verdict = %s where plan_id = %s and on_date = %s", (verdict, last.plan_id, last.on_date))
            day += clean
        if day > len(last.steps):
            connection.execute("update warmup_plans set state = 'finished', finished_on = %s, updated_at = now() where id = %s", (today, last.plan_id))
            continue
        connection.execute("update warmup_plans set day = %s, updated_at = now() where id = %s", (day, last.plan_id))
        connection.execute(
            "insert into warmup_days (plan_id, on_date, tenant_id, day, allowance) values (%s, %s, %s, %s, %s) on conflict do nothing",
            (last.plan_id, today, last.tenant_id, day, last.steps[day - 1]),
        )
    return len(rows)


def forget_lost_sources(connection: psycopg.Connection[Any]) -> int:
    """Remove plans and budgets of addresses and accounts that are gone, and end their throttles: no key points at them. Returns how many rows."""
    gone = (
        "source_id is not null and not exists (select from ip_addresses i where i.id = source_id) "
        "and not exists (select from sending_accounts a where a.id = source_id)"
    )
    changed = sum(connection.execute(f"delete from {table} where {gone}").rowcount for table in ("warmup_plans", "provider_budgets"))
    ended = "update throttles set ended_at = now(), ended_why = 'This way out was removed.' where ended_at is null and "
    return changed + connection.execute(ended + gone).rowcount


def judge_day(allowance: int, sent: int, bounced: int, blocked: int) -> tuple[bool, str]:
    """Whether a day counts, and why, for people."""
    if sent < ceil(allowance * WARMUP_VOLUME):
        return False, f"Repeated: {sent:,} of {allowance:,} were sent, and {WARMUP_VOLUME:.0%} are needed."
    if bounced > sent * WARMUP_BOUNCES:
        return False, f"Repeated: {bounced:,} of {sent:,} bounced, more than {WARMUP_BOUNCES:.0%}."
    if blocked > sent * WARMUP_BLOCKS:
        return False, f"Repeated: the provider refused or slowed us {blocked:,} times."
    return True, "Counted."


def forecast_finish(day: int, steps: Sequence[int], started_on: date, today: date) -> date:
    """The day on which full speed is reached if things go on as so far: each step took as many days as the steps done have taken on average."""
    done = day - 1
    days_a_step = max(1.0, (today - started_on).days / done) if done else 1.0
    return today + timedelta(days=ceil((len(steps) - done) * days_a_step))


def start_warmup(scope: Scope, ip_id: UUID, providers: Sequence[str] = (), steps: Sequence[int] = ()) -> list[WarmupPlan]:
    """Plans for a dedicated address of the tenant, one for each provider (default: the four large ones and all others together).

    Raises ``NotFound``, ``Conflict`` for shared addresses and for a provider that has a plan, ``ValidationFailed`` for steps that do not rise.
    """
    scope.require(Permission.IP_UPDATE)
    address = scope.session.scalar(sa.select(IpAddress).where(IpAddress.id == ip_id))
    if address is None:
        raise NotFound("IP address")
    if address.tenant_id != scope.tenant_id:
        raise Conflict("This address is shared by the platform; its operator warms it up.")
    plans = make_plans(scope.session, address, providers or WARMUP_PROVIDERS, steps or WARMUP_STEPS)
    record(scope, "warmup.started", "ip_address", address.id, address.address, {"providers": [plan.provider for plan in plans]})
    return plans


def make_plans(session: Any, address: IpAddress, providers: Sequence[str], steps: Sequence[int]) -> list[WarmupPlan]:
    """The rows of new plans, for services and the operator's command. Raises as ``start_warmup``."""
    if list(steps) != sorted(set(steps)) or steps[0] < 1:
        raise ValidationFailed("Each day's allowance must be larger than that of the day before.", param="steps")
    taken = set(session.scalars(sa.select(WarmupPlan.provider).where(WarmupPlan.source_id == address.id)))
    if again := sorted(taken & set(providers)):
        raise Conflict(f"This address has a plan for {provider_name(again[0])} already; change that one.", param="providers")
    label = "This server" if address.address == ANY_ADDRESS else address.address
    today = now().date()
    plans = [
        WarmupPlan(
            tenant_id=address.tenant_id, source_id=address.id, source_label=label, provider=provider, steps=list(steps), day=1,
            state=PlanState.RUNNING, started_on=today,
        )
        for provider in dict.fromkeys(providers)
    ]  # fmt: skip
    session.add_all(plans)
    session.flush()
    return plans


def change_plan(scope: Scope, plan_id: UUID, *, state: PlanState | None = None, day: int | None = None) -> WarmupPlan:
    """Pause, resume or finish a plan of the tenant's own address, or set its day (from tomorrow's volume on). Raises ``NotFound``, ``Conflict``."""
    scope.require(Permission.IP_UPDATE)
    plan = scope.session.scalar(sa.select(WarmupPlan).where(WarmupPlan.id == plan_id))
    if plan is None:
        raise NotFound("warm-up plan")
    if plan.tenant_id != scope.tenant_id:
        raise Conflict("This address is shared by the platform; its operator warms it up.")
    if day is not None and not 1 <= day <= len(plan.steps):
        raise ValidationFailed(f"The plan has {len(plan.steps)} days.", param="day")
    changed: dict[str, Any] = {}
    if state is not None and state != plan.state:
        changed["state"] = [plan.state, state.value]
        plan.state, plan.finished_on = state, now().date() if state is PlanState.FINISHED else None
    if day is not None and day != plan.day:
        changed["day"] = [plan.day, day]
        plan.day = day
    scope.session.flush()
    if changed:
        record(scope, "warmup.changed", "ip_address", plan.source_id, plan.source_label, {"provider": plan.provider, **changed})
    return plan
