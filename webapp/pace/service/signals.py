"""What replies teach: rows that slow, pause or leave out a way out, and their recovery by success. Called in the transaction of the outcomes."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from webapp.pace.service.rules import SLOW_SECONDS, Rule, find_rule, times
from webapp.pace.types import ANY, Action, Signal, Tally
from webapp.settings import get_settings

Key = tuple[UUID, str]

#: Messages a second below which nothing is slowed further; relays are ours to use, so their floor is higher.
_FLOOR, _RELAY_FLOOR = 0.1, 1.0
#: A way out of which little is known is slowed from here.
_BASE_RATE = 20.0
#: The rate after a pause, and the rate at which a way out without a budget counts as free again.
_RESTART_RATE, _FREE_RATE = 1.0, 100.0
#: Replies of one burst lower the rate once; success must last this long, and be this much, before it is doubled.
_BURST_SECONDS, _RECOVER_SECONDS, _RECOVER_MESSAGES = 5.0, 60.0, 10
_MOST_TEXT = 300
_ADDRESS = re.compile(r"[^\s<>\"']{1,64}@[^\s<>\"',;]{1,255}")


@dataclass(slots=True)
class _Row:
    id: UUID
    source_id: UUID
    provider: str
    action: str
    rate: float | None
    rule: str
    reason: str
    strikes: int
    level: int
    good: int
    until: datetime
    changed_at: datetime
    updated_at: datetime


_LOCK = """
select id, source_id, provider, action, rate, rule, reason, strikes, level, good, until, changed_at, updated_at from throttles
where ended_at is null and (source_id, provider) in (select * from unnest(%s::uuid[], %s::text[])) order by source_id, provider for update
"""
_INSERT = """
insert into throttles (tenant_id, source_id, source_label, provider, action, rate, rule, reason, reply, strikes, until, made_by, changed_at,
  created_at, updated_at)
values (%(tenant)s, %(source)s, %(label)s, %(provider)s, %(action)s, %(rate)s, %(rule)s, %(reason)s, %(reply)s, %(strikes)s, %(until)s, 'Postbridge',
  %(moment)s, %(moment)s, %(moment)s)
on conflict (source_id, provider) where ended_at is null do update set strikes = throttles.strikes + excluded.strikes, updated_at = excluded.updated_at
"""
_UPDATE = """
update throttles set action = %(action)s, rate = %(rate)s, rule = %(rule)s, reason = %(reason)s, reply = coalesce(%(reply)s, reply), strikes = %(strikes)s,
  level = %(level)s, good = %(good)s, until = %(until)s, changed_at = %(changed_at)s, updated_at = %(moment)s where id = %(id)s
"""
_END = "update throttles set ended_at = %s, ended_why = %s, good = %s, updated_at = %s where id = %s"


def record_replies(
    connection: psycopg.Connection[Any], signals: Sequence[Signal], tallies: Mapping[Key, Tally], full_rates: Mapping[Key, float | None], moment: datetime
) -> bool:
    """Write down what a batch taught. ``tallies``: what left each way that has a throttle; ``full_rates``: the budget's rate of each.

    The connection sees all tenants and is inside a transaction. Returns whether a row changed, so that the caller reads its state anew.
    """
    told = _judged(signals)
    # A way out that is left out is left out for everybody, so its row has no provider.
    keys = {(s.source_id, _provider(s, rule)) for s, rule in told} | set(tallies) | {(source, ANY) for source, _ in tallies}
    if not keys:
        return False
    ordered = sorted(keys, key=lambda key: (key[0].bytes, key[1]))
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        cursor.execute(_LOCK, ([key[0] for key in ordered], [key[1] for key in ordered]))
        rows = {(row.source_id, row.provider): row for row in cursor.fetchall()}
    changed = False
    for signal, rule in told:
        key = (signal.source_id, _provider(signal, rule))
        _strike(connection, rows.get(key), signal, rule, full_rates.get((signal.source_id, signal.provider)), moment)
        changed = True
    punished = {(s.source_id, _provider(s, rule)) for s, rule in told}
    for (source, provider), tally in tallies.items():
        for key in ((source, provider), (source, ANY)):
            row = rows.get(key)
            if row is not None and tally.delivered and key not in punished:
                changed |= _reward(connection, row, tally.delivered, full_rates.get((source, provider)), moment)
    return changed


def _judged(signals: Sequence[Signal]) -> list[tuple[Signal, Rule]]:
    """Replies with the rules they fall under, those of one rule about one way out counted together."""
    found: dict[tuple[Key, str], tuple[Signal, Rule]] = {}
    for signal in signals:
        rule = find_rule(signal)
        if rule is not None:
            key = ((signal.source_id, signal.provider), rule.name)
            before = found.get(key)
            found[key] = (replace(signal, count=signal.count + before[0].count) if before else signal, rule)
    return list(found.values())


def _provider(signal: Signal, rule: Rule) -> str:
    return ANY if rule.action is Action.OUT else signal.provider


def _scaled(seconds: float) -> timedelta:
    """Tests run hours in seconds, as they do with the gaps between attempts."""
    return timedelta(seconds=seconds * get_settings().retry_scale)


def _strike(connection: psycopg.Connection[Any], row: _Row | None, signal: Signal, rule: Rule, full_rate: float | None, moment: datetime) -> None:
    floor = _RELAY_FLOOR if signal.kind == "relay" else _FLOOR
    if row is None:
        action = rule.action if signal.count >= rule.threshold else Action.SLOW
        rate = max(floor, min(full_rate or _FREE_RATE, max(signal.rate or 0.0, _BASE_RATE)) / 2) if action is Action.SLOW else None
        values = {"action": action.value, "rate": rate, "strikes": signal.count, "until": moment + _length(rule, action, 0)}
        about = {"tenant": signal.tenant_id, "source": signal.source_id, "label": signal.label, "provider": _provider(signal, rule)}
        text = {"rule": rule.name, "reason": rule.says + times(signal.count), "reply": shown(signal.reply)}
        connection.execute(_INSERT, {**values, **about, **text, "moment": moment})
        return
    same = row.rule == rule.name and moment - row.updated_at < _scaled(3600)
    strikes = row.strikes + signal.count if same else signal.count
    action = rule.action if strikes >= rule.threshold else Action.SLOW
    row.strikes, row.reason, row.rule = strikes, rule.says + times(strikes), rule.name
    held_back = row.action != Action.SLOW
    if held_back and moment < row.until:
        pass  # said to mail that was under way when the way out was closed
    elif action is Action.SLOW and not held_back:
        if moment - row.changed_at >= _scaled(_BURST_SECONDS):
            row.rate, row.changed_at, row.good = max(floor, (row.rate or _BASE_RATE) / 2), moment, 0
        row.until = moment + _length(rule, action, 0)
    else:
        row.level = row.level + 1 if held_back else row.level
        action = Action(row.action) if held_back and action is Action.SLOW else action
        row.action, row.rate, row.changed_at, row.good = action.value, None, moment, 0
        row.until = moment + _length(rule, action, row.level)
    _save(connection, row, shown(signal.reply), moment)


def _length(rule: Rule, action: Action, level: int) -> timedelta:
    """How long: doubled each time it was for nothing, up to the rule's bound; spread, so that not everything comes back at one moment."""
    if action is Action.SLOW:
        return _scaled(SLOW_SECONDS)
    seconds = min(rule.seconds * 2 ** min(level, 12), max(rule.longest, rule.seconds))
    # A blocked address rests one to two hours.
    spread = 1 / 3 if action is Action.MOVE else 0.0
    return _scaled(seconds * random.uniform(1 - spread, 1 + spread))


