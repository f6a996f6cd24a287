"""How many messages sending accounts took, by the hour, and what that leaves of their quotas. Hours and days are those of UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.sending_accounts.models import SendingAccount, SendingAccountUsage
from webapp.sending_accounts.types import Usage, UsageHour

#: Rows an account's hour may have for a tenant, so that delivery processes need not wait for each other.
WRITERS = 16

# Locked against removal, so that an account deleted in this moment costs its count and not the outcomes of the batch.
_COUNT = """
with x as (
  select a.id as account, t.id as tenant, x.sent from unnest(%(accounts)s::uuid[], %(tenants)s::uuid[], %(sent)s::int[]) as x(account, tenant, sent)
  join sending_accounts a on a.id = x.account join tenants t on t.id = x.tenant order by 1, 2 for key share of a, t)
insert into sending_account_usage (sending_account_id, hour, tenant_id, writer, sent)
select account, date_trunc('hour', now(), 'UTC'), tenant, %(writer)s, sent from x
on conflict (sending_account_id, hour, tenant_id, writer) do update set sent = sending_account_usage.sent + excluded.sent
"""


def count_usage(connection: psycopg.Connection[Any], sent: Mapping[tuple[UUID, UUID], int], writer: int) -> None:
    """Add messages that accounts took, by (account, tenant). In the transaction that records the deliveries; for unscoped callers.

    ``writer``: any number of the calling process, the same each time.
    """
    if sent:
        keys = list(sent)
        values = {"accounts": [key[0] for key in keys], "tenants": [key[1] for key in keys], "sent": list(sent.values()), "writer": writer % WRITERS}
        connection.execute(_COUNT, values)


def usage_of(session: Session, accounts: Iterable[SendingAccount], moment: datetime) -> dict[UUID, Usage]:
    """What each account took in the hour and the day of ``moment``, and its quotas. A tenant's session counts its own mail alone."""
    found = list(accounts)
    hour = moment.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    row = SendingAccountUsage
    in_hour = sa.func.coalesce(sa.func.sum(row.sent).filter(row.hour >= hour), 0)
    statement = sa.select(row.sending_account_id, in_hour, sa.func.coalesce(sa.func.sum(row.sent), 0)).where(
        row.sending_account_id.in_([account.id for account in found]), row.hour >= day
    )
    sums = {account_id: (int(this_hour), int(today)) for account_id, this_hour, today in session.execute(statement.group_by(row.sending_account_id))}
    return {account.id: _usage(account, *sums.get(account.id, (0, 0)), hour, day) for account in found}


def _usage(account: SendingAccount, this_hour: int, today: int, hour: datetime, day: datetime) -> Usage:
    hourly, daily = account.hourly_quota, account.daily_quota
    resets = None
    if daily is not None and today >= daily:
        resets = day + timedelta(days=1)
    elif hourly is not None and this_hour >= hourly:
        resets = hour + timedelta(hours=1)
    return Usage(this_hour, today, hourly, daily, resets)


def list_hours(session: Session, account_id: UUID, since: datetime) -> list[UsageHour]:
    """The hours in which an account took anything since a moment, oldest first."""
    row = SendingAccountUsage
    statement = sa.select(row.hour, sa.func.sum(row.sent)).where(row.sending_account_id == account_id, row.hour >= since)
    return [UsageHour(hour, int(sent)) for hour, sent in session.execute(statement.group_by(row.hour).order_by(row.hour))]
