"""What bounces do to addresses. Only a bounce that is the recipient's own may suppress: our blocks, our content, our domain never do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy.orm import Session

from webapp.kernel.addresses import canonical
from webapp.kernel.db import raw_of
from webapp.suppressions.service.rows import NewSuppression, suppress_many
from webapp.suppressions.types import Bounce, SuppressionReason, SuppressionScope

#: Class of a reply -> how many recipients must have got it, within how long. Counted once a message, however often that was tried.
SOFT_LIMITS: dict[str, tuple[int, timedelta]] = {
    "soft.mailbox_full": (5, timedelta(days=14)),
    "soft.inactive": (3, timedelta(days=30)),
}
#: Whose trouble a reply must be to count at all.
_RECIPIENT = "recipient"

# Two workers that each bring the last but one and the last bounce of an address must not both miss the limit: they count one after the other.
_LOCK = """
select pg_advisory_xact_lock(k) from (select distinct hashtextextended('soft:' || t || ':' || a, 0) as k
  from unnest(%(tenant)s::uuid[], %(address)s::text[]) x(t, a) order by 1) keys
"""
_COUNT_IN = """
insert into soft_bounces (tenant_id, address, reply_class, recipient_id)
select * from unnest(%(tenant)s::uuid[], %(address)s::text[], %(class)s::text[], %(recipient)s::uuid[]) on conflict do nothing
"""
_FULL = """
with full_now as (
  select b.tenant_id, b.address, b.reply_class, count(*) as number from soft_bounces b
  join (select distinct t, a, c, n, s from unnest(%(tenant)s::uuid[], %(address)s::text[], %(class)s::text[], %(limit)s::int[], %(seconds)s::float8[])
    u(t, a, c, n, s)) x on b.tenant_id = x.t and b.address = x.a and b.reply_class = x.c
  where b.at > now() - make_interval(secs => x.s) group by 1, 2, 3, x.n having count(*) >= x.n),
used as (delete from soft_bounces b using full_now f where (b.tenant_id, b.address, b.reply_class) = (f.tenant_id, f.address, f.reply_class))
select tenant_id, address, reply_class, number from full_now
"""


def matters(reply_class: str, blame: str, hopeless: bool) -> bool:
    """Whether a reply can lead to a suppression: it is the recipient's trouble, and hopeless or one that is counted."""
    return blame == _RECIPIENT and (hopeless or reply_class in SOFT_LIMITS)


def note_bounces(session: Session, bounces: Iterable[Bounce]) -> int:
    """Suppress or count what receivers said; returns how many suppressions are new or hold longer now.

    In the transaction that records the bounces. Noting one twice counts once: the recipient is the identity.
    """
    mattering = [bounce for bounce in bounces if matters(bounce.reply_class, bounce.blame, bounce.hopeless)]
    entries = [_entry(bounce, SuppressionReason.HARD_BOUNCE, bounce.detail) for bounce in mattering if bounce.hopeless]
    soft = [bounce for bounce in mattering if not bounce.hopeless]
    if soft:
        entries += _over_the_limit(raw_of(session), soft)
    return suppress_many(session, entries) if entries else 0


def _over_the_limit(connection: psycopg.Connection[Any], soft: Sequence[Bounce]) -> list[NewSuppression]:
    """Count; those that reached their limit are forgotten, so that the count starts anew when the suppression ends."""
    limits = [SOFT_LIMITS[bounce.reply_class] for bounce in soft]
    columns = {
        "tenant": [b.tenant_id for b in soft], "address": [canonical(b.email) for b in soft], "class": [b.reply_class for b in soft],
        "recipient": [b.recipient_id for b in soft], "limit": [n for n, _ in limits], "seconds": [span.total_seconds() for _, span in limits],
    }  # fmt: skip
    connection.execute(_LOCK, columns)
    connection.execute(_COUNT_IN, columns)
    last = {(b.tenant_id, canonical(b.email), b.reply_class): b for b in soft}
    found = []
    for tenant_id, address, reply_class, number in connection.execute(_FULL, columns):
        bounce = last[tenant_id, address, reply_class]
        found.append(_entry(bounce, SuppressionReason.SOFT_BOUNCE, f"{number} messages in {SOFT_LIMITS[reply_class][1].days} days: {bounce.detail or ''}"))
    return found


def _entry(bounce: Bounce, reason: SuppressionReason, detail: str | None) -> NewSuppression:
    return NewSuppression(
        bounce.tenant_id, canonical(bounce.email), SuppressionScope.ALL, reason, bounce.source, bounce.recipient_id, bounce.message_id, detail=detail
    )
