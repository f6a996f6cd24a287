"""Announcing: one row in the transaction of the act itself. A trigger of the table passes it on when somebody listens (migration 0011)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.announcements.models import TenantEvent
from webapp.announcements.types import Announcement
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Mode

__all__ = ["announce", "announce_once"]


def announce(
    session: Session, tenant_id: UUID, kind: Announcement, data: Mapping[str, Any], *, mode: Mode | None = None, bridge_id: UUID | None = None
) -> UUID:
    """Note a fact for those who listen, and give its id. ``data`` holds JSON values only, as the catalogue of webhooks documents for ``kind``."""
    event = TenantEvent(id=uuid7(), tenant_id=tenant_id, type=kind.value, mode=mode.value if mode else None, bridge_id=bridge_id, data=dict(data))
    session.add(event)
    session.flush()
    return event.id


def announce_once(session: Session, tenant_id: UUID, kind: Announcement, key: str, within: timedelta, data: Mapping[str, Any]) -> UUID | None:
    """``announce``, unless the same ``key`` was announced for this kind within that time: for limits, which are reached with every message.

    ``key`` stands in the data as ``key``. Two at the same moment may both be told.
    """
    known = sa.select(TenantEvent.id).where(
        TenantEvent.tenant_id == tenant_id, TenantEvent.type == kind.value, TenantEvent.at > sa.func.now() - within,
        TenantEvent.data["key"].astext == key,
    )  # fmt: skip
    if session.scalar(known.limit(1)) is not None:
        return None
    return announce(session, tenant_id, kind, {**data, "key": key})
