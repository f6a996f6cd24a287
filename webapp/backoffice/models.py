"""Requests to staff, consent and sessions of support, notes, and letters about what staff did."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.backoffice.types import RequestKind, RequestStatus
from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps


class StaffRequest(HasId, TenantOwned, Timestamps, Base):
    """A tenant asks for live sending, or against its suspension. One open request of a kind at a time."""

    __tablename__ = "staff_requests"
    __table_args__ = (
        sa.Index("uq_staff_requests_open", "tenant_id", "kind", unique=True, postgresql_where=sa.text("status = 'open'")),
        sa.Index("ix_staff_requests_queue", "id", postgresql_where=sa.text("status = 'open'")),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(default=RequestKind.PRODUCTION)
    status: Mapped[str] = mapped_column(default=RequestStatus.OPEN, server_default=RequestStatus.OPEN)
    #: What they send, in their words; of an appeal, its text.
    what: Mapped[str]
    #: Recipients a month they expect.
    volume: Mapped[int | None]
    sources: Mapped[str | None]
    website: Mapped[str | None]
    asked_by: Mapped[str]
    address: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    #: What staff answered; the tenant reads it.
    answer: Mapped[str | None]


class SupportGrant(HasId, TenantOwned, Timestamps, Base):
    """A tenant's consent to support sessions: standing (reading only, until withdrawn), or for one session within days, which may include changes."""

    __tablename__ = "support_grants"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "id"),
        sa.CheckConstraint("not (standing and allow_write)", name="standing_reads_only"),
        sa.CheckConstraint("standing or expires_at is not null", name="once_ends"),
        sa.Index("uq_support_grants_standing", "tenant_id", unique=True, postgresql_where=sa.text("standing and revoked_at is null")),
        sa.Index(None, "tenant_id", "id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    standing: Mapped[bool]
    allow_write: Mapped[bool]
    granted_by: Mapped[str]
    note: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    #: When a session took a grant for one session up; it cannot be taken again.
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]


class SupportSession(HasId, TenantOwned, Timestamps, Base):
    """A staff member works in a tenant's dashboard on behalf of one of its members, for thirty minutes at most.

    The browser holds a token of its own beside the staff member's session, of which this row is bound to one: neither is enough alone.
    """

    __tablename__ = "support_sessions"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "id"),
        sa.ForeignKeyConstraint(["tenant_id", "grant_id"], ["support_grants.tenant_id", "support_grants.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "write_grant_id"], ["support_grants.tenant_id", "support_grants.id"], name="fk_support_sessions_write_grant"),
        sa.CheckConstraint("expires_at <= started_at + interval '30 minutes'", name="thirty_minutes"),
        # One at a time.
        sa.Index("uq_support_sessions_staff", "staff_id", unique=True, postgresql_where=sa.text("ended_at is null")),
        sa.Index("ix_support_sessions_over", "expires_at", postgresql_where=sa.text("ended_at is null")),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    #: No foreign key: the log of what somebody did outlives their account.
    staff_id: Mapped[UUID]
    staff_name: Mapped[str]
    staff_email: Mapped[str]
    member_id: Mapped[UUID]
    member_name: Mapped[str]
    #: The staff member's own browser session, without which the token is worth nothing.
    login_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    grant_id: Mapped[UUID]
    reason: Mapped[str]
    ticket: Mapped[str]
    mode: Mapped[str] = mapped_column(default="live", server_default="live")
    address: Mapped[str | None]
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    #: Since when changes are allowed, and by which grant.
    write_since: Mapped[datetime | None]
    write_grant_id: Mapped[UUID | None]
    #: Since when addresses are shown in full, and what for.
    unmasked_at: Mapped[datetime | None]
    unmask_reason: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    end_cause: Mapped[str | None]


class SupportAction(HasId, TenantOwned, Base):
    """One request of a support session. Written before the request is served; afterwards only its outcome is filled in, once. Never changed or deleted."""

    __tablename__ = "support_actions"
    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "session_id"], ["support_sessions.tenant_id", "support_sessions.id"], ondelete="CASCADE"),
        sa.Index(None, "tenant_id", "session_id", "id"),
    )

    session_id: Mapped[UUID]
    staff_name: Mapped[str]
    member_name: Mapped[str]
    method: Mapped[str]
    #: Which view, and the address without its query, which may hold what was searched for.
    endpoint: Mapped[str]
    path: Mapped[str]
    object_id: Mapped[UUID | None]
    writes: Mapped[bool]
    #: Why it was refused; empty when it was let through.
    refused: Mapped[str | None]
    status: Mapped[int | None] = mapped_column(sa.SmallInteger())
    request_id: Mapped[str | None]
    address: Mapped[str | None]


class StaffNote(HasId, TenantOwned, Timestamps, Base):
    """What staff note about a tenant, for staff only."""

    __tablename__ = "staff_notes"
    __table_args__ = (sa.Index(None, "tenant_id", "id"),)

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    author: Mapped[str]
    text: Mapped[str]


class StaffMember(Timestamps, Base):
    """The role of a staff member. Staff without a row were made at the server's command line and count as owners."""

    __tablename__ = "staff_members"

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str]
    added_by: Mapped[str]


class TenantNotice(HasId, TenantOwned, Timestamps, Base):
    """A letter to a tenant's owners. ``mailed_at`` empty: the job that writes it has still to come by."""

    __tablename__ = "tenant_notices"
    __table_args__ = (sa.Index("ix_tenant_notices_unmailed", "created_at", postgresql_where=sa.text("mailed_at is null")),)

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    kind: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    mailed_at: Mapped[datetime | None]
