"""Reports that somebody asked for, and the parts of their files."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps

_OPEN = sa.text("status = ANY (ARRAY['waiting'::text, 'running'::text])")


class Report(HasId, TenantOwned, Timestamps, Base):
    """A file to be made. ``wish``: the filter or the cut of figures; ``cursor``: where the next part begins, so that a job that died is gone on with.

    ``lease_until``: a worker is at it until then; ``claims`` fences it, and a report that was claimed in vain too often has failed.
    """

    __tablename__ = "reports"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "id", name="uq_reports_tenant_id_id"),
        sa.Index("ix_reports_open", "id", postgresql_where=_OPEN),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    mode: Mapped[str]
    #: Of a bridge's own token: what it may see.
    bridge_id: Mapped[UUID | None]
    kind: Mapped[str]
    title: Mapped[str]
    wish: Mapped[dict[str, Any]]
    asked_by: Mapped[str]
    status: Mapped[str]
    #: Why it failed, as people read it.
    problem: Mapped[str | None]
    rows_expected: Mapped[int | None] = mapped_column(sa.BigInteger())
    rows_done: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0", default=0)
    size: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0", default=0)
    cursor: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    claims: Mapped[int] = mapped_column(sa.SmallInteger(), server_default="0", default=0)
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class ReportPart(TenantOwned, Base):
    """A piece of a report's file, compressed (zlib): whole lines of CSV."""

    __tablename__ = "report_parts"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["tenant_id", "report_id"], ["reports.tenant_id", "reports.id"], name="fk_report_parts_tenant_id_report_id", ondelete="CASCADE"
        ),
    )

    report_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[bytes]
