"""Webhooks out: endpoints, what is on its way to them, what became of it. Webhooks in: hooks of sending accounts, and the reports that came."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps
from webapp.kernel.ids import uuid7


def _endpoint_key() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id", "endpoint_id"], ["webhook_endpoints.tenant_id", "webhook_endpoints.id"], ondelete="CASCADE")


class WebhookEndpoint(HasId, TenantOwned, Timestamps, Base):
    """A tenant's address for events. ``event_types`` and ``bridge_ids`` None: all. Secrets are sealed; during a rotation two are valid."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "id"),)

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    url: Mapped[str]
    description: Mapped[str | None]
    event_types: Mapped[list[str] | None]
    bridge_ids: Mapped[list[UUID] | None] = mapped_column(pg.ARRAY(sa.Uuid()))
    modes: Mapped[list[str]]
    secret: Mapped[bytes]
    previous_secret: Mapped[bytes | None]
    previous_until: Mapped[datetime | None]
    state: Mapped[str]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]


class WebhookHealth(TenantOwned, Base):
    """How an endpoint answers lately. Written when that changes, not with every delivery. ``failures`` and ``trips`` count in a row."""

    __tablename__ = "webhook_health"
    __table_args__ = (_endpoint_key(),)

    endpoint_id: Mapped[UUID] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(server_default="0", default=0)
    trips: Mapped[int] = mapped_column(sa.SmallInteger(), server_default="0", default=0)
    open_until: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    alarmed_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    last_failure_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class WebhookDelivery(TenantOwned, Base):
    """One event for one endpoint, with every attempt. The id is made of both (``ids.delivery_id``), so that there is never a second row."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        sa.Index(None, "tenant_id", "endpoint_id", "id"),
        sa.Index("ix_webhook_deliveries_failed", "tenant_id", "endpoint_id", "id", postgresql_where=sa.text("failed_at is not null")),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID]
    event_id: Mapped[UUID]
    event_type: Mapped[str]
    #: The octets that are sent and signed, the same in every attempt.
    body: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(sa.SmallInteger(), server_default="0", default=0)
    #: The last attempts, oldest first: see ``types.Attempt``.
    log: Mapped[list[Any]] = mapped_column(pg.JSONB(), server_default="[]", default=list)
    next_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class WebhookQueueEntry(TenantOwned, Base):
    """A delivery that is not finished; the row goes when it is, so the table stays small. It is the lease too.

    ``tries`` counts attempts with a result; ``claims`` is raised at each claim (fencing token: a result with another number is dropped).
    """

    __tablename__ = "webhook_queue"
    __table_args__ = (
        sa.Index("ix_webhook_queue_due", "endpoint_id", "due_at", postgresql_where=sa.text("lease_until is null")),
        sa.Index("ix_webhook_queue_lease", "lease_until", postgresql_where=sa.text("lease_until is not null")),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(sa.SmallInteger(), server_default="0")
    claims: Mapped[int] = mapped_column(sa.SmallInteger(), server_default="0")
    lease_until: Mapped[datetime | None]
    leased_by: Mapped[str | None]


class WebhookReplay(HasId, TenantOwned, Base):
    """A wish to send everything since a time again. A job works through it; ``position`` is the last event it looked at in table ``source``."""

    __tablename__ = "webhook_replays"
    __table_args__ = (
        _endpoint_key(),
        sa.Index("ix_webhook_replays_waiting", "id", postgresql_where=sa.text("finished_at is null")),
        sa.Index("ix_webhook_replays_endpoint", "tenant_id", "endpoint_id", "id"),
    )

    endpoint_id: Mapped[UUID]
    what: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime]
    position: Mapped[UUID | None]
    source: Mapped[str]
    queued: Mapped[int] = mapped_column(server_default="0", default=0)
    finished_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class WebhookNotice(HasId, TenantOwned, Base):
    """A letter to the owners about an endpoint, noted with what it tells of, mailed by a job."""

    __tablename__ = "webhook_notices"
    __table_args__ = (_endpoint_key(), sa.Index("ix_webhook_notices_unmailed", "created_at", postgresql_where=sa.text("mailed_at is null")))

    endpoint_id: Mapped[UUID]
    kind: Mapped[str]
    text: Mapped[str]
    mailed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class EventOutbox(TenantOwned, Base):
    """An event somebody listens to that was not fanned out yet, of the table ``source``. Written by a trigger of that table (migration 0011)."""

    __tablename__ = "event_outbox"

    event_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    source: Mapped[str]


class InboundHook(HasId, TenantOwned, Timestamps, Base):
    """A provider's way to report on mail of one sending account. ``secret`` is sealed; without one the door is closed."""

    __tablename__ = "inbound_hooks"

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    sending_account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("sending_accounts.id", ondelete="CASCADE"), unique=True)
    provider: Mapped[str]
    secret: Mapped[bytes | None]
    last_report_at: Mapped[datetime | None]
    last_refused_at: Mapped[datetime | None]

    @property
    def has_secret(self) -> bool:
        """Whether the door is open."""
        return self.secret is not None


class InboundReport(HasId, TenantOwned, Base):
    """One report of one source. The tenant is its recipient's. ``outcome``: what it changed, once ``applied_at`` is set."""

    __tablename__ = "inbound_reports"
    __table_args__ = (
        sa.UniqueConstraint("source", "key"),
        sa.Index("ix_inbound_reports_waiting", "id", postgresql_where=sa.text("applied_at is null")),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    source: Mapped[str]
    key: Mapped[str]
    recipient_id: Mapped[UUID]
    event: Mapped[str]
    status: Mapped[str | None]
    reason: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    applied_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
