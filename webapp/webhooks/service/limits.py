"""Limits that are reached, looked for every minute among the tenants whose endpoints asked for it: mail is not slowed by telling of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from webapp.announcements.service import announce_once
from webapp.announcements.types import Announcement
from webapp.kernel.clock import rfc3339
from webapp.kernel.db import raw_of

_WITHIN = timedelta(days=1)
_LISTENING = """
select distinct tenant_id from webhook_endpoints where state = 'enabled' and (event_types is null or event_types && %s::text[])
"""
_ACCOUNTS = """
select a.id, a.tenant_id, a.name, a.hourly_quota, a.daily_quota,
  coalesce(sum(u.sent) filter (where u.hour >= date_trunc('hour', %(now)s::timestamptz, 'UTC')), 0), coalesce(sum(u.sent), 0)
from sending_accounts a left join sending_account_usage u on u.sending_account_id = a.id and u.hour >= date_trunc('day', %(now)s::timestamptz, 'UTC')
where a.tenant_id = any(%(tenants)s) and (a.hourly_quota is not null or a.daily_quota is not null)
group by a.id
"""
_TENANTS = """
select t.id, t.daily_limit, coalesce((select sum(accepted) from stats_hours h
    where h.tenant_id = t.id and h.mode = 'live' and h.hour >= date_trunc('day', %(now)s::timestamptz, 'UTC')), 0)
  + coalesce((select sum(accepted) from stats_deltas d
    where d.tenant_id = t.id and d.mode = 'live' and d.hour >= date_trunc('day', %(now)s::timestamptz, 'UTC')), 0)
from tenants t where t.id = any(%(tenants)s) and t.daily_limit is not null
"""


def announce_limits(session: Session, moment: datetime) -> int:
    """Announce what is reached, each limit once in its hour or day; how many were. The session must see all tenants."""
    rows = raw_of(session)
    tenants = [row[0] for row in rows.execute(_LISTENING, ([Announcement.PROVIDER_LIMIT_REACHED.value, Announcement.LIMIT_REACHED.value],))]
    if not tenants:
        return 0
    values = {"tenants": tenants, "now": moment}
    told = sum(_account(session, moment, row) for row in rows.execute(_ACCOUNTS, values).fetchall())
    return told + sum(_tenant(session, moment, row) for row in rows.execute(_TENANTS, values).fetchall())


def _account(session: Session, moment: datetime, row: tuple[Any, ...]) -> int:
    account_id, tenant_id, name, hourly, daily, this_hour, today = row
    hour = moment.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    told = 0
    for quota, limit, used, began, length in (("day", daily, today, day, timedelta(days=1)), ("hour", hourly, this_hour, hour, timedelta(hours=1))):
        if limit is not None and used >= limit:
            key = f"{account_id} {quota} {rfc3339(began)}"
            data = {"provider_id": str(account_id), "provider": name, "quota": quota, "limit": limit, "resets_at": rfc3339(began + length)}
            told += announce_once(session, tenant_id, Announcement.PROVIDER_LIMIT_REACHED, key, _WITHIN, data) is not None
    return told


def _tenant(session: Session, moment: datetime, row: tuple[Any, ...]) -> int:
    tenant_id, limit, used = row
    if used < limit:
        return 0
    key = f"daily {moment.date().isoformat()}"
    return int(announce_once(session, tenant_id, Announcement.LIMIT_REACHED, key, _WITHIN, {"limit": "daily", "value": limit}) is not None)
