"""Reading the log: one row a recipient, newest or oldest first, in a time that is bounded whatever the filter is and however much mail there is.

An index yields rows in the order of the list (the *walk*). What no index answers is looked at on the way, in windows of so many rows: when the last
window is used up the page ends, perhaps short, with a cursor that goes on from there. So a filter that matches one mail in a million answers as
quickly as one that matches all, and following the cursor finds everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.kernel.ids import uuid7_floor
from webapp.kernel.pagination import Page
from webapp.kernel.scope import Scope
from webapp.messages.log.conditions import Condition, Plan, plan_of
from webapp.messages.log.types import LogCursor, LogFilter, LogRow
from webapp.messages.models import Message, MessageTag, Recipient

#: Rows of a walk that are looked at for one page: recipients alone, recipients with their messages, messages with their recipients. The first window
#: is small because most filters fill a page from it.
_WINDOWS = (2_000, 20_000)
_WINDOWS_WITH_MESSAGES = (1_000, 6_000)
_WINDOWS_BY_MESSAGE = (500, 5_000)

_Ids = tuple[UUID, UUID]  # recipient, message


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Which part of the walk is read: after ``after``, up to and including ``last``."""

    oldest_first: bool
    after: LogCursor | None
    last: UUID | None = None


def list_recipients(
    scope: Scope, wanted: LogFilter, *, limit: int = 50, cursor: str | None = None, oldest_first: bool = False, skip: int = 0
) -> Page[LogRow]:
    """One page. ``skip``: rows to leave out first, for pages by number; costs as much as reading them.

    A page may hold fewer than ``limit`` rows and have a ``next_cursor``: see the module. Raises ``InvalidParameter`` for a cursor of another list.
    """
    plan = plan_of(scope, wanted)
    after = LogCursor.decode(cursor, by_message=plan.by_message) if cursor else None
    found, looked_to = _walk(scope, plan, wanted, _Bounds(oldest_first, after), skip + limit + 1)
    chosen = found[skip : skip + limit]
    if len(found) > skip + limit:
        looked_to = LogCursor(chosen[-1][0], chosen[-1][1] if plan.by_message else None)
    return Page(_rows(scope, chosen), looked_to.encode() if looked_to else None)


def list_latest(scope: Scope, limit: int = 10) -> Sequence[LogRow]:
    """The newest recipients, for overviews."""
    return list_recipients(scope, LogFilter(), limit=limit).items


def find_row(scope: Scope, recipient_id: UUID) -> LogRow | None:
    """One row of the log; None for another tenant's and, for a bridge's token, another bridge's."""
    found = _rows(scope, [(recipient_id, recipient_id)])
    return found[0] if found and scope.bridge_id in (None, found[0].recipient.bridge_id) else None


def _walk(scope: Scope, plan: Plan, wanted: LogFilter, bounds: _Bounds, need: int) -> tuple[list[_Ids], LogCursor | None]:
    """Up to ``need`` rows, and how far was looked when that was not everything."""
    if plan.exact is not None:
        return _matches(scope, plan, wanted, bounds, need, [plan.exact]), None
    if plan.is_walk_enough and not plan.by_message:
        return _matches(scope, plan, wanted, bounds, need), None
    found: list[_Ids] = []
    for number, window in enumerate(_windows(plan)):
        if number and plan.queued is not None:
            return found + _matches(scope, plan, wanted, bounds, need - len(found), [plan.queued]), None
        last = _end_of_window(scope, plan, wanted, bounds, window)
        found += _matches(scope, plan, wanted, _Bounds(bounds.oldest_first, bounds.after, last), need - len(found))
        if last is None or len(found) >= need:
            return found, None
        bounds = _Bounds(bounds.oldest_first, _behind(plan, last, bounds.oldest_first))
    return found, bounds.after


def _windows(plan: Plan) -> tuple[int, ...]:
    if plan.by_message:
        return _WINDOWS_BY_MESSAGE
    return _WINDOWS_WITH_MESSAGES if plan.on_message else _WINDOWS


def _behind(plan: Plan, last: UUID, oldest_first: bool) -> LogCursor:
    """The cursor behind everything that the walk's row ``last`` stands for."""
    return LogCursor(UUID(int=(1 << 128) - 1) if oldest_first else UUID(int=0), last) if plan.by_message else LogCursor(last)


def _column(plan: Plan) -> Any:
    return MessageTag.message_id if plan.walked is MessageTag else plan.walked.id


def _end_of_window(scope: Scope, plan: Plan, wanted: LogFilter, bounds: _Bounds, window: int) -> UUID | None:
    """The last row of the walk that this window holds; None when the walk ends before."""
    column = _column(plan)
    order = column.asc() if bounds.oldest_first else column.desc()
    statement = sa.select(column).where(*plan.walk, *_walk_bounds(plan, wanted, bounds)).order_by(order).offset(window - 1).limit(1)
    return scope.session.scalar(statement)


def _walk_bounds(plan: Plan, wanted: LogFilter, bounds: _Bounds) -> list[Condition]:
    column = _column(plan)
    found: list[Condition] = []
    if wanted.since:
        found.append(column >= uuid7_floor(wanted.since))
    if wanted.until:
        found.append(column < uuid7_floor(wanted.until))
    if bounds.last is not None:
        found.append(column <= bounds.last if bounds.oldest_first else column >= bounds.last)
    if bounds.after is not None:
        at = bounds.after.message_id or bounds.after.recipient_id
        if plan.by_message:  # the rest of a message that a page ended in belongs to the next
            found.append(column >= at if bounds.oldest_first else column <= at)
        else:
            found.append(column > at if bounds.oldest_first else column < at)
    return found


def _matches(scope: Scope, plan: Plan, wanted: LogFilter, bounds: _Bounds, need: int, more: Sequence[Condition] = ()) -> list[_Ids]:
    """The rows within the bounds that pass every condition, in the order of the list."""
    statement = sa.select(Recipient.id, Recipient.message_id)
    if plan.by_message:
        statement = statement.select_from(plan.walked).join(
            Recipient, sa.and_(Recipient.message_id == _column(plan), Recipient.tenant_id == plan.walked.tenant_id)
        )
    if plan.on_message and plan.walked is not Message:
        statement = statement.join(Message, sa.and_(Message.id == Recipient.message_id, Message.tenant_id == Recipient.tenant_id))
    statement = statement.where(*plan.walk, *plan.on_recipient, *plan.on_message, *more, *_walk_bounds(plan, wanted, bounds))
    order = [_column(plan), Recipient.id] if plan.by_message else [Recipient.id]
    if plan.by_message and bounds.after is not None:
        here, there = sa.tuple_(*order), sa.tuple_(sa.literal(bounds.after.message_id, sa.Uuid()), sa.literal(bounds.after.recipient_id, sa.Uuid()))
        statement = statement.where(here > there if bounds.oldest_first else here < there)
    statement = statement.order_by(*(column.asc() if bounds.oldest_first else column.desc() for column in order)).limit(need)
    return [(row[0], row[1]) for row in scope.session.execute(statement)]


def _rows(scope: Scope, ids: Sequence[_Ids]) -> list[LogRow]:
    if not ids:
        return []
    joined = sa.and_(Message.id == Recipient.message_id, Message.tenant_id == Recipient.tenant_id)
    statement = sa.select(Recipient, Message).join(Message, joined).where(Recipient.id.in_([recipient for recipient, _ in ids]))
    found = {row[0].id: LogRow(row[0], row[1]) for row in scope.session.execute(statement)}
    return [found[recipient] for recipient, _ in ids if recipient in found]
