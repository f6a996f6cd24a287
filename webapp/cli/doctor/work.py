"""The processes and their work: who moves, and what stands still."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from webapp.cli.doctor.engines import connect
from webapp.cli.doctor.findings import Finding, Level, Place, ok, warn, wrong
from webapp.messages.service.claim import lost_leases
from webapp.messages.service.held import WAITS_FOR_AN_END
from webapp.stack import migrations
from webapp.stack.processes import process_table

_SILENT = 60
#: The web server beats only when its readiness is asked; its port says more.
_WITHOUT_BEAT = {"web"}
#: Groups of processes that call themselves otherwise in their signs of life.
_BEATS_AS = {"default": "jobs"}
_KINDS = "select kind, count(*), extract(epoch from now() - max(seen_at))::int from heartbeats where seen_at > now() - interval '1 hour' group by 1"

#: What must not be found: level, SQL that counts it, and what it means with what to do.
_STUCK: tuple[tuple[Level, str, str], ...] = (
    (
        Level.WRONG,
        "select count(*) from queue_entries where lease_until is null and held is null and due_at < now() - interval '10 minutes'",
        "recipients are due for more than ten minutes and nobody takes them: look at the delivery workers and the ticker",
    ),
    (
        Level.WARN,
        f"select count(*) from queue_entries where held is not null and held not in {WAITS_FOR_AN_END}",
        "recipients are held for a person: `postbridge queue --by reason`, then `postbridge queue release`",
    ),
    (
        Level.WARN,
        "select count(*) from bridges where paused_at is not null and deleted_at is null",
        "bridges are paused: `postbridge guard list`",
    ),
    (
        Level.WARN,
        "select count(*) from stats_deltas where hour < now() - interval '2 hours'",
        "figures of past hours are not folded: look at the default workers",
    ),
    (
        Level.WARN,
        "select count(*) from one_time_tokens where mailed_at is null and used_at is null and expires_at > now() and created_at < now() - interval '5 minutes'",
        "letters of the platform wait for more than five minutes: look at the default workers",
    ),
    (
        Level.WARN,
        "select count(*) from guard_alarms where mailed_at is null and created_at < now() - interval '5 minutes'",
        "letters about alarms of bridges wait for more than five minutes: look at the default workers",
    ),
    (
        Level.WARN,
        "select count(*) from inbound_reports where applied_at is null and received_at < now() - interval '5 minutes'",
        "reports of bounces wait for more than five minutes: look at the default workers",
    ),
    (
        Level.WARN,
        (
            "select count(*) from webhook_queue q join webhook_endpoints e on e.id = q.endpoint_id left join webhook_health h on h.endpoint_id = e.id "
            "where q.lease_until is null and q.due_at < now() - interval '15 minutes' and e.state = 'enabled' and coalesce(h.failures, 0) = 0"
        ),
        "webhooks to endpoints that work wait for more than fifteen minutes: look at the webhooks workers and the ticker",
    ),
    (
        Level.WRONG,
        "select count(*) from guard_progress where seen_until < now() - interval '5 minutes'",
        "the guard of bridges has not looked for five minutes: look at the default workers and the ticker",
    ),
)


def check_processes(place: Place) -> Iterator[Finding]:
    """Signs of life of every kind of process."""
    if not _is_ready(place):
        yield ok("processes", "the database is not running, nothing to ask")
        return
    with connect(place.database_url) as connection, connection.transaction():
        connection.execute("select set_config('app.tenant_id', '*', true)")
        seen = {row[0]: (row[1], row[2]) for row in connection.execute(_KINDS).fetchall()}
    wanted = list(dict.fromkeys(_BEATS_AS.get(spec.group, spec.group) for spec in process_table(place.settings)))
    if not seen:
        yield ok("processes", "none has run in the last hour")
        return
    for kind in [kind for kind in wanted if kind not in _WITHOUT_BEAT] + sorted(set(seen) - set(wanted)):
        count, age = seen.get(kind, (0, None))
        if age is None:
            yield wrong("processes", f"{kind}: none has shown a sign of life in the last hour; start it")
        elif age > _SILENT:
            yield wrong("processes", f"{kind}: the last sign of life is {age} s old; start it")
        else:
            yield ok("processes", f"{kind}: alive, last seen {age} s ago ({count} in the last hour)")


def check_work(place: Place) -> Iterator[Finding]:
    """What stands still that should move."""
    if not _is_ready(place):
        yield ok("work", "the database is not running, nothing to ask")
        return
    found: list[Finding] = []
    with connect(place.database_url) as connection, connection.transaction():
        connection.execute("select set_config('app.tenant_id', '*', true)")
        for level, statement, text in _STUCK:
            if count := _count(connection, statement):
                found.append(Finding(level, "work", f"{count:,} {text}"))
        if lost := _count(connection, f"select count(*) from ({lost_leases(place.settings.lease_silence_seconds)}) lost"):
            found.append(warn("work", f"{lost:,} recipients are leased to workers that are gone; the sweep takes them back within a minute"))
        waiting = _count(connection, "select count(*) from queue_entries")
    yield from found or [ok("work", f"nothing is stuck; {waiting:,} recipients in flight")]


def _is_ready(place: Place) -> bool:
    """Whether there is a database with the tables of this release."""
    if not place.database_url:
        return False
    current, head = migrations.current_and_head(place.database_url)
    return current == head


def _count(connection: psycopg.Connection[Any], statement: str) -> int:
    row = connection.execute(statement.encode()).fetchone()
    return int(row[0]) if row else 0
