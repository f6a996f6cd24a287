"""What mail tells about contacts: when a person last opened or clicked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

_NOTE = """
update contacts c set
    last_opened_at = greatest(c.last_opened_at, u.opened_at),
    last_clicked_at = greatest(c.last_clicked_at, u.clicked_at),
    last_sent_at = greatest(c.last_sent_at, u.sent_at)
from (
    select tenant_id, canonical, max(at) filter (where kind in ('opened', 'clicked')) as opened_at, max(at) filter (where kind = 'clicked') as clicked_at,
        max(at) filter (where kind = 'sent') as sent_at
    from unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[]) as t(tenant_id, canonical, kind, at) group by 1, 2
) u
where c.tenant_id = u.tenant_id and c.canonical = u.canonical
"""


def note_engagement(connection: psycopg.Connection[Any], signals: Sequence[tuple[UUID, str, str, datetime]]) -> None:
    """Keep signals of people, not of machines: ``(tenant, canonical address, opened | clicked | sent, when)``. An address without a contact is passed over.

    One statement, for a connection that sees all tenants.
    """
    if signals:
        tenants, addresses, kinds, moments = (list(column) for column in zip(*signals, strict=True))
        connection.execute(_NOTE, (tenants, addresses, kinds, moments), prepare=True)
