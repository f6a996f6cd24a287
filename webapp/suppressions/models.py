"""Suppressed addresses, what led there, and who took addresses off again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps


def _tenant() -> Mapped[UUID]:
    return mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))


class Suppression(HasId, TenantOwned, Timestamps, Base):
    """An address (canonical form) that a tenant must not write to, in one scope, with the reason and where it came from.

    ``list_key``: the List-Id of scope ``list``, else empty. ``detail``: what the receiver or the person said; it stays when the event is past its
    retention. ``strikes``: hard bounces so far; the second one, after the first has expired, has no end. A row whose time is up stays for that.
    """

    __tablename__ = "suppressions"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "address", "scope", "list_key"),
        sa.Index(None, "tenant_id", "id"),
        sa.Index("ix_suppressions_expires_at", "expires_at", postgresql_where=sa.text("expires_at is not null")),
    )

    tenant_id: Mapped[UUID] = _tenant()
    address: Mapped[str]
    scope: Mapped[str]
    list_key: Mapped[str] = mapped_column(server_default="", default="")
    reason: Mapped[str]
    source: Mapped[str]
    recipient_id: Mapped[UUID | None]
    message_id: Mapped[UUID | None]
    detail: Mapped[str | None]
    strikes: Mapped[int] = mapped_column(sa.SmallInteger(), server_default="1", default=1)
    expires_at: Mapped[datetime | None]


class SoftBounce(TenantOwned, Base):
    """One recipient whose mailbox was full or switched off: counted towards a suppression, once a recipient however often it was tried."""

    __tablename__ = "soft_bounces"
    __table_args__ = (sa.Index(None, "at"),)

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    reply_class: Mapped[str] = mapped_column(primary_key=True)
    recipient_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class SuppressionRemoval(HasId, TenantOwned, Base):
    """A suppression that was taken off, with what it was: the id tells when. ``via``: ``person``, ``api``, ``incident``
    or, by the operator, ``platform``."""

    __tablename__ = "suppression_removals"
    __table_args__ = (sa.Index(None, "tenant_id", "id"), sa.Index(None, "tenant_id", "address"))

    tenant_id: Mapped[UUID] = _tenant()
    address: Mapped[str]
    scope: Mapped[str]
    list_key: Mapped[str] = mapped_column(server_default="", default="")
    reason: Mapped[str]
    source: Mapped[str]
    note: Mapped[str]
    via: Mapped[str]
    removed_by: Mapped[str]


class SuppressionAlarm(HasId, TenantOwned, Timestamps, Base):
    """A tenant took off so many addresses in an hour that staff should look. ``removals``: the most in one hour so far."""

    __tablename__ = "suppression_alarms"
    __table_args__ = (sa.Index(None, "tenant_id", "id"),)

    tenant_id: Mapped[UUID] = _tenant()
    removals: Mapped[int]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]


class SuppressionImport(HasId, TenantOwned, Timestamps, Base):
    """What one file brought. ``problems``: [[line, text, what is wrong]...], the first thousand."""

    __tablename__ = "suppression_imports"
    __table_args__ = (sa.Index(None, "tenant_id", "id"),)

    tenant_id: Mapped[UUID] = _tenant()
    filename: Mapped[str]
    imported_by: Mapped[str]
    rows: Mapped[int]
    added: Mapped[int]
    unchanged: Mapped[int]
    refused: Mapped[int]
    problems: Mapped[list[Any]] = mapped_column(pg.JSONB())


class PlatformSuppression(Timestamps, Base):
    """An address that nobody on this platform may write to: complaints to the operator, spam traps. No tenant can read it."""

    __tablename__ = "platform_suppressions"

    address: Mapped[str] = mapped_column(primary_key=True)
    note: Mapped[str]
    added_by: Mapped[str]
    expires_at: Mapped[datetime | None]
