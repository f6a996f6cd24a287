"""The guard's round over the bridges of all tenants: what the figures say of each is judged and written down; who is to be stopped is handed back.

Sessions must see all tenants. Figures come from the caller, because they are kept by a slice above this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from webapp.bridges import guard_rules as rules
from webapp.bridges.models import Bridge, BridgeGuard, BridgeSender, GuardAlarm, GuardProgress
from webapp.bridges.types import Finding, GuardAction, GuardRule, History, Watched
from webapp.kernel.clock import now
from webapp.kernel.db import raw_of
from webapp.settings import get_settings

_LOCK = 7214006
#: Messages are looked at again for this long: an id is older than the commit that shows it.
_OVERLAP = timedelta(seconds=60)
#: Warnings that no figure takes back end by themselves.
_WARNING_LASTS = timedelta(hours=24)

_SAVE = """
insert into bridge_guards as g (tenant_id, bridge_id, figures, baseline, counted_from, checked_at)
select *, now() from unnest(%s::uuid[], %s::uuid[], %s::jsonb[], %s::jsonb[], %s::timestamptz[])
on conflict (bridge_id) do update set figures = excluded.figures, baseline = excluded.baseline, counted_from = excluded.counted_from, checked_at = now()
where g.counted_from is not distinct from excluded.counted_from or (g.baseline is null and g.counted_from < excluded.counted_from)
"""
_LEARN = """
insert into bridge_senders as s (tenant_id, bridge_id, domain, first_seen_at, last_seen_at)
select x.* from unnest(%s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[], %s::timestamptz[]) x(tenant_id, bridge_id, domain, first_at, last_at)
join bridges b on b.id = x.bridge_id and b.tenant_id = x.tenant_id
on conflict (bridge_id, domain) do update set last_seen_at = excluded.last_seen_at where s.last_seen_at < excluded.last_seen_at - interval '5 minutes'
returning new.bridge_id, new.domain, old.bridge_id is null
"""


@dataclass(frozen=True, slots=True)
class SeenSender:
    """A From domain in a bridge's mail since the last look."""

    tenant_id: UUID
    bridge_id: UUID
    domain: str
    first_at: datetime
    last_at: datetime


Histories = Callable[[Sequence[Watched], datetime], Mapping[UUID, History]]


def take_turn(session: Session) -> bool:
    """Whether this worker may do the round; another one is at it otherwise. Given back when the transaction ends."""
    return bool(session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))))


def judge_figures(session: Session, watched: Sequence[Watched], histories: Histories, moment: datetime) -> list[Finding]:
    """Judge every bridge by its figures, note these, and end the warnings that are over. Returns what ``raise_alarm`` is to be called with.

    ``histories``: looks up the past of the few bridges whose hour is busy enough to be a spike.
    """
    settings = get_settings()
    guards = _guards(session, [w.bridge_id for w in watched])
    _note_baselines(watched, guards, moment)
    counted = {w.bridge_id: rules.count(w, guards.get(w.bridge_id), moment, settings) for w in watched}
    limits = {w.bridge_id: rules.limits_of(guards.get(w.bridge_id), settings) for w in watched}
    busy = [w for w in watched if rules.may_be_spike(counted[w.bridge_id], limits[w.bridge_id], settings)]
    pasts = histories(busy, moment) if busy else {}
    found: list[Finding] = []
    for w in watched:
        guard, mine = guards.get(w.bridge_id), limits[w.bridge_id]
        judged = rules.judge_rates(w, counted[w.bridge_id], mine, settings)
        judged += rules.judge_spike(w, counted[w.bridge_id], pasts.get(w.bridge_id), mine, moment, settings)
        found += [replace(finding, counted_from=guard.counted_from if guard else None) for finding in judged]
    _save(session, watched, guards, counted)
    _end_warnings(session, {(finding.bridge_id, finding.rule) for finding in found}, moment)
    return found


def _guards(session: Session, bridge_ids: Sequence[UUID]) -> dict[UUID, BridgeGuard]:
    """Rows as values: what becomes of them is written by one statement."""
    rows = session.scalars(sa.select(BridgeGuard).where(BridgeGuard.bridge_id.in_(bridge_ids))).all()
    for row in rows:
        session.expunge(row)
    return {row.bridge_id: row for row in rows}


