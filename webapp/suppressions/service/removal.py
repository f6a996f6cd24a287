"""Taking suppressions off: each leaves a row that says who and why, and many in an hour ring staff (list-washing)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.activity.service import record
from webapp.kernel.clock import now
from webapp.kernel.db import raw_of
from webapp.kernel.scope import Actor, Scope
from webapp.settings import get_settings
from webapp.suppressions.models import SuppressionAlarm
from webapp.suppressions.types import SuppressionReason

_HOUR = timedelta(hours=1)
_REMOVE = """
with x as (select * from unnest(%(address)s::text[], %(scope)s::text[], %(list_key)s::text[]) x(address, scope, list_key)),
gone as (delete from suppressions s using x where s.tenant_id = %(tenant)s and s.address = x.address
  and (x.scope is null or (s.scope = x.scope and s.list_key = coalesce(x.list_key, ''))) and (s.expires_at is null or s.expires_at > now())
  returning s.address, s.scope, s.list_key, s.reason, s.source),
kept as (insert into suppression_removals (tenant_id, address, scope, list_key, reason, source, note, via, removed_by)
  select %(tenant)s, address, scope, list_key, reason, source, %(note)s, %(via)s, %(by)s from gone),
uncounted as (delete from soft_bounces b using gone where b.tenant_id = %(tenant)s and b.address = gone.address)
select address, scope, list_key, reason from gone order by 1, 2, 3
"""
# An address that another recipient's bounce suppressed as well keeps its row: the mistake was not made about that one.
_LIFT = """
with x as (select * from unnest(%(address)s::text[], %(recipient)s::uuid[]) x(address, recipient)),
gone as (delete from suppressions s using x where s.tenant_id = %(tenant)s and s.address = x.address and s.recipient_id = x.recipient
  and s.reason = any(%(reasons)s::text[]) returning s.address, s.scope, s.list_key, s.reason, s.source),
uncounted as (delete from soft_bounces b using x where b.tenant_id = %(tenant)s and b.address = x.address and b.recipient_id = x.recipient)
insert into suppression_removals (tenant_id, address, scope, list_key, reason, source, note, via, removed_by)
select %(tenant)s, address, scope, list_key, reason, source, %(note)s, %(via)s, %(by)s from gone returning address
"""
_REMOVED_LATELY = (
    "select count(distinct address) from suppression_removals where tenant_id = %s and via <> 'platform' and id >= uuidv7(interval '-1 hour') "
    "and uuid_extract_timestamp(id) > now() - interval '1 hour'"
)
#: Reasons that a bounce gives, and so the only ones that a mistaken bounce may take back.
_OF_BOUNCES = (SuppressionReason.HARD_BOUNCE.value, SuppressionReason.SOFT_BOUNCE.value)


def remove_rows(scope: Scope, wanted: Sequence[tuple[str, str | None, str | None]], note: str, via: str) -> list[tuple[str, str, str, str]]:
    """Delete ``(address, scope or None for every one, list key)`` of the tenant; returns ``address, scope, list key, reason`` of each row that went."""
    addresses, scopes, lists = (list(column) for column in zip(*wanted, strict=True))
    arguments = {
        "tenant": scope.tenant_id, "address": addresses, "scope": scopes, "list_key": lists, "note": note, "via": via, "by": scope.actor.name,
    }  # fmt: skip
    gone = raw_of(scope.session).execute(_REMOVE, arguments).fetchall()
    if gone:
        watch(scope)
    return gone


def lift_of_bounces(session: Session, tenant_id: UUID, causes: Mapping[UUID, str], note: str, actor: Actor, via: str) -> set[str]:
    """Take back the suppressions that these recipients' bounces caused (``recipient -> canonical address``), and the counts towards one.

    Complaints, unsubscribes and what a person wrote stay. ``via``: ``incident``, or ``platform`` when the operator does it, which rings no alarm.
    Returns the addresses that were suppressed.
    """
    arguments: dict[str, Any] = {
        "tenant": tenant_id, "address": list(causes.values()), "recipient": list(causes), "note": note, "by": actor.name, "via": via,
        "reasons": list(_OF_BOUNCES),
    }  # fmt: skip
    return {row[0] for row in raw_of(session).execute(_LIFT, arguments)}


def watch(scope: Scope) -> None:
    """Ring staff when the tenant took off more addresses within an hour than is plausible; once an hour, later removals raise the figure."""
    connection = raw_of(scope.session)
    connection.execute("select pg_advisory_xact_lock(hashtextextended('removals:' || %s, 0))", (str(scope.tenant_id),))
    row = connection.execute(_REMOVED_LATELY, (scope.tenant_id,)).fetchone()
    removals = int(row[0]) if row else 0
    if removals <= get_settings().suppression_removals_per_hour:
        return
    since = sa.select(SuppressionAlarm).where(SuppressionAlarm.settled_at.is_(None), SuppressionAlarm.updated_at > now() - _HOUR)
    alarm = scope.session.scalar(since.where(SuppressionAlarm.tenant_id == scope.tenant_id).order_by(SuppressionAlarm.id.desc()).limit(1))
    if alarm is not None:
        alarm.removals = max(alarm.removals, removals)
        return
    scope.session.add(SuppressionAlarm(tenant_id=scope.tenant_id, removals=removals))
    record(scope, "suppression.alarm", "suppression", None, f"{removals} addresses within an hour", {"removals": removals})
