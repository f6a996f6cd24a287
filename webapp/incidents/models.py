"""One undoing of bounces, in one tenant."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from webapp.incidents.types import IncidentStatus
from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps


class Incident(HasId, TenantOwned, Timestamps, Base):
    """Which bounces were lifted, by whom and why, and what came of it.

    An undoing over all tenants is one row in each tenant it touches, all with one ``group_id``: every tenant sees what was done to its mail, and
    nothing of the others'. ``position``: the last bounce looked at, from where the next batch goes on. ``kept``: why recipients were not sent to
    again, ``{reason: number}``.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        sa.Index(None, "tenant_id", "id"),
        sa.Index(None, "group_id"),
        sa.Index("ix_incidents_running", "id", postgresql_where=sa.text("status = 'running'")),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    group_id: Mapped[UUID]
    note: Mapped[str]
    actor_kind: Mapped[str]
    actor_name: Mapped[str]
    status: Mapped[str] = mapped_column(default=IncidentStatus.RUNNING)
    filters: Mapped[dict[str, Any]]
    position: Mapped[UUID | None]
    recipients: Mapped[int] = mapped_column(server_default="0", default=0)
    requeued: Mapped[int] = mapped_column(server_default="0", default=0)
    lifted: Mapped[int] = mapped_column(server_default="0", default=0)
    kept: Mapped[dict[str, Any]] = mapped_column(pg.JSONB(), server_default="{}", default=dict)
    finished_at: Mapped[datetime | None]
