"""Writing down what became of attempts: one statement a batch, fenced by the attempt number.

An outcome whose attempt is no longer the queue row's (the lease was taken back and the row claimed anew) changes nothing: the sweeper has
already written that attempt down as ``unknown``, with ``duplicate_possible``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from webapp.messages.types import EventType, RecipientState
from webapp.settings import get_settings

_EVENT_OF_STATE = {
    RecipientState.DELIVERED: EventType.DELIVERED,
    RecipientState.DEFERRED: EventType.DEFERRED,
    RecipientState.BOUNCED: EventType.BOUNCED,
    RecipientState.FAILED: EventType.FAILED,
    RecipientState.SUPPRESSED: EventType.SUPPRESSED,
    RecipientState.CANCELLED: EventType.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One finished attempt. ``state`` is the recipient's new state; ``next_due`` is set when it will be tried again.

    ``dialled`` is False for verdicts reached without a conversation (suppressed, expired): they leave no attempt row.
    """

    recipient_id: UUID
    attempt_id: UUID
    attempt: int
    state: RecipientState
    next_due: datetime | None
    dialled: bool
    code: int | None
    enhanced: str | None
    reply: str | None
    reply_class: str | None
    blame: str | None
    stage: str | None
    member_id: UUID | None
    remote_host: str | None
    remote_ip: str | None
    tls: str | None
    duplicate_possible: bool
    started_at: datetime
    finished_at: datetime
    transcript: str | None
    #: Who took it, or should have: the mailbox provider behind the recipient's domain.
    provider: str | None = None


_COLUMNS = {
    "recipient_id": "uuid", "attempt_id": "uuid", "attempt": "int", "state": "text", "next_due": "timestamptz", "dialled": "bool", "code": "int",
    "enhanced": "text", "reply": "text", "reply_class": "text", "blame": "text", "stage": "text", "member_id": "uuid", "remote_host": "text",
    "remote_ip": "text", "tls": "text", "duplicate_possible": "bool", "started_at": "timestamptz", "finished_at": "timestamptz", "transcript": "text",
    "provider": "text",
}  # fmt: skip
assert list(_COLUMNS) == [f.name for f in fields(Outcome)]

_INPUT = ", ".join(f"%({name})s::{kind}[]" for name, kind in {**_COLUMNS, "event_type": "text"}.items())

