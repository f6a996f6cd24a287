"""The activity log: append-only."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOwned


class ActivityEntry(HasId, TenantOwned, Base):
    """Who did what to which object, when (the id tells), from where, and what changed. Never holds a secret."""

    __tablename__ = "activity_entries"
    __table_args__ = (sa.Index(None, "tenant_id", "id"), sa.Index(None, "tenant_id", "object_id"), sa.Index(None, "tenant_id", "actor_id"))

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    on_behalf_of: Mapped[UUID | None]
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[UUID | None]
    object_name: Mapped[str | None]
    changes: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    request_id: Mapped[str | None]
    address: Mapped[str | None]
