"""What time does to suppressions: nothing has to run for one to end, this only clears up behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg

from webapp.suppressions.service.bounces import SOFT_LIMITS

#: A hard bounce is remembered this long after its end: a second one within that time has no end (``rows``).
MEMORY = timedelta(days=180)
_BLOCK = 5000

_REACHED_SINCE = (
    "exists (select from recipients r where r.tenant_id = s.tenant_id and r.address = s.address and r.state = 'delivered' and r.delivered_at > {})"
)
# Only soft reasons are lifted by a success (a complaint or an unsubscribe never is), and a hard one is forgotten by a success after its end.
_STATEMENTS = (
    "delete from suppressions where id in (select id from suppressions where expires_at <= now() and reason <> 'hard_bounce' limit %(block)s)",
    "delete from suppressions where id in (select id from suppressions where expires_at <= now() - %(memory)s::interval limit %(block)s)",
    f"delete from suppressions s where s.reason = 'hard_bounce' and s.expires_at <= now() and {_REACHED_SINCE.format('s.expires_at')}",
    f"delete from suppressions s where s.reason = 'soft_bounce' and s.expires_at > now() and {_REACHED_SINCE.format('s.updated_at')}",
    "delete from soft_bounces where at < now() - %(counted)s::interval",
    "delete from platform_suppressions where expires_at <= now()",
)


def tidy(connection: psycopg.Connection[Any]) -> int:
    """Delete what is over: ended suppressions, counts past their window. Returns how many rows went.

    The connection must see all tenants. Running it twice, or never, changes nobody's mail but for the soft reasons a success lifts.
    """
    arguments = {"block": _BLOCK, "memory": MEMORY, "counted": max(span for _, span in SOFT_LIMITS.values())}
    return sum(connection.execute(statement, arguments).rowcount for statement in _STATEMENTS)
