"""Bridges and their credentials."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.bridges.types import BridgeStatus, Stream
from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps


class Bridge(HasId, TenantOwned, Timestamps, Base):
    """One application's way in: SMTP login and token on top of a pool, with its own tracking and figures.

    Deleted bridges keep their row (messages name them) and lose their credentials.
    """

    __tablename__ = "bridges"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "id"),
        sa.Index("uq_bridges_name", "tenant_id", "name", unique=True, postgresql_where=sa.text("deleted_at is null")),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str]
    #: A shared pool belongs to no tenant, so the service checks ownership and row-level security hides other tenants' pools.
    pool_id: Mapped[UUID] = mapped_column(sa.ForeignKey("pools.id"))
    mode: Mapped[str] = mapped_column(default="live", server_default="live")
    stream: Mapped[str] = mapped_column(default=Stream.TRANSACTIONAL, server_default=Stream.TRANSACTIONAL)
    track_opens: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    track_clicks: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    #: Addresses or domains this bridge may send from; empty: every verified domain of the tenant.
    allowed_from: Mapped[list[str]] = mapped_column(server_default="{}", default=list)
    paused_at: Mapped[datetime | None]
    pause_reason: Mapped[str | None]
    deleted_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    #: Set while mail under way is held because the bridge is paused; emptied when all of it was let go.
    queue_held_at: Mapped[datetime | None]

    @property
    def status(self) -> BridgeStatus:
        """Whether it takes mail."""
        return BridgeStatus.PAUSED if self.paused_at else BridgeStatus.ACTIVE


class BridgeCredential(HasId, TenantOwned, Timestamps, Base):
    """One pair of SMTP password and token secret. Two can be valid during a rotation; ``expires_at`` ends the old one.

    The username is the bridge's, the password and the token's secret are independent random values: neither tells the other.
    Both are sealed so that the dashboard can show them again, and found by their SHA-256.
    """

    __tablename__ = "bridge_credentials"
    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "bridge_id"], ["bridges.tenant_id", "bridges.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("bridge_id", "number"),
    )

    bridge_id: Mapped[UUID]
    username: Mapped[str] = mapped_column(index=True)
    number: Mapped[int]
    password_hash: Mapped[bytes]
    password_sealed: Mapped[bytes]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    token_sealed: Mapped[bytes]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class BridgeGuard(TenantOwned, Timestamps, Base):
    """What one bridge chose for its guard, and what the guard knows of it. Empty limits are the platform's; no row: nothing was chosen yet.

    ``counted_from``, ``baseline``: counting began anew then, and these recipients of that hour are not counted (None: to be noted at the next look).
    ``figures``, ``checked_at``: the last look, as pages and the API show it.
    """

    __tablename__ = "bridge_guards"
    __table_args__ = (sa.ForeignKeyConstraint(["tenant_id", "bridge_id"], ["bridges.tenant_id", "bridges.id"], ondelete="CASCADE"),)

    bridge_id: Mapped[UUID] = mapped_column(primary_key=True)
    bounce_warn: Mapped[float | None]
    bounce_pause: Mapped[float | None]
    complaint_warn: Mapped[float | None]
    complaint_pause: Mapped[float | None]
    spike_factor: Mapped[float | None]
    spike_action: Mapped[str | None]
    sender_action: Mapped[str | None]
    exempt_until: Mapped[datetime | None]
    exempt_note: Mapped[str | None]
    exempt_by: Mapped[str | None]
    counted_from: Mapped[datetime | None]
    baseline: Mapped[dict[str, Any] | None]
    figures: Mapped[dict[str, Any] | None]
    checked_at: Mapped[datetime | None]


class GuardAlarm(HasId, TenantOwned, Timestamps, Base):
    """A warning or a trip, with the figures that led to it. ``mailed_at`` empty: the job that writes to the owners has still to come by.

    Open until the figures are well again (warnings) or a person resumes the bridge, with a note.
    """

    __tablename__ = "guard_alarms"
    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "bridge_id"], ["bridges.tenant_id", "bridges.id"], ondelete="CASCADE"),
        sa.Index("ix_guard_alarms_bridge", "tenant_id", "bridge_id", "id"),
        sa.Index("uq_guard_alarms_open", "bridge_id", "rule", "action", unique=True, postgresql_where=sa.text("ended_at is null and rule <> 'sender'")),
        sa.Index("ix_guard_alarms_unmailed", "created_at", postgresql_where=sa.text("mailed_at is null")),
    )

    bridge_id: Mapped[UUID]
    rule: Mapped[str]
    action: Mapped[str]
    text: Mapped[str]
    figures: Mapped[dict[str, Any]]
    mailed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    note: Mapped[str | None]


class BridgeSender(TenantOwned, Base):
    """A From domain that a bridge has sent from."""

    __tablename__ = "bridge_senders"
    __table_args__ = (sa.ForeignKeyConstraint(["tenant_id", "bridge_id"], ["bridges.tenant_id", "bridges.id"], ondelete="CASCADE"),)

    bridge_id: Mapped[UUID] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(primary_key=True)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class GuardProgress(Base):
    """One row: until when the guard has looked at senders."""

    __tablename__ = "guard_progress"

    id: Mapped[int] = mapped_column(sa.SmallInteger(), primary_key=True, autoincrement=False)
    seen_until: Mapped[datetime]
