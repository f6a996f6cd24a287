"""The one list of periodic work. The ticker looks at it every second; what is due is found in PostgreSQL, never remembered elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import redis

from webapp.kernel.jobs import QueueName, broker
from webapp.messages.service.claim import lost_leases
from webapp.settings import get_settings
from webapp.tracking.stream import HITS
from webapp.webhooks.service.queue import DUE as WEBHOOKS_DUE

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Periodic:
    """Run ``job`` at most every ``every`` seconds, and only when ``due`` says so. ``slots``: how many workers are woken."""

    job: str
    every: float
    queue: QueueName
    due: Callable[[Connection], bool] | None = None
    slots: int = 1


def _exists(query: str) -> Callable[[Connection], bool]:
    return _is_true(f"select exists ({query})")


def _is_true(query: str) -> Callable[[Connection], bool]:
    def due(connection: Connection) -> bool:
        row = connection.execute(query, prepare=True).fetchone()
        return bool(row and row[0])

    return due


def _hits_wait(_: Connection) -> bool:
    try:
        return bool(broker().xlen(HITS))
    except redis.RedisError:
        return False


def periodic_work() -> tuple[Periodic, ...]:
    """Everything that happens by itself."""
    delivery_slots = get_settings().delivery_workers
    mail_is_due = _exists("select from queue_entries where lease_until is null and held is null and due_at <= now()")
    lease_is_out = _exists(lost_leases(get_settings().lease_silence_seconds))
    # Those of the last seconds have a wake-up of their own.
    letter_waits = _exists(
        "select from one_time_tokens where mailed_at is null and used_at is null and expires_at > now() and created_at < now() - interval '10 seconds'"
    )
    report_waits = _exists("select from inbound_reports where applied_at is null and received_at < now() - interval '2 seconds'")
    report_is_due = _exists("select from reports where status in ('waiting', 'running') and (lease_until is null or lease_until < now())")
    notice_waits = _exists("select from domain_notices where mailed_at is null and created_at < now() - interval '10 seconds'")
    alarm_waits = _exists("select from guard_alarms where mailed_at is null and created_at < now() - interval '10 seconds'")
    tenant_letter_waits = _exists("select from tenant_notices where mailed_at is null and created_at < now() - interval '10 seconds'")
    session_is_over = _exists("select from support_sessions where ended_at is null and expires_at <= now()")
    suspension_is_unsettled = _exists("select from tenants where status = 'suspended' or queue_held_at is not null")
    limit_grows = _exists("select from tenants where limit_grows and status = 'approved' and grown_on < (now() at time zone 'UTC')::date")
    pace_is_due = _exists(
        "select from throttles where ended_at is null and until < now() union all select from warmup_plans p where p.state = 'running' and not exists "
        "(select from warmup_days d where d.plan_id = p.id and d.on_date = (now() at time zone 'UTC')::date)"
    )
    letter_about_webhook = _exists("select from webhook_notices where mailed_at is null and created_at < now() - interval '10 seconds'")
    webhook_slots = get_settings().webhook_workers
    return (
        Periodic("worker.jobs.events.fan_out", 0, QueueName.DEFAULT, _exists("select from event_outbox")),
        Periodic("worker.jobs.webhooks.deliver", 0, QueueName.WEBHOOKS, _is_true(WEBHOOKS_DUE), webhook_slots),
        Periodic("worker.jobs.webhooks.sweep", 10, QueueName.DEFAULT, _exists("select from webhook_queue")),
        Periodic("worker.jobs.webhooks.replay", 2, QueueName.DEFAULT, _exists("select from webhook_replays where finished_at is null")),
        Periodic("worker.jobs.webhooks.watch_limits", 60, QueueName.DEFAULT, _exists("select from webhook_endpoints where state = 'enabled'")),
        Periodic("worker.jobs.webhooks.send_letters", 15, QueueName.DEFAULT, letter_about_webhook),
        Periodic("worker.jobs.delivery.deliver", 0, QueueName.DELIVERY, mail_is_due, delivery_slots),
        Periodic("worker.jobs.delivery.sweep", 5, QueueName.DEFAULT, lease_is_out),
        Periodic("worker.jobs.tracking.aggregate", 0, QueueName.DEFAULT, _hits_wait),
        Periodic("worker.jobs.stats.fold", 10, QueueName.DEFAULT, _exists("select from stats_deltas")),
        Periodic("worker.jobs.exports.make", 2, QueueName.DEFAULT, report_is_due),
        Periodic("worker.jobs.mail.send_waiting", 15, QueueName.DEFAULT, letter_waits),
        Periodic("worker.jobs.domains.check_due", 5, QueueName.DEFAULT, _exists("select from domains where next_check_at <= now()")),
        Periodic("worker.jobs.domains.send_notices", 15, QueueName.DEFAULT, notice_waits),
        Periodic("worker.jobs.domains.forget_history", 86400, QueueName.DEFAULT),
        Periodic("worker.jobs.reports.apply", 5, QueueName.DEFAULT, report_waits),
        Periodic("worker.jobs.pace.keep_pace", 60, QueueName.DEFAULT, pace_is_due),
        Periodic("worker.jobs.maintenance.keep_house", 3600, QueueName.DEFAULT),
        Periodic("worker.jobs.guard.watch", 15, QueueName.DEFAULT),
        Periodic("worker.jobs.guard.send_letters", 15, QueueName.DEFAULT, alarm_waits),
        Periodic("worker.jobs.contacts.ask_members", 5, QueueName.DEFAULT, _exists(
            "select from list_members m join contact_lists l on l.id = m.list_id where m.state = 'pending' and m.asked_at is null and l.problem is null "
            "and l.from_address is not null"
        )),
        Periodic("worker.jobs.contacts.import_files", 2, QueueName.DEFAULT, _exists("select from contact_imports where state = 'running'")),
        Periodic("worker.jobs.suppressions.undo", 2, QueueName.DEFAULT, _exists("select from incidents where status = 'running'")),
        Periodic("worker.jobs.suppressions.clear", 3600, QueueName.DEFAULT),
        Periodic("worker.jobs.accounts.delete_tenants", 60, QueueName.DEFAULT, _exists("select from tenants where delete_at <= now()")),
        Periodic("worker.jobs.backoffice.send_letters", 15, QueueName.DEFAULT, tenant_letter_waits),
        Periodic("worker.jobs.backoffice.end_sessions", 2, QueueName.DEFAULT, session_is_over),
        Periodic("worker.jobs.backoffice.settle_suspensions", 10, QueueName.DEFAULT, suspension_is_unsettled),
        Periodic("worker.jobs.backoffice.grow_limits", 60, QueueName.DEFAULT, limit_grows),
    )
