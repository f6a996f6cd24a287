"""Housekeeping: partitions ahead, partitions past their retention away, small tables swept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import structlog

from webapp.kernel import blobs
from webapp.kernel.clock import now
from webapp.kernel.db import connect_raw, unscoped_raw
from webapp.kernel.ids import uuid7_floor
from webapp.kernel.jobs import answer_wake
from webapp.settings import get_settings
from worker.jobs.attachments import remove_old_files

log = structlog.get_logger()

_AHEAD_DAYS = 28
#: Table -> (days a partition, name of the setting that says how long rows stay).
_PARTITIONED = {
    "messages": (7, "retain_event_days"), "recipients": (7, "retain_event_days"), "events": (7, "retain_event_days"),
    "delivery_attempts": (7, "retain_event_days"), "message_tags": (7, "retain_event_days"), "message_contents": (1, "retain_content_days"),
    "webhook_deliveries": (7, "retain_webhook_days"), "tenant_events": (7, "retain_event_days"),
}  # fmt: skip
_SWEPT = (
    "delete from idempotency_keys where created_at < now() - make_interval(hours => %(idempotency)s)",
    "delete from api_answers where created_at < now() - make_interval(hours => %(idempotency)s)",
    "delete from user_sessions where expires_at < now()",
    "delete from sign_in_challenges where expires_at < now()",
    "delete from sign_ins where at < now() - interval '90 days'",
    "delete from one_time_tokens where expires_at < now() - interval '7 days'",
    "delete from heartbeats where seen_at < now() - interval '1 hour'",
    "delete from inbound_reports where applied_at < now() - interval '45 days'",
    "delete from webhook_notices where mailed_at < now() - interval '30 days'",
    "delete from webhook_replays where finished_at < now() - interval '30 days'",
    "delete from mta_sts_policies where expires_at < now() - interval '7 days'",
    "delete from tls_results where day < current_date - 90",
    "delete from sending_account_usage where hour < now() - interval '90 days'",
    "delete from reports where expires_at < now()",
    "delete from simulated_mails where created_at < now() - interval '7 days'",
)


def keep_house(slot: int) -> None:
    """Hourly."""
    answer_wake("worker.jobs.maintenance.keep_house", slot)
    with connect_raw() as connection:
        connection.execute("set lock_timeout = '2s'")
        for table in _PARTITIONED:
            make_partitions(connection, table)
            drop_old_partitions(connection, table)
        remove_old_files(connection, blobs.store())
        with unscoped_raw(connection, "housekeeping of all tenants"):
            for statement in _SWEPT:
                connection.execute(statement, {"idempotency": get_settings().idempotency_hours})


def make_partitions(connection: psycopg.Connection[Any], table: str) -> None:
    """Partitions for the weeks to come, so that no row falls into the default one."""
    days = _PARTITIONED[table][0]
    connection.execute(
        "select make_partition(%s, d::date, %s) from generate_series(date_trunc('week', now() at time zone 'UTC'), "
        "now() at time zone 'UTC' + make_interval(days => %s), make_interval(days => %s)) d",
        (table, days, _AHEAD_DAYS, days),
    )


def drop_old_partitions(connection: psycopg.Connection[Any], table: str) -> None:
    """Drop partitions whose newest row is past the retention, unless mail of those days still waits (scheduled far ahead). The day is in the name."""
    days, setting = _PARTITIONED[table]
    oldest = (now() - timedelta(days=getattr(get_settings(), setting) + days)).strftime("%Y%m%d")
    names = connection.execute("select inhrelid::regclass::text from pg_inherits where inhparent = %s::regclass", (table,)).fetchall()
    for (name,) in names:
        day = name.rpartition("_p")[2]
        if day.isdigit() and day < oldest and not _has_waiting_mail(connection, day, days):
            connection.execute(f'drop table "{name}"')
            log.info("partition_dropped", table=name)


def _has_waiting_mail(connection: psycopg.Connection[Any], day: str, days: int) -> bool:
    first = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    bounds = uuid7_floor(first), uuid7_floor(first + timedelta(days=days))
    with unscoped_raw(connection, "retention looks at the queue of all tenants"):
        found = connection.execute("select exists (select from queue_entries where message_id >= %s and message_id < %s)", bounds).fetchone()
    return bool(found and found[0])
