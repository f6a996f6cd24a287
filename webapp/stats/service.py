"""Folding deltas into hourly rows."""

from __future__ import annotations

from typing import Any

import psycopg

from webapp.stats.models import COUNTERS

_NIL = "'00000000-0000-0000-0000-000000000000'::uuid"
_FOLD = f"""
with gone as (
  delete from stats_deltas where id in (select id from stats_deltas order by id limit %s for update skip locked)
  returning tenant_id, hour, mode, coalesce(bridge_id, {_NIL}) as bridge_id, coalesce(pool_id, {_NIL}) as pool_id,
    coalesce(member_id, {_NIL}) as member_id, {", ".join(COUNTERS)})
, folded as (
  insert into stats_hours (tenant_id, hour, mode, bridge_id, pool_id, member_id, {", ".join(COUNTERS)})
  select tenant_id, hour, mode, bridge_id, pool_id, member_id, {", ".join(f"sum({c})" for c in COUNTERS)} from gone group by 1, 2, 3, 4, 5, 6
  on conflict (tenant_id, hour, mode, bridge_id, pool_id, member_id)
  do update set {", ".join(f"{c} = stats_hours.{c} + excluded.{c}" for c in COUNTERS)})
select count(*) from gone
"""


def fold_deltas(connection: psycopg.Connection[Any], batch: int = 20_000) -> int:
    """Move up to ``batch`` deltas into their hourly rows, in one statement: a reader sees each figure exactly once. Returns how many."""
    row = connection.execute(_FOLD, (batch,)).fetchone()
    return int(row[0]) if row else 0
