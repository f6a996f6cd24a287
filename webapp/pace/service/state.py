"""What delivery processes read every two seconds: the whole pace as one value."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from webapp.pace.service.warmup import start_days
from webapp.pace.types import ANY, DEFAULT_BUDGETS, RELAY, Action, Budget, HoldState, PaceState, PlanToday, Subject, ThrottleState

_THROTTLES = (
    "select id, source_id, provider, action, rate, reason, until from throttles where ended_at is null and (action <> 'slow' or until > now()) limit 20000"
)
_BUDGETS = "select tenant_id, source_id, provider, connections, messages_per_connection, rate, total_connections, total_rate from provider_budgets limit 20000"
_PLANS = (
    "select p.id, p.source_id, p.provider, d.allowance, d.reserved from warmup_plans p left join warmup_days d on d.plan_id = p.id and d.on_date = %s "
    "where p.state = 'running' limit 20000"
)
_HOLDS = "select tenant_id, subject, subject_id, provider, reason from sending_holds where kind = 'hold' and released_at is null limit 20000"
_WORKERS = "select name from heartbeats where kind = 'delivery' and seen_at > now() - make_interval(secs => %s) order by name"


def load_state(connection: psycopg.Connection[Any], owner: str, silent_seconds: int, moment: datetime | None = None) -> PaceState:
    """The pace at this moment, as ``owner`` (a delivery process) must keep it. The connection sees all tenants and is inside a transaction.

    Five small reads, sent together on a pipelined connection. The first process that comes on a new day also judges the last one of every plan.
    """
    today = (moment or datetime.now(UTC)).date()
    questions: tuple[tuple[str, tuple[Any, ...]], ...] = (
        (_THROTTLES, ()), (_BUDGETS, ()), (_PLANS, (today,)), (_HOLDS, ()), (_WORKERS, (silent_seconds,)),
    )  # fmt: skip
    cursors = [connection.execute(query, arguments, prepare=True) for query, arguments in questions]
    throttles, budgets, plans, holds, names = (cursor.fetchall() for cursor in cursors)
    if any(row[3] is None for row in plans):
        start_days(connection, today)
        plans = connection.execute(_PLANS, (today,)).fetchall()
    alive = sorted({*(row[0] for row in names), owner})
    return PaceState(
        throttles=tuple(ThrottleState(row[0], row[1], row[2], Action(row[3]), *row[4:]) for row in throttles),
        budgets={(row[0], row[1], row[2]): Budget(*row[3:]) for row in budgets},
        plans=tuple(PlanToday(*row) for row in plans if row[3] is not None),
        holds=tuple(HoldState(row[0], Subject(row[1]), *row[2:]) for row in holds),
        workers=len(alive), place=alive.index(owner), day=today,
    )  # fmt: skip


def budget_of(budgets: dict[tuple[UUID | None, UUID | None, str], Budget], tenant_id: UUID | None, source_id: UUID, provider: str) -> Budget:
    """The budget of one way out towards one provider: each value from the most particular row that has one, then the built-in one.

    ``tenant_id`` is that of the source: what a tenant sets holds for its own addresses and relays only.
    """
    owners = (tenant_id, None) if tenant_id is not None else (None,)
    names = (provider,) if provider == RELAY else (provider, ANY)
    rows = [budgets.get((owner, source, name)) for name in names for source in (source_id, None) for owner in owners]
    rows += [DEFAULT_BUDGETS.get(name) for name in names]
    found = Budget()
    for row in rows:
        if row is not None:
            found = Budget(*(mine if mine is not None else theirs for mine, theirs in zip(_values(found), _values(row), strict=True)))
    total = next((row for row in (budgets.get((None, None, name)) for name in names) if row is not None), Budget())
    return replace(found, total_connections=total.total_connections, total_rate=total.total_rate)


def _values(budget: Budget) -> tuple[Any, ...]:
    return budget.connections, budget.messages_per_connection, budget.rate, budget.total_connections, budget.total_rate
