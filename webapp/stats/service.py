"""The figures that the guard of bridges judges by, and what other slices need of figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from webapp.bridges.types import BridgeCounts, History, Watched
from webapp.kernel.clock import hour_of
from webapp.stats.charts import chart
from webapp.stats.cuts import Cut, Group, answer, cut_of, groups, zone_for
from webapp.stats.figures import RATES, Figures, Point, total
from webapp.stats.folding import fold_deltas
from webapp.stats.models import COUNTERS
from webapp.stats.periods import Period, between, find_zone, last_days, zone_of
from webapp.stats.queries import About, figures_by_bridge, get_figures, series
from webapp.stats.types import SPLITS, Dimension, Step

__all__ = [
    "COUNTERS", "RATES", "SPLITS", "About", "Cut", "Dimension", "Figures", "Group", "Period", "Point", "Step", "answer", "between", "busiest_hours",
    "chart", "cut_of", "figures_by_bridge", "find_zone", "fold_deltas", "get_figures", "groups", "last_days", "series", "total", "watch_bridges",
    "zone_for", "zone_of",
]  # fmt: skip

_JUDGED = tuple(BridgeCounts.__slots__)
# Tenant by tenant, so that the hourly rows are found by their key; one statement, so that folding moves nothing between two looks.
_WATCH = f"""
with recent as (
  select h.* from tenants t cross join lateral (
    select tenant_id, bridge_id, hour, {", ".join(_JUDGED)} from stats_hours where tenant_id = t.id and hour >= %(since)s and mode = 'live') h
  union all
  select tenant_id, bridge_id, hour, {", ".join(_JUDGED)} from stats_deltas where hour >= %(since)s and mode = 'live'
)
select r.tenant_id, r.bridge_id,
  {", ".join(f"coalesce(sum(r.{c}) filter (where r.hour >= greatest(%(since)s, date_trunc('hour', g.counted_from, 'UTC'))), 0)::bigint" for c in _JUDGED)},
  {", ".join(f"coalesce(sum(r.{c}) filter (where r.hour = %(hour)s), 0)::bigint" for c in _JUDGED)}
from recent r join bridges b on b.tenant_id = r.tenant_id and b.id = r.bridge_id left join bridge_guards g on g.bridge_id = r.bridge_id
where b.deleted_at is null
group by 1, 2
"""
_PAST = """
select tenant_id, bridge_id, max(accepted), min(hour) from (
  select h.tenant_id, h.bridge_id, h.hour, sum(h.accepted) as accepted from unnest(%(tenants)s::uuid[], %(bridges)s::uuid[]) x(tenant_id, bridge_id)
  join stats_hours h on h.tenant_id = x.tenant_id and h.bridge_id = x.bridge_id and h.mode = 'live' and h.hour >= %(since)s and h.hour < %(until)s
  group by 1, 2, 3) hours
where accepted > 0 group by 1, 2
"""


def watch_bridges(connection: psycopg.Connection[Any], since: datetime, moment: datetime) -> list[Watched]:
    """The counts of every bridge that had mail since the full hour ``since``, and of the hour of ``moment``. The connection must see all tenants."""
    rows = connection.execute(_WATCH, {"since": since, "hour": hour_of(moment)}).fetchall()
    return [Watched(row[0], row[1], BridgeCounts(*row[2 : 2 + len(_JUDGED)]), BridgeCounts(*row[2 + len(_JUDGED) :])) for row in rows]


def busiest_hours(connection: psycopg.Connection[Any], bridges: Sequence[Watched], moment: datetime, days: int) -> dict[UUID, History]:
    """The past of some bridges, this hour left out; those without any are absent. The connection must see all tenants."""
    values = {"tenants": [b.tenant_id for b in bridges], "bridges": [b.bridge_id for b in bridges], "until": hour_of(moment)}
    rows = connection.execute(_PAST, {**values, "since": hour_of(moment) - timedelta(days=days)}).fetchall()
    return {row[1]: History(int(row[2]), row[3]) for row in rows}
