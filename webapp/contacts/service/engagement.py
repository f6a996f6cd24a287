"""What mail tells about contacts: when a person last opened or clicked, and that bulk mail must not go to them any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from webapp.contacts.types import ContactStatus, MemberState

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


# A complaint outweighs an unsubscribe, and that a bounce; what somebody lifted is for people to say.
_STATUS = """
update contacts c set status = u.status, updated_at = now() from unnest(%s::uuid[], %s::text[], %s::text[]) as u(tenant_id, canonical, status)
where c.tenant_id = u.tenant_id and c.canonical = u.canonical
  and array_position(array['subscribed', 'bounced', 'unsubscribed', 'complained'], u.status)
    > array_position(array['subscribed', 'bounced', 'unsubscribed', 'complained'], c.status)
"""
_LEFT = """
update list_members m set state = %s, left_at = now() from contacts c, unnest(%s::uuid[], %s::text[], %s::uuid[]) as u(tenant_id, canonical, list_id)
where c.tenant_id = u.tenant_id and c.canonical = u.canonical and m.tenant_id = u.tenant_id and m.list_id = u.list_id and m.contact_id = c.id and m.state <> %s
"""


def note_status(connection: psycopg.Connection[Any], told: Sequence[tuple[UUID, str, ContactStatus]]) -> None:
    """Keep that addresses bounced, complained or left all bulk mail: ``(tenant, canonical address, status)``. A graver status is never made lighter."""
    if told:
        tenants, addresses, statuses = (list(column) for column in zip(*told, strict=True))
        connection.execute(_STATUS, (tenants, addresses, [status.value for status in statuses]), prepare=True)


def note_left(connection: psycopg.Connection[Any], told: Sequence[tuple[UUID, str, UUID]]) -> None:
    """Keep that people left one list: ``(tenant, canonical address, list)``."""
    if told:
        state = MemberState.UNSUBSCRIBED.value
        connection.execute(_LEFT, (state, *(list(column) for column in zip(*told, strict=True)), state), prepare=True)
