"""Folding deltas into the sums that reads add up: hourly rows by way out, and rollups by one dimension at a time."""

from __future__ import annotations

from typing import Any

import psycopg

from webapp.stats.models import COUNTERS

#: How many different domains, providers and tags are counted by name in a tenant's day; what comes beyond goes under ``REST``, so that a tag of its
#: own on every message does not become a row of its own.
MOST_KEYS = 500
REST = "~"

_NIL = "'00000000-0000-0000-0000-000000000000'::uuid"
_NAMES = ", ".join(COUNTERS)
_SUMS = ", ".join(f"sum({name}) as {name}" for name in COUNTERS)

_FOLD = f"""
with gone as (
  delete from stats_deltas where id in (select id from stats_deltas order by id limit %(batch)s for update skip locked)
  returning tenant_id, hour, mode, coalesce(bridge_id, {_NIL}) as bridge_id, coalesce(pool_id, {_NIL}) as pool_id,
    coalesce(member_id, {_NIL}) as member_id, domain, provider, tags, {_NAMES}),
folded as (
  insert into stats_hours (tenant_id, hour, mode, bridge_id, pool_id, member_id, {_NAMES})
  select tenant_id, hour, mode, bridge_id, pool_id, member_id, {_SUMS} from gone group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
  on conflict (tenant_id, hour, mode, bridge_id, pool_id, member_id) do update set {", ".join(f"{c} = stats_hours.{c} + excluded.{c}" for c in COUNTERS)}),
split as materialized (
  select g.tenant_id, g.mode, d.dimension, g.bridge_id, d.key, g.hour, date_trunc('day', g.hour, 'UTC') as day, {_SUMS}
  from gone g cross join lateral (
    values ('all', ''), ('bridge', nullif(g.bridge_id, {_NIL})::text), ('pool', nullif(g.pool_id, {_NIL})::text),
      ('member', nullif(g.member_id, {_NIL})::text), ('domain', g.domain), ('provider', g.provider)
    union all select 'tag', tag from unnest(g.tags) tag) d(dimension, key)
  where d.key is not null group by 1, 2, 3, 4, 5, 6, 7),
unheard as (
  select k.*, row_number() over (partition by tenant_id, mode, dimension, day order by key) + (
    select count(*) from stats_rollups r where r.tenant_id = k.tenant_id and r.mode = k.mode and r.dimension = k.dimension and r.width = 'day'
      and r.bridge_id = {_NIL} and r.at = k.day) as place
  from (select distinct tenant_id, mode, dimension, day, key from split where dimension in ('domain', 'provider', 'tag')) k
  where not exists (select from stats_rollups r where r.tenant_id = k.tenant_id and r.mode = k.mode and r.dimension = k.dimension and r.width = 'day'
    and r.bridge_id = {_NIL} and r.key = k.key and r.at = k.day)),
named as materialized (
  select s.tenant_id, s.mode, s.dimension, s.bridge_id, case when u.place > %(most)s then '{REST}' else s.key end as key, s.hour, s.day, {_NAMES}
  from split s left join unheard u using (tenant_id, mode, dimension, day, key)),
rolled as (
  insert into stats_rollups (tenant_id, mode, dimension, width, bridge_id, key, at, {_NAMES})
  select tenant_id, mode, dimension, width, bridge_id, key, at, {_SUMS} from (
    select tenant_id, mode, dimension, 'hour' as width, {_NIL} as bridge_id, key, hour as at, {_NAMES} from named
    union all select tenant_id, mode, dimension, 'day', {_NIL}, key, day, {_NAMES} from named
    union all select tenant_id, mode, dimension, 'day', bridge_id, key, day, {_NAMES} from named
      where dimension in ('domain', 'provider', 'tag') and bridge_id <> {_NIL}) wide
  group by 1, 2, 3, 4, 5, 6, 7 order by 1, 2, 3, 4, 5, 6, 7
  on conflict (tenant_id, mode, dimension, width, bridge_id, key, at)
  do update set {", ".join(f"{c} = stats_rollups.{c} + excluded.{c}" for c in COUNTERS)})
select count(*) from gone
"""


def fold_deltas(connection: psycopg.Connection[Any], batch: int = 20_000) -> int:
    """Move up to ``batch`` deltas into their sums, in one statement: a reader sees each figure exactly once. Returns how many.

    The connection must see all tenants.
    """
    row = connection.execute(_FOLD, {"batch": batch, "most": MOST_KEYS}, prepare=False).fetchone()
    return int(row[0]) if row else 0
