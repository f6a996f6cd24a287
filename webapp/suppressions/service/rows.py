"""Writing suppressions: the one statement through which every reason comes in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from webapp.contacts.service import note_left, note_status
from webapp.contacts.types import ContactStatus
from webapp.kernel.clock import now
from webapp.kernel.db import raw_of
from webapp.kernel.ids import parse_uuid
from webapp.suppressions.types import GRAVITY, SuppressionReason, SuppressionScope

#: How long a reason holds; None: until a person lifts it. Mailboxes come back to life, complaints do not.
LIFE: dict[SuppressionReason, timedelta | None] = {
    SuppressionReason.HARD_BOUNCE: timedelta(days=180),
    SuppressionReason.SOFT_BOUNCE: timedelta(days=30),
    SuppressionReason.COMPLAINT: None,
    SuppressionReason.UNSUBSCRIBE: None,
    SuppressionReason.MANUAL: None,
}
_RANK = {reason: rank for rank, reason in enumerate(GRAVITY)}
_ROWS_A_STATEMENT = 1000
_LONGEST_DETAIL = 1000
_FOREVER = datetime.max


@dataclass(frozen=True, slots=True)
class NewSuppression:
    """One address to suppress. ``address``: canonical form; ``source``: what told us (``dsn``, ``fbl``, ``one_click``, a person's name).

    ``list_key``: of scope ``list``; ``detail``: what was said; ``expires_at``: earlier or later than the reason's own life.
    """

    tenant_id: UUID
    address: str
    scope: SuppressionScope
    reason: SuppressionReason
    source: str
    recipient_id: UUID | None = None
    message_id: UUID | None = None
    list_key: str = ""
    detail: str | None = None
    expires_at: datetime | None = None


_KINDS = {
    "tenant_id": "uuid", "address": "text", "scope": "text", "list_key": "text", "reason": "text", "source": "text", "recipient_id": "uuid",
    "message_id": "uuid", "detail": "text", "expires_at": "timestamptz",
}  # fmt: skip
# A hard bounce after the 180 days of the last one are over used up the one more try that an address gets: it has no end then.
_UPSERT = f"""
insert into suppressions as s ({", ".join(_KINDS)})
select * from unnest({", ".join(f"%({name})s::{kind}[]" for name, kind in _KINDS.items())})
on conflict (tenant_id, address, scope, list_key) do update set
  reason = excluded.reason, source = excluded.source, recipient_id = excluded.recipient_id, message_id = excluded.message_id,
  detail = excluded.detail, updated_at = now(),
  strikes = case when s.reason = 'hard_bounce' and excluded.reason = 'hard_bounce' and s.expires_at <= now() then s.strikes + 1 else 1 end,
  expires_at = case
    when s.reason = 'hard_bounce' and excluded.reason = 'hard_bounce' and s.expires_at <= now() then null
    when s.expires_at <= now() then excluded.expires_at
    when s.expires_at is null or excluded.expires_at is null then null
    else greatest(s.expires_at, excluded.expires_at) end
where s.expires_at <= now() or array_position(%(gravity)s::text[], excluded.reason) > array_position(%(gravity)s::text[], s.reason)
  or (excluded.reason = s.reason and s.expires_at is not null
    and (excluded.expires_at is null or excluded.expires_at > s.expires_at + interval '1 day'))
returning id
"""


def suppress(
    session: Session,
    tenant_id: UUID,
    address: str,
    scope: SuppressionScope,
    reason: SuppressionReason,
    source: str,
    recipient_id: UUID | None = None,
    **more: Any,
) -> bool:
    """Suppress one address; see ``suppress_many``. ``more``: further fields of ``NewSuppression``. True when something changed."""
    return suppress_many(session, [NewSuppression(tenant_id, address, scope, reason, source, recipient_id, **more)]) > 0


def suppress_many(session: Session, entries: Iterable[NewSuppression]) -> int:
    """Suppress addresses of one or (in an unscoped session) many tenants; returns how many rows are new, graver or hold longer now.

    One statement a thousand. What is there stays unless the new reason is graver (a complaint after a hard bounce) or outlives it; time that was
    left is never shortened. An unsubscribe from all mail is one from bulk mail: it never stops what was not asked to stop.
    """
    rows = _gravest(entries)
    connection = raw_of(session)
    changed = 0
    for start in range(0, len(rows), _ROWS_A_STATEMENT):
        block = rows[start : start + _ROWS_A_STATEMENT]
        arguments: dict[str, Any] = {name: [getattr(row, name) for row in block] for name in _KINDS}
        changed += len(connection.execute(_UPSERT, {**arguments, "gravity": list(GRAVITY)}, prepare=len(block) < 32).fetchall())
    _tell_contacts(connection, rows)
    return changed


_STATUS = {
    SuppressionReason.HARD_BOUNCE: ContactStatus.BOUNCED, SuppressionReason.COMPLAINT: ContactStatus.COMPLAINED,
    SuppressionReason.UNSUBSCRIBE: ContactStatus.UNSUBSCRIBED,
}  # fmt: skip


def _tell_contacts(connection: psycopg.Connection[Any], rows: list[NewSuppression]) -> None:
    """The contact with this address shows what happened; a List-Id that is the id of a list says which one was left."""
    lists = [(row.tenant_id, row.address, list_id) for row in rows if row.list_key and (list_id := parse_uuid(row.list_key.partition(".")[0]))]
    of_all = [row for row in rows if row.scope in (SuppressionScope.ALL, SuppressionScope.BULK) and row.reason in _STATUS]
    note_status(connection, [(row.tenant_id, row.address, _STATUS[row.reason]) for row in of_all])
    note_left(connection, lists)


def _gravest(entries: Iterable[NewSuppression]) -> list[NewSuppression]:
    """One row per key, because a statement may not touch a row twice; in the order of keys, so that two transactions cannot wait for each other."""
    moment = now()
    rows: dict[tuple[UUID, str, str, str], NewSuppression] = {}
    for entry in entries:
        row = _normal(entry, moment)
        key = (row.tenant_id, row.address, row.scope.value, row.list_key)
        if key not in rows or _weight(row) > _weight(rows[key]):
            rows[key] = row
    return [rows[key] for key in sorted(rows, key=str)]


def _normal(entry: NewSuppression, moment: datetime) -> NewSuppression:
    life = LIFE[entry.reason]
    scope = entry.scope
    if entry.reason is SuppressionReason.UNSUBSCRIBE and scope is SuppressionScope.ALL:
        scope = SuppressionScope.BULK
    expires_at = entry.expires_at or (moment + life if life else None)
    detail = entry.detail[:_LONGEST_DETAIL] if entry.detail else None
    return replace(entry, scope=scope, expires_at=expires_at, detail=detail, list_key=entry.list_key if scope is SuppressionScope.LIST else "")


def _weight(row: NewSuppression) -> tuple[int, datetime]:
    return _RANK[row.reason], row.expires_at.replace(tzinfo=None) if row.expires_at else _FOREVER
