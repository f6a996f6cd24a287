"""The platform's own health: processes, what waits, what is stuck. Needs an unscoped session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import redis
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.kernel.clock import now
from webapp.kernel.heartbeat import Heartbeat
from webapp.kernel.jobs import QueueName, broker
from webapp.messages.service.claim import lost_leases
from webapp.messages.service.held import WAITS_FOR_AN_END
from webapp.settings import get_settings

#: Processes unheard of for longer are not shown any more.
_FORGOTTEN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class QueueState:
    """Recipients in flight. ``oldest``: age in seconds of the oldest that is due; ``overdue``: due for more than ten minutes with nobody at it."""

    queued: int
    sending: int
    held: int
    waiting_for_an_end: int
    scheduled: int
    oldest: int
    overdue: int
    lost: int


@dataclass(frozen=True, slots=True)
class Group:
    """What is held, by why."""

    reason: str
    recipients: int
    oldest: int


_STATE = """
select count(*) filter (where held is null and lease_until is null and not scheduled) as queued, count(*) filter (where lease_until is not null) as sending,
  count(*) filter (where held is not null and held <> all(:waiting)) as held, count(*) filter (where held = any(:waiting)) as waiting_for_an_end,
  count(*) filter (where scheduled and held is null and lease_until is null) as scheduled,
  coalesce(extract(epoch from now() - min(due_at) filter (where held is null and lease_until is null and due_at <= now())), 0)::int as oldest,
  count(*) filter (where held is null and lease_until is null and due_at < now() - interval '10 minutes') as overdue
from queue_entries
"""
_HELD = """
select held as reason, count(*) as recipients, extract(epoch from now() - min(created_at))::int as oldest from queue_entries
where held is not null and held <> all(:waiting) group by 1 order by 2 desc limit 20
"""


def read_queue(session: Session) -> QueueState:
    """Everything in flight, in figures."""
    row = session.execute(sa.text(_STATE), {"waiting": list(WAITS_FOR_AN_END)}).mappings().one()
    lost = session.execute(sa.text(f"select count(*) from ({lost_leases(get_settings().lease_silence_seconds)}) l")).scalar_one()
    return QueueState(**row, lost=lost)


def list_held(session: Session) -> list[Group]:
    """What waits for a person, by its reason."""
    return [Group(**row) for row in session.execute(sa.text(_HELD), {"waiting": list(WAITS_FOR_AN_END)}).mappings()]


def list_processes(session: Session) -> Sequence[Heartbeat]:
    """Every process that gave a sign of life within the hour, by kind."""
    return session.scalars(sa.select(Heartbeat).where(Heartbeat.seen_at > now() - _FORGOTTEN).order_by(Heartbeat.kind, Heartbeat.name)).all()


def read_wakeups() -> dict[str, int] | None:
    """Wake-ups that wait in the broker by queue; None while it is away."""
    try:
        return {name.value: int(broker().llen(f"rq:queue:{name.value}")) for name in QueueName}
    except redis.RedisError:
        return None


def database_size(session: Session) -> int:
    """Octets of the database."""
    return int(session.execute(sa.text("select pg_database_size(current_database())")).scalar_one())
