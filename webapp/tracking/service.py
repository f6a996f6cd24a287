"""Opens, clicks and unsubscribes become events, once each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from webapp.contacts.service import note_engagement
from webapp.kernel.addresses import canonical
from webapp.kernel.db import raw_of
from webapp.messages.types import EventType
from webapp.suppressions.service import suppress
from webapp.suppressions.types import SuppressionReason, SuppressionScope
from webapp.tracking.tokens import Who
from webapp.tracking.verdicts import Signal, Verdict, judge_all

_KINDS = {"open": EventType.OPENED, "click": EventType.CLICKED}


@dataclass(frozen=True, slots=True)
class Hit:
    """One request of a pixel or a link. ``id`` is made from its stream id: recording it twice is recording it once."""

    id: UUID
    message_id: UUID
    recipient_id: UUID
    type: EventType
    at_ms: int
    data: dict[str, Any]


def read_hit(stream_id: bytes, fields: Mapping[bytes, bytes]) -> Hit | None:
    """A stream entry as a hit; None for rubbish."""
    try:
        raw = json.loads(fields[b"d"])
        at_ms = int(raw["t"])
        data = {"user_agent": raw.get("a") or None, "address": raw.get("i") or None, "url": raw.get("u")}
        kept = {key: value for key, value in data.items() if value}
        return Hit(_event_id(stream_id, at_ms), UUID(raw["m"]), UUID(raw["r"]), _KINDS[raw["k"]], at_ms, kept)
    except (KeyError, ValueError, TypeError):
        return None


def _event_id(stream_id: bytes, at_ms: int) -> UUID:
    tail = int.from_bytes(hashlib.sha256(stream_id + at_ms.to_bytes(8, "big")).digest()[:10], "big") & ((1 << 76) - 1)
    tail = (tail & ~(0xF << 76) & ~(0b11 << 62)) | (0b10 << 62)
    return UUID(int=(at_ms << 80) | (0x7 << 76) | tail)


_RECORD = """
with x as (select * from unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::bigint[], %s::jsonb[]) x(id, message_id, recipient_id, type, at_ms, data)),
known as (
  select x.*, to_timestamp(x.at_ms / 1000.0) as at, r.tenant_id, r.bridge_id, r.mode, r.provider
  from x join recipients r on r.id = x.recipient_id and r.message_id = x.message_id),
fresh as (
  insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, at, data)
  select id, tenant_id, message_id, recipient_id, bridge_id, type, at, data from known on conflict do nothing returning id),
counted as (select known.* from known join fresh using (id)),
times as (
  select recipient_id, min(at) filter (where type = 'email.opened') as opened, min(at) filter (where type = 'email.clicked') as clicked
  from counted group by 1),
firsts as (
  update recipients r set first_opened_at = coalesce(r.first_opened_at, times.opened), first_clicked_at = coalesce(r.first_clicked_at, times.clicked),
    updated_at = now()
  from times where r.id = times.recipient_id
  returning r.id, old.first_opened_at is null and new.first_opened_at is not null as first_open,
    old.first_clicked_at is null and new.first_clicked_at is not null as first_click),
figures as (
  insert into stats_deltas (tenant_id, hour, mode, bridge_id, provider, domain, tags, opened, unique_opened, clicked, unique_clicked)
  select tenant_id, date_trunc('hour', at, 'UTC'), mode, bridge_id, provider, about.domain, about.tags,
    sum(opens), sum((opens > 0 and first_open)::int), sum(clicks), sum((clicks > 0 and first_click)::int)
  from (select c.tenant_id, c.mode, c.bridge_id, c.provider, c.message_id, c.recipient_id, min(c.at) as at,
          count(*) filter (where c.type = 'email.opened') as opens,
          count(*) filter (where c.type = 'email.clicked') as clicks from counted c group by 1, 2, 3, 4, 5, 6) per_recipient
  join firsts on firsts.id = per_recipient.recipient_id
  left join lateral (select split_part(m.from_address, '@', 2) as domain, m.tags from messages m where m.id = per_recipient.message_id offset 0) about on true
  group by 1, 2, 3, 4, 5, 6, 7)
