"""Thirty days of mail of a busy tenant, made inside the database: a thousand bridges, every state, a few of everything that is rare.

Set-based: one INSERT SELECT a table and day, so a million recipients take about a minute. Ids carry the time, as real ones do.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from bench.place import say
from webapp.stats.models import COUNTERS

BRIDGES, DAYS = 1_000, 30
#: Of everything rare there are this many, spread over all days.
RARE = 60

_PARTITIONS = """
select make_partition(t, d::date, 7) from unnest(array['messages', 'recipients', 'events', 'delivery_attempts', 'message_tags']) t,
  generate_series(date_trunc('week', now() at time zone 'UTC' - interval '40 days'), now() at time zone 'UTC', interval '7 days') d
"""
_BRIDGES = """
insert into bridges (id, tenant_id, mode, name, pool_id, stream)
select md5('bridge' || n)::uuid, %(tenant)s, 'live', 'Application ' || n, %(pool)s, 'transactional' from generate_series(1, %(bridges)s::int) n
"""
# Each with a credential, as every bridge has: the secrets of one that was made in the ordinary way, which are bound to the tenant.
_CREDENTIALS = """
insert into bridge_credentials (id, tenant_id, bridge_id, username, number, password_hash, password_sealed, token_hash, token_sealed)
select gen_random_uuid(), b.tenant_id, b.id, 'application-' || b.id, 1, c.password_hash, c.password_sealed, sha256(b.id::text::bytea), c.token_sealed
from bridges b, (select * from bridge_credentials where tenant_id = %(tenant)s limit 1) c
where b.tenant_id = %(tenant)s and not exists (select from bridge_credentials x where x.bridge_id = b.id)
"""
# Mail ``n`` of a day: its bridge by a steep curve, so that some send half of all and some a handful.
_MAIL = """
create temp table mail on commit drop as
select n, (ms || '7' || substr(md5('m' || n), 1, 3) || '8' || substr(md5('m' || n), 4, 15))::uuid as id,
  (ms || '7' || substr(md5('r' || n), 1, 3) || '9' || substr(md5('r' || n), 4, 15))::uuid as r_id, at,
  md5('bridge' || (1 + floor(%(bridges)s::int * power(random(), 4)))::int)::uuid as bridge_id, random() as luck, random() as tagged, random() as from_whom,
  n %% %(rare_every)s::bigint = 0 as rare
from (select n, at, lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') as ms from (
  select n, now() - make_interval(secs => %(age)s::int + 86400.0 * (1 - (n - %(first)s::bigint)::float8 / %(count)s::bigint)) as at
  from generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s::bigint - 1) n) days) x
"""
_MESSAGES = """
insert into messages (id, tenant_id, mode, bridge_id, pool_id, stream, door, message_id_header, from_address, subject, recipient_count, size, tags,
  template_slug, expires_at, created_at, updated_at)
select id, %(tenant)s, 'live', bridge_id, %(pool)s, 'transactional', 'api', '<' || id || '@mail.bench.example.com>',
  case when rare then 'rare@rare.bench.example.com' else (array['shop', 'news', 'hello', 'billing'])[1 + floor(from_whom * 4)::int] || '@bench.example.com' end,
  case when rare then 'A needle numbered ' || n else
    (array['Your order', 'Welcome aboard', 'Reset your password', 'Invoice', 'Weekly digest'])[1 + n %% 5] || ' ' || n end,
  1, 12000, case when rare then array['rare'] when tagged < 0.3 then array['campaign-' || (tagged * 100)::int, 'all'] end,
  case when rare then 'rare' when tagged > 0.6 then 'template-' || (tagged * 20)::int end, at + interval '3 days', at, at
from mail order by id
"""
_TAGS = """
insert into message_tags (tenant_id, mode, tag, message_id)
select m.tenant_id, m.mode, tag, m.id from messages m join mail using (id), unnest(m.tags) tag order by tag, m.id
"""
_RECIPIENTS = """
insert into recipients (id, tenant_id, message_id, bridge_id, mode, kind, address, state, attempts, last_code, last_reply, reply_class, blame, provider,
  sent_at, delivered_at, bounced_at, first_opened_at, complained_at, updated_at)
