"""From which domains each bridge sends: read from the messages that came since the last look, so that nothing is added to accept."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from webapp.kernel.ids import uuid7_floor

_SENDERS = """
select tenant_id, bridge_id, lower(split_part(from_address, '@', 2)), min(created_at), max(created_at) from messages
where id >= %s and mode = 'live' and bridge_id is not null group by 1, 2, 3
"""


def senders_since(connection: psycopg.Connection[Any], since: datetime) -> list[tuple[UUID, UUID, str, datetime, datetime]]:
    """``(tenant, bridge, From domain, first, last)`` of the live mail accepted since a moment. Reads ids of that time only (they are time-ordered).

    The connection must see all tenants.
    """
    return list(connection.execute(_SENDERS, (uuid7_floor(since),)).fetchall())