# Everything a later step needs travels in ``live`` and ``who``: joining these with ``x`` again would compare every row of the batch with every other.
_RECORD = f"""
with x as (select * from unnest({_INPUT}) as x({", ".join([*_COLUMNS, "event_type"])})),
done as (
  delete from queue_entries q using x where q.recipient_id = x.recipient_id and q.attempt = x.attempt and x.next_due is null
  returning q.tenant_id, q.message_id, q.bridge_id, q.pool_id, x.*),
again as (
  update queue_entries q set due_at = x.next_due, lease_until = null, leased_by = null, fruitless = 0, scheduled = false
  from x where q.recipient_id = x.recipient_id and q.attempt = x.attempt and x.next_due is not null
  returning q.tenant_id, q.message_id, q.bridge_id, q.pool_id, x.*),
live as (select * from done union all select * from again),
who as (
  update recipients r set state = x.state, attempts = x.attempt, last_code = x.code, last_reply = x.reply, reply_class = x.reply_class,
    blame = x.blame, provider = coalesce(x.provider, r.provider), sent_at = case when x.dialled then coalesce(r.sent_at, x.finished_at) else r.sent_at end,
    state_reason = case when not x.dialled then x.reply when x.state = 'deferred' and
      (r.state_reason = %(late)s or x.next_due >= coalesce(r.sent_at, x.finished_at) + %(late_after)s) then %(late)s end,
    delivered_at = case when x.state = 'delivered' then x.finished_at end,
    bounced_at = case when x.state = 'bounced' then x.finished_at end, updated_at = now()
  from live x where r.id = x.recipient_id
  returning r.id, r.address, r.mode, x.tenant_id, x.message_id, x.bridge_id, x.pool_id, x.member_id, x.state, x.reply_class, r.provider,
    x.dialled and old.sent_at is null as first,
    x.finished_at, case when new.state_reason = %(late)s and old.state_reason is distinct from %(late)s then jsonb_strip_nulls(jsonb_build_object(
      'since', new.sent_at, 'next_attempt_at', x.next_due, 'code', x.code, 'reply', x.reply, 'class', x.reply_class)) end as late),
attempts as (
  insert into delivery_attempts (id, tenant_id, message_id, recipient_id, number, member_id, outcome, code, enhanced, reply, reply_class, blame, stage,
    remote_host, remote_ip, tls, duplicate_possible, started_at, finished_at, transcript)
  select attempt_id, tenant_id, message_id, recipient_id, attempt, member_id, state, code, enhanced, reply, reply_class, blame,
    stage, remote_host, remote_ip, tls, duplicate_possible, started_at, finished_at, transcript
  from live where dialled),
facts as (
  insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, at, data)
  select uuidv7(), tenant_id, message_id, recipient_id, bridge_id, event_type, finished_at,
    jsonb_strip_nulls(jsonb_build_object('attempt', case when dialled then attempt end, 'code', code, 'reply', reply, 'class', reply_class,
      'blame', blame, 'next_attempt_at', next_due, 'remote', remote_host))
  from live),
delays as (
  insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, at, data)
  select uuidv7(), tenant_id, message_id, id, bridge_id, 'email.delayed', finished_at, late from who where late is not null),
figures as (
  insert into stats_deltas (tenant_id, hour, mode, bridge_id, pool_id, member_id, domain, provider, tags, sent, delivered, deferred, bounced, failed,
    suppressed, hard_bounced)
  select tenant_id, date_trunc('hour', now(), 'UTC'), mode, bridge_id, pool_id, member_id, about.domain, provider, about.tags, count(*) filter (where first),
    count(*) filter (where state = 'delivered'), count(*) filter (where state = 'deferred'), count(*) filter (where state = 'bounced'),
    count(*) filter (where state = 'failed'), count(*) filter (where state = 'suppressed'),
    count(*) filter (where state = 'bounced' and reply_class like 'hard.%%')
  from who left join lateral (
    select split_part(m.from_address, '@', 2) as domain, m.tags from messages m where m.id = who.message_id offset 0) about on true
  group by 1, 2, 3, 4, 5, 6, 7, 8, 9)
select id, tenant_id, message_id, bridge_id, address from who
"""


#: What a recipient's state says once its sender was told of the delay; it is also what keeps it from being told twice.
LATE = "It is late: it could not be delivered for some hours, and is still being tried."

#: From here on a batch is planned anew: a plan made while the queue was empty would compare each of its rows with each row of a full queue.
_FEW = 32


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recipient whose outcome was written, with what suppression needs to know."""

    recipient_id: UUID
    tenant_id: UUID
    message_id: UUID
    bridge_id: UUID | None
    address: str


def record_outcomes(connection: psycopg.Connection[Any], outcomes: Sequence[Outcome]) -> list[Recorded]:
    """Write a batch: recipient, attempt, event, figures, queue row. Returns those that still held their lease.

    A deferral after which a recipient will not be delivered within ``delay_notice_hours`` of its first attempt adds ``email.delayed``, once.

    The connection must see all tenants and be inside a transaction.
    """
    if not outcomes:
        return []
    arguments: dict[str, Any] = {name: [getattr(outcome, name) for outcome in outcomes] for name in _COLUMNS}
    arguments["event_type"] = [_EVENT_OF_STATE[outcome.state].value for outcome in outcomes]
    settings = get_settings()
    arguments |= {"late": LATE, "late_after": timedelta(hours=settings.delay_notice_hours * settings.retry_scale)}
    arguments["state"] = [outcome.state.value for outcome in outcomes]
    return [Recorded(*row) for row in connection.execute(_RECORD, arguments, prepare=len(outcomes) < _FEW)]