select r_id, %(tenant)s, id, bridge_id, 'live', 'to',
  case when rare then 'needle' || n || '@rare.example'
    else 'reader' || (n * 7919) %% 3000000 || '@' || (array['gmail.com', 'outlook.com', 'yahoo.com', 'firm.example'])[1 + n %% 4] end,
  state, 1, case state when 'delivered' then 250 else 550 end, case state when 'delivered' then '250 OK' else '550 5.1.1 no such user' end,
  case when state = 'delivered' then 'delivered' when rare then 'hard.domain' else 'hard.user' end,
  case state when 'delivered' then 'nobody' else 'recipient' end,
  case when rare then 'rare.example' else (array['google', 'microsoft', 'yahoo', 'firm.example'])[1 + n %% 4] end,
  at, case state when 'delivered' then at end, case state when 'bounced' then at end, case when state = 'delivered' and luck < 0.3 then at end,
  case when rare or luck between 0.3 and 0.3005 then at end, at
from (select *, case when rare then 'bounced' when luck < 0.95 then 'delivered' when luck < 0.98 then 'bounced' when luck < 0.99 then 'failed'
  else 'suppressed' end as state from mail) x order by r_id
"""
# Hours of the tenant and of each bridge, days of all, and what providers and domains get: as if each mail of a hundred million had been counted.
_ROLLUPS = """
insert into stats_rollups (tenant_id, mode, dimension, width, bridge_id, key, at, accepted, sent, delivered, bounced, unique_opened)
select %(tenant)s, 'live', dimension, width, '00000000-0000-0000-0000-000000000000', key, at, c, c, c * 95 / 100, c * 3 / 100, c / 3
from generate_series(date_trunc('day', now() - interval '60 days', 'UTC'), now(), interval '1 hour') hour
cross join lateral (
  select 'all' as dimension, '' as key, 139000 as c union all select 'bridge', md5('bridge' || n)::uuid::text, 139 from generate_series(1, %(bridges)s::int) n
  union all select 'provider', p, 34750 from unnest(array['google', 'microsoft', 'yahoo', 'firm.example']) p
  union all select 'domain', 'bench.example.com', 139000) d
cross join lateral (values ('hour', hour)) w(width, at)
"""
_DAYS = f"""
insert into stats_rollups (tenant_id, mode, dimension, width, bridge_id, key, at, {", ".join(COUNTERS)})
select tenant_id, mode, dimension, 'day', bridge_id, key, date_trunc('day', at, 'UTC'), {", ".join(f"sum({name})" for name in COUNTERS)}
from stats_rollups where tenant_id = %(tenant)s and width = 'hour' group by 1, 2, 3, 5, 6, 7
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What is there, for questions: ids of one recipient, its message, a bridge that sends much and one that sends little."""

    recipients: int
    recipient_id: str
    message_id: str
    big_bridge: str
    small_bridge: str
    address: str


def write_history(connection: psycopg.Connection[tuple[object, ...]], tenant_id: str, pool_id: str, recipients: int) -> Written:
    """Fill the tables; the connection must be a superuser's (row-level security would be asked for each row)."""
    a_day = recipients // DAYS
    values: dict[str, object] = {"tenant": tenant_id, "pool": pool_id, "bridges": BRIDGES, "rare_every": max(1, recipients // RARE), "count": a_day}
    connection.execute(_PARTITIONS.encode())
    connection.execute(_BRIDGES.encode(), values)
    connection.execute(_CREDENTIALS.encode(), values)
    for day in range(DAYS):
        values |= {"age": 86400 * (DAYS - 1 - day) + 60, "first": 1 + day * a_day}
        with connection.transaction():
            for statement in (_MAIL, _MESSAGES, _TAGS, _RECIPIENTS):
                connection.execute(statement.encode(), values)
        say(f"  day {day + 1} of {DAYS}")
    for statement in (_ROLLUPS, _DAYS):
        connection.execute(statement.encode(), values)
    connection.commit()
    connection.autocommit = True
    for table in ("messages", "recipients", "message_tags", "stats_rollups", "bridges"):
        connection.execute(f"vacuum (analyze) {table}".encode())
    return _look(connection)


def _look(connection: psycopg.Connection[tuple[object, ...]]) -> Written:
    row = connection.execute("select id, message_id, address from recipients order by id offset (select count(*) / 2 from recipients) limit 1").fetchone()
    counts = connection.execute("select bridge_id, count(*) from recipients group by 1 order by 2 desc").fetchall()
    total = connection.execute("select count(*) from recipients").fetchone()
    assert row and total and counts
    return Written(int(str(total[0])), str(row[0]), str(row[1]), str(counts[0][0]), str(counts[-1][0]), str(row[2]))