def _reward(connection: psycopg.Connection[Any], row: _Row, delivered: int, full_rate: float | None, moment: datetime) -> bool:
    """Success: a way out that was left out is back, one that was paused goes on slowly, a slowed one doubles its rate until it is free."""
    if row.action == Action.OUT:
        if moment >= row.until:
            _end(connection, row, "It takes mail again.", delivered, moment)
        return moment >= row.until
    if row.action != Action.SLOW:
        if moment < row.until:
            return False
        row.action, row.rate, row.good, row.changed_at = Action.SLOW.value, _RESTART_RATE, 0, moment
        row.until, row.level = moment + _scaled(SLOW_SECONDS), row.level + 1  # the next pause is longer
        row.reason = f"it goes on slowly after a pause ({row.reason})"[:_MOST_TEXT]
        _save(connection, row, None, moment)
        return True
    row.good += delivered
    lasted = moment - row.changed_at >= _scaled(_RECOVER_SECONDS)
    if lasted and row.good >= _RECOVER_MESSAGES:
        row.rate, row.good, row.changed_at = (row.rate or _RESTART_RATE) * 2, 0, moment
        if row.rate >= (full_rate or _FREE_RATE):
            _end(connection, row, "Mail got through at the full rate again.", delivered, moment)
            return True
        row.until = max(row.until, moment + _scaled(SLOW_SECONDS / 2))
    _save(connection, row, None, moment)
    return lasted


def _save(connection: psycopg.Connection[Any], row: _Row, reply: str | None, moment: datetime) -> None:
    connection.execute(
        _UPDATE,
        {
            "id": row.id, "action": row.action, "rate": row.rate, "rule": row.rule, "reason": row.reason, "reply": reply, "strikes": row.strikes,
            "level": row.level, "good": row.good, "until": row.until, "changed_at": row.changed_at, "moment": moment,
        },
    )  # fmt: skip


def _end(connection: psycopg.Connection[Any], row: _Row, why: str, delivered: int, moment: datetime) -> None:
    connection.execute(_END, (moment, why, row.good + delivered, moment, row.id))


def shown(reply: str) -> str:
    """A reply fit for a row that more than one tenant may see: bounded, and without addresses of recipients."""
    return _ADDRESS.sub("(address)", reply)[:_MOST_TEXT]


def end_expired(connection: psycopg.Connection[Any], moment: datetime) -> int:
    """End throttles whose time is over: slowed ones at once, the others a day after it, when no mail came to prove them. Returns how many."""
    statement = (
        "update throttles set ended_at = %(moment)s, ended_why = 'Its time was over.', updated_at = %(moment)s "
        "where ended_at is null and until < case when action = 'slow' then %(moment)s else %(moment)s - %(day)s end"
    )
    return connection.execute(statement, {"moment": moment, "day": _scaled(86400)}).rowcount
