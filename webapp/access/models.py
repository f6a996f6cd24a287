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
    """A key of an application. The plain key is shown once; the row keeps SHA-256 and last four characters of its secret, after a roll of two.

    Its rights are those of its role, as far as whoever made it has them: see ``queries.rights_of``.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "role_id"], ["roles.tenant_id", "roles.id"]),
        # The database keeps member_role the role of the member; of somebody who left, the last one stays.
        sa.ForeignKeyConstraint(
            ["tenant_id", "member_id", "member_role"], ["memberships.tenant_id", "memberships.user_id", "memberships.role"],
            onupdate="CASCADE", ondelete="SET NULL (member_id)",
        ),
        sa.Index(None, "tenant_id", "id"),
        sa.Index(None, "tenant_id", "maker_id"),
    )  # fmt: skip

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str]
    mode: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    last_four: Mapped[str]
    #: Name of a preset, when ``role_id`` is empty.
    preset: Mapped[str | None]
    role_id: Mapped[UUID | None]
    #: The patterns of the role an ended key had when that role was deleted: they still bound the keys it made.
    ceiling: Mapped[list[str] | None]
    allowed_networks: Mapped[list[str]] = mapped_column(server_default="{}", default=list)
    #: Requests per 60 s; None: the platform's default.
    rate_limit: Mapped[int | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_used_from: Mapped[str | None]
    created_by: Mapped[str]
    #: Who made it: member, api_key, staff or system; empty in keys older than this field.
    maker_kind: Mapped[str | None]
    maker_id: Mapped[UUID | None]
    #: The member whose rights bound it.
    member_id: Mapped[UUID | None]
    member_role: Mapped[str | None]
    #: The secret before the present one, while both work.
    rolled_at: Mapped[datetime | None]
    previous_hash: Mapped[bytes | None] = mapped_column(unique=True)
    previous_last_four: Mapped[str | None]
    previous_expires_at: Mapped[datetime | None]
    previous_used_at: Mapped[datetime | None]