def _note_baselines(watched: Sequence[Watched], guards: Mapping[UUID, BridgeGuard], moment: datetime) -> None:
    """Counting began anew since the last look: what this hour holds by now is not counted."""
    for w in watched:
        guard = guards.get(w.bridge_id)
        if guard is not None and guard.counted_from is not None and guard.baseline is None:
            guard.counted_from, guard.baseline = moment, asdict(w.hour)


def _save(session: Session, watched: Sequence[Watched], guards: Mapping[UUID, BridgeGuard], counted: Mapping[UUID, rules.Counted]) -> None:
    """Figures as pages show them. A bridge that a person resumed since the guards were read is left for the next look."""
    rows = []
    for w in watched:
        guard = guards.get(w.bridge_id)
        figures = {"window": asdict(counted[w.bridge_id].window), "hour": asdict(counted[w.bridge_id].hour)}
        if guard is not None and guard.figures == figures and guard.checked_at and now() - guard.checked_at < timedelta(minutes=1):
            continue
        rows.append((w.tenant_id, w.bridge_id, Jsonb(figures), Jsonb(guard.baseline) if guard and guard.baseline else None, guard and guard.counted_from))
    if rows:
        raw_of(session).execute(_SAVE, [list(column) for column in zip(*rows, strict=True)])


def _end_warnings(session: Session, standing: set[tuple[UUID, GuardRule]], moment: datetime) -> None:
    """Rates that are well again, and after a day what happened only once."""
    wanted = sa.select(GuardAlarm).where(GuardAlarm.ended_at.is_(None), GuardAlarm.action == GuardAction.WARN)
    for alarm in session.scalars(wanted):
        by_rate = alarm.rule in (GuardRule.BOUNCES, GuardRule.COMPLAINTS)
        over = (alarm.bridge_id, GuardRule(alarm.rule)) not in standing if by_rate else moment - alarm.created_at > _WARNING_LASTS
        if over:
            alarm.ended_at, alarm.ended_by = moment, "Postbridge"


def senders_due_since(session: Session, moment: datetime) -> datetime:
    """From when on mail is to be looked at for new senders; the first time, as far back as bridges are learned."""
    progress = session.get(GuardProgress, 1)
    if progress is None:
        return moment - timedelta(days=get_settings().guard_learning_days)
    return progress.seen_until - _OVERLAP


def judge_senders(session: Session, seen: Sequence[SeenSender], moment: datetime) -> list[Finding]:
    """Remember the From domains seen until ``moment``; those that are new to a bridge with a past are findings."""
    session.merge(GuardProgress(id=1, seen_until=moment))
    session.flush()
    if not seen:
        return []
    columns: list[list[Any]] = [[getattr(one, name) for one in seen] for name in SeenSender.__slots__]
    fresh = {(row[0], row[1]) for row in raw_of(session).execute(_LEARN, columns) if row[2]}
    if not fresh:
        return []
    ids = [bridge_id for bridge_id, _ in fresh]
    bridges = {bridge.id: bridge for bridge in session.scalars(sa.select(Bridge).where(Bridge.id.in_(ids)))}
    guards, known = _guards(session, ids), session.scalars(sa.select(BridgeSender).where(BridgeSender.bridge_id.in_(ids))).all()
    learned = moment - timedelta(days=get_settings().guard_learning_days)
    found = []
    for bridge_id, domain in sorted(fresh):
        past = sorted(s.domain for s in known if s.bridge_id == bridge_id and s.first_seen_at < learned)
        finding = rules.judge_sender(bridges[bridge_id], guards.get(bridge_id), domain, past, get_settings()) if past else None
        found += [finding] if finding else []
    return found


def list_unsettled(session: Session) -> list[tuple[UUID, UUID]]:
    """``(tenant, bridge)`` of those paused, whose due mail is to be held, and of those resumed whose mail is still held."""
    rows = session.execute(sa.select(Bridge.tenant_id, Bridge.id).where(sa.or_(Bridge.paused_at.is_not(None), Bridge.queue_held_at.is_not(None))))
    return [(row[0], row[1]) for row in rows]


def note_held(session: Session, bridge_id: UUID, *, held: bool) -> None:
    """Remember that mail of a bridge is held, or that all of it was let go."""
    moment = sa.func.coalesce(Bridge.queue_held_at, now()) if held else None
    session.execute(
        sa.update(Bridge).where(Bridge.id == bridge_id).values(queue_held_at=moment, updated_at=Bridge.updated_at),
        execution_options={"synchronize_session": False},
    )
