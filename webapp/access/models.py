"""API keys and reusable roles."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps


class Role(HasId, TenantOwned, Timestamps, Base):
    """A reusable set of permission patterns that keys point at. Presets are code, not rows."""

    __tablename__ = "roles"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "name"), sa.UniqueConstraint("tenant_id", "id"))

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str]
    description: Mapped[str | None]
    permissions: Mapped[list[str]]


class ApiAnswer(TenantOwned, Base):
    """What a write of the API was answered, by its idempotency key: see ``webapp.http.writes``. The body is sealed; rows live for a day."""

    __tablename__ = "api_answers"
    __table_args__ = (sa.Index(None, "created_at"),)

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    mode: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int | None] = mapped_column(sa.SmallInteger())
    body: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class ApiKey(HasId, TenantOwned, Timestamps, Base):
    """A key of an application. The plain key is shown once; the row keeps its SHA-256 and last four characters."""

    __tablename__ = "api_keys"
    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "role_id"], ["roles.tenant_id", "roles.id"]),
        sa.Index(None, "tenant_id", "id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str]
    mode: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    last_four: Mapped[str]
    #: Name of a preset, when ``role_id`` is empty.
    preset: Mapped[str | None]
    role_id: Mapped[UUID | None]
    allowed_networks: Mapped[list[str]] = mapped_column(server_default="{}", default=list)
    #: Requests per 60 s; None: the platform's default.
    rate_limit: Mapped[int | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    created_by: Mapped[str]
