"""Sender domains and their DKIM keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.domains.types import DomainStatus
from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps


class Domain(HasId, TenantOwned, Timestamps, Base):
    """A domain a tenant sends from. Verified by a TXT challenge bound to the tenant; only one tenant can hold it verified."""

    __tablename__ = "domains"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "name"),
        sa.UniqueConstraint("tenant_id", "id"),
        sa.Index("uq_domains_verified_name", "name", unique=True, postgresql_where=sa.text("verified_at is not null")),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str]
    status: Mapped[str] = mapped_column(default=DomainStatus.PENDING, server_default=DomainStatus.PENDING)
    challenge: Mapped[str]
    covers_subdomains: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    verified_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    #: What the last check found, per record: {"txt": {"state": "ok", "found": [...]}, "dkim": ...}
    findings: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)


class DkimKey(HasId, TenantOwned, Timestamps, Base):
    """One signing key of a domain. ``private_key`` is sealed; ``active_at`` set once its record was seen in DNS."""

    __tablename__ = "dkim_keys"
    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "domain_id"], ["domains.tenant_id", "domains.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("domain_id", "selector"),
    )

    domain_id: Mapped[UUID]
    algorithm: Mapped[str]
    selector: Mapped[str]
    private_key: Mapped[bytes]
    public_record: Mapped[str]
    active_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
