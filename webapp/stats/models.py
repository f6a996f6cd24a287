"""Figures: deltas that anyone appends, hourly rows that a job folds them into; a read adds both, so it is exact at once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, TenantOwned

#: The counters of both tables, in the order of the columns.
COUNTERS = (
    "accepted", "sent", "delivered", "deferred", "bounced", "failed", "suppressed", "sandboxed",
    "complained", "unsubscribed", "opened", "unique_opened", "clicked", "unique_clicked", "hard_bounced",
)  # fmt: skip


class _Counters:
    accepted: Mapped[int] = mapped_column(server_default="0")
    sent: Mapped[int] = mapped_column(server_default="0")
    delivered: Mapped[int] = mapped_column(server_default="0")
    deferred: Mapped[int] = mapped_column(server_default="0")
    bounced: Mapped[int] = mapped_column(server_default="0")
    failed: Mapped[int] = mapped_column(server_default="0")
    suppressed: Mapped[int] = mapped_column(server_default="0")
    sandboxed: Mapped[int] = mapped_column(server_default="0")
    complained: Mapped[int] = mapped_column(server_default="0")
    unsubscribed: Mapped[int] = mapped_column(server_default="0")
    opened: Mapped[int] = mapped_column(server_default="0")
    unique_opened: Mapped[int] = mapped_column(server_default="0")
    clicked: Mapped[int] = mapped_column(server_default="0")
    unique_clicked: Mapped[int] = mapped_column(server_default="0")
    #: Those of ``bounced`` that do not exist: what a bridge's guard judges its lists by.
    hard_bounced: Mapped[int] = mapped_column(server_default="0")


class _BigCounters:
    accepted: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    sent: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    delivered: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    deferred: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    bounced: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    failed: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    suppressed: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    sandboxed: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    complained: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    unsubscribed: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    opened: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    unique_opened: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    clicked: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    unique_clicked: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")
    hard_bounced: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0")


class StatsDelta(_Counters, TenantOwned, Base):
    """What one transaction changed: written beside the events it counts, folded within seconds."""

    __tablename__ = "stats_deltas"

    id: Mapped[int] = mapped_column(sa.BigInteger(), sa.Identity(always=True), primary_key=True)
    hour: Mapped[datetime]
    mode: Mapped[str]
    bridge_id: Mapped[UUID | None]
    pool_id: Mapped[UUID | None]
    member_id: Mapped[UUID | None]
    #: Of the sender.
    domain: Mapped[str | None]
    #: Of the recipients; not known before the first attempt.
    provider: Mapped[str | None]
    tags: Mapped[list[str] | None] = mapped_column(pg.ARRAY(sa.Text()))


class StatsHour(_Counters, TenantOwned, Base):
    """Counters of one hour (UTC), per bridge, pool and member. Empty ids are the nil UUID, so that the key is unique."""

    __tablename__ = "stats_hours"

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(primary_key=True)
    bridge_id: Mapped[UUID] = mapped_column(primary_key=True)
    pool_id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID] = mapped_column(primary_key=True)


class StatsRollup(_BigCounters, TenantOwned, Base):
    """Counters by one dimension at a time, in hours and in days (both UTC): what every read of figures adds up.

    ``dimension``: ``all`` (empty key), ``bridge``, ``pool``, ``member``, ``domain``, ``provider``, ``tag``; ``key``: an id or a name. ``bridge_id`` is the
    nil UUID for the whole tenant; domain, provider and tag are kept for each bridge too, in days only: hours of every pair would be more rows than mail.
    """

    __tablename__ = "stats_rollups"

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    mode: Mapped[str] = mapped_column(primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    width: Mapped[str] = mapped_column(primary_key=True)
    bridge_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)