select count(*) from fresh
"""


def record_hits(connection: psycopg.Connection[Any], hits: Iterable[Hit]) -> int:
    """Write a batch of hits and their figures; hits written before, and those of unknown recipients, change nothing.

    The connection must see all tenants and be inside a transaction. Returns how many were new.
    """
    batch = list(hits)
    if not batch:
        return 0
    judged = judge_all(Signal(h.recipient_id, h.at_ms, h.data.get("user_agent", ""), h.data.get("url")) for h in batch)
    said = [{**h.data, "verdict": found.verdict.value, **({"reasons": found.reasons} if found.reasons else {})} for h, found in zip(batch, judged, strict=True)]
    columns = [
        [h.id for h in batch], [h.message_id for h in batch], [h.recipient_id for h in batch], [h.type.value for h in batch],
        [h.at_ms for h in batch], [json.dumps(data) for data in said],
    ]  # fmt: skip
    row = connection.execute(_RECORD, columns, prepare=False).fetchone()
    _note_people(connection, [h for h, found in zip(batch, judged, strict=True) if found.verdict is Verdict.HUMAN])
    return int(row[0]) if row else 0


_ADDRESSES = "select id, tenant_id, address from recipients where id = any(%s)"


def _note_people(connection: psycopg.Connection[Any], hits: list[Hit]) -> None:
    """Tell contacts when a person last read: segments go by it."""
    if not hits:
        return
    known = {row[0]: (row[1], canonical(row[2])) for row in connection.execute(_ADDRESSES, ([h.recipient_id for h in hits],))}
    signals = [
        (*known[h.recipient_id], "clicked" if h.type is EventType.CLICKED else "opened", datetime.fromtimestamp(h.at_ms / 1000, UTC))
        for h in hits if h.recipient_id in known
    ]  # fmt: skip
    note_engagement(connection, signals)


_UNSUBSCRIBE = """
with who as (
  update recipients r set unsubscribed_at = coalesce(r.unsubscribed_at, now()), updated_at = now()
  where r.id = %(recipient)s and r.message_id = %(message)s
  returning r.id, r.tenant_id, r.message_id, r.bridge_id, r.mode, r.address, r.provider, old.unsubscribed_at is null as first),
fact as (
  insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, data)
  select uuidv7(), tenant_id, message_id, id, bridge_id, 'email.unsubscribed', jsonb_build_object('how', %(how)s::text) from who where first),
figures as (
  insert into stats_deltas (tenant_id, hour, mode, bridge_id, provider, domain, tags, unsubscribed)
  select who.tenant_id, date_trunc('hour', now(), 'UTC'), who.mode, who.bridge_id, who.provider, split_part(m.from_address, '@', 2), m.tags, 1
  from who left join messages m on m.id = who.message_id where who.first)
select who.tenant_id, who.address, who.first, m.list_key from who left join messages m on m.id = who.message_id
"""


def unsubscribe(session: Session, who: Who, how: str) -> Unsubscribed | None:
    """Note an unsubscribe: mail of the message's list stops, or, when it belongs to none, all bulk mail of its tenant.

    Doing it twice is doing it once, also after the tenant took the address off in between. The session must see all tenants.
    """
    done = record_unsubscribe(raw_of(session), who, how)
    if done is not None:
        reach = SuppressionScope.LIST if done.list_key else SuppressionScope.BULK
        suppress(
            session, done.tenant_id, canonical(done.address), reach, SuppressionReason.UNSUBSCRIBE, how, who.recipient_id,
            message_id=who.message_id, list_key=done.list_key or "",
        )  # fmt: skip
    return done


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """Who asked not to be written to any more; ``first`` is False when they had asked before."""

    tenant_id: UUID
    address: str
    first: bool
    list_key: str | None = None


def record_unsubscribe(connection: psycopg.Connection[Any], who: Who, how: str) -> Unsubscribed | None:
    """Note an unsubscribe once. ``how``: one_click, page or mail. None when the recipient is gone."""
    arguments = {"recipient": who.recipient_id, "message": who.message_id, "how": how}
    row = connection.execute(_UNSUBSCRIBE, arguments).fetchone()
    return Unsubscribed(*row) if row else None
