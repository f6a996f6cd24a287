"""The core tables. Messages, contents, recipients, events and attempts are partitioned by their time-ordered id.

Between the partitioned tables stand no foreign keys: all rows of a message are written by one statement (``service/accept.py``), a key check per
row would cost a third of the accept path, and retention drops whole partitions. See docs/decisions/0001-no-keys-between-partitions.md.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps
from webapp.kernel.ids import uuid7

_BY_ID = {"postgresql_partition_by": "RANGE (id)"}
_ENDED_BADLY = "state = ANY (ARRAY['bounced'::text, 'failed'::text, 'suppressed'::text, 'cancelled'::text])"
_BAD_END = sa.text("bad_end IS NOT NULL")
_LEFT = sa.text("complained_at IS NOT NULL OR unsubscribed_at IS NOT NULL")


class Message(TenantOwned, Base):
    """One accepted submission. ``state`` is that of the whole: the least finished of its recipients as last written."""

    __tablename__ = "messages"
    __table_args__ = (
        sa.Index(None, "tenant_id", "mode", "id"),
        sa.Index(None, "tenant_id", "mode", "from_address", "id"),
        sa.Index(None, "tenant_id", "mode", "sender_domain", "id"),
        sa.Index("ix_messages_template", "tenant_id", "mode", "template_slug", "id", postgresql_where=sa.text("template_slug IS NOT NULL")),
        _BY_ID,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    mode: Mapped[str]
    bridge_id: Mapped[UUID | None]
    api_key_id: Mapped[UUID | None]
    pool_id: Mapped[UUID | None]
    stream: Mapped[str]
    #: The mailing list it belongs to (its List-Id): what an unsubscribe is from.
    list_key: Mapped[str | None]
    door: Mapped[str]
    message_id_header: Mapped[str]
    from_address: Mapped[str]
    sender_domain: Mapped[str | None] = mapped_column(sa.Computed("split_part(from_address, '@'::text, 2)", persisted=True))
    from_name: Mapped[str | None]
    subject: Mapped[str]
    recipient_count: Mapped[int]
    size: Mapped[int]
    tags: Mapped[list[str] | None] = mapped_column(pg.ARRAY(sa.Text()))
    #: ``metadata`` is taken by SQLAlchemy.
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata", pg.JSONB())
    template_slug: Mapped[str | None]
    send_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), onupdate=sa.func.now())


class MessageTag(TenantOwned, Base):
    """One tag of a message, in the order in which the log is read: a containment index would not be used under row-level security."""

    __tablename__ = "message_tags"
    __table_args__ = ({"postgresql_partition_by": "RANGE (message_id)"},)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(primary_key=True)


class MessageContent(TenantOwned, Base):
    """What a message says; dropped after the retention of bodies. ``id`` is the message's.

    ``addresses``: {"to": [[name, address]...], "cc": [...], "reply_to": [...]}. ``attachments``: [{"filename", "content_type", "size",
    "content_id", "data" (base64) or "blob"}].
    """

    __tablename__ = "message_contents"
    __table_args__ = (_BY_ID,)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    html: Mapped[str | None]
    text: Mapped[str | None]
    raw: Mapped[bytes | None]
    addresses: Mapped[dict[str, Any]]
    headers: Mapped[list[Any] | None] = mapped_column(pg.JSONB())
    attachments: Mapped[list[Any] | None] = mapped_column(pg.JSONB())


class Recipient(TenantOwned, Base):
    """One address of a message: the unit of delivery, with its own state."""

    __tablename__ = "recipients"
    __table_args__ = (
        sa.Index(None, "tenant_id", "mode", "id"),
        sa.Index(None, "tenant_id", "bridge_id", "id"),
        sa.Index(None, "message_id"),
        sa.Index(None, "tenant_id", "address", "id"),
        sa.Index("ix_recipients_bad_end", "tenant_id", "mode", "bad_end", "id", postgresql_where=_BAD_END),
        sa.Index("ix_recipients_bridge_bad_end", "tenant_id", "bridge_id", "bad_end", "id", postgresql_where=_BAD_END),
        sa.Index("ix_recipients_error_class", "tenant_id", "mode", "error_class", "id", postgresql_where=sa.text("error_class IS NOT NULL")),
        sa.Index("ix_recipients_left", "tenant_id", "mode", "id", postgresql_where=_LEFT),
        _BY_ID,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    message_id: Mapped[UUID]
    bridge_id: Mapped[UUID | None]
    mode: Mapped[str]
    kind: Mapped[str]
    address: Mapped[str]
    name: Mapped[str | None]
    state: Mapped[str]
    state_reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(sa.SmallInteger(), server_default="0", default=0)
    variables: Mapped[dict[str, Any] | None] = mapped_column(pg.JSONB())
    last_code: Mapped[int | None] = mapped_column(sa.SmallInteger())
    last_reply: Mapped[str | None]
    reply_class: Mapped[str | None]
    blame: Mapped[str | None]
    #: The mailbox provider that took it, or should have; known from the first attempt on.
    provider: Mapped[str | None]
    #: The state, and the class of the reply, of those that did not arrive; empty for all others, so that their updates stay within the page.
    bad_end: Mapped[str | None] = mapped_column(sa.Computed(f"CASE WHEN ({_ENDED_BADLY}) THEN state ELSE NULL::text END", persisted=True))
    error_class: Mapped[str | None] = mapped_column(sa.Computed(f"CASE WHEN ({_ENDED_BADLY}) THEN reply_class ELSE NULL::text END", persisted=True))
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    bounced_at: Mapped[datetime | None]
    first_opened_at: Mapped[datetime | None]
    first_clicked_at: Mapped[datetime | None]
    complained_at: Mapped[datetime | None]
    unsubscribed_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), onupdate=sa.func.now())


class Event(TenantOwned, Base):
    """A fact about a recipient, never changed. Its moment is ``at``; the id only orders and dedupes."""

    __tablename__ = "events"
    __table_args__ = (sa.Index(None, "message_id"), sa.Index(None, "tenant_id", "id"), _BY_ID)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    message_id: Mapped[UUID]
    recipient_id: Mapped[UUID]
    bridge_id: Mapped[UUID | None]
    type: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    data: Mapped[dict[str, Any] | None] = mapped_column(pg.JSONB())


class DeliveryAttempt(TenantOwned, Base):
    """One SMTP conversation about a recipient, with its transcript."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (sa.Index(None, "message_id"), _BY_ID)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    message_id: Mapped[UUID]
    recipient_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(sa.SmallInteger())
    member_id: Mapped[UUID | None]
    outcome: Mapped[str]
    code: Mapped[int | None] = mapped_column(sa.SmallInteger())
    enhanced: Mapped[str | None]
    reply: Mapped[str | None]
    reply_class: Mapped[str | None]
    blame: Mapped[str | None]
    stage: Mapped[str | None]
    remote_host: Mapped[str | None]
    remote_ip: Mapped[str | None]
    tls: Mapped[str | None]
    duplicate_possible: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    transcript: Mapped[str | None]


class QueueEntry(TenantOwned, Base):
    """A recipient in flight; the row goes when it is final, so the table stays small and hot. It is the lease too.

    ``attempt`` is raised at each claim (fencing token: an outcome with another number is dropped); ``fruitless`` counts claims in a row that
    ended without any result, and parks the row at ``max_claims``.
    """

    __tablename__ = "queue_entries"
    __table_args__ = (
        sa.Index("ix_queue_entries_due", "tenant_id", "priority", "due_at", postgresql_where=sa.text("lease_until is null and held is null")),
        sa.Index("ix_queue_entries_lease", "lease_until", postgresql_where=sa.text("lease_until is not null")),
        sa.Index("ix_queue_entries_held", "bridge_id", postgresql_where=sa.text("held is not null")),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    recipient_id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID]
    bridge_id: Mapped[UUID | None]
    pool_id: Mapped[UUID | None]
    domain: Mapped[str]
    #: 0 transactional, 1 bulk
    priority: Mapped[int] = mapped_column(sa.SmallInteger())
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    scheduled: Mapped[bool] = mapped_column(server_default=sa.false())
    held: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(sa.SmallInteger(), server_default="0")
    fruitless: Mapped[int] = mapped_column(sa.SmallInteger(), server_default="0")
    lease_until: Mapped[datetime | None]
    leased_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class IdempotencyKey(TenantOwned, Base):
    """A key a client used: one message per key, for a day. Written in the transaction of the message it names.

    No foreign key to the tenant: its check would lock the tenant's row in every accept, and rows live for a day only.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (sa.Index(None, "created_at"),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    message_id: Mapped[UUID]
    #: The answer given, to be given again.
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class SavedFilter(HasId, TenantOwned, Timestamps, Base):
    """A filter of the log that a member gave a name. ``query`` stands in the address after the question mark."""

    __tablename__ = "saved_filters"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "user_id", "name", name="uq_saved_filters_tenant_id_user_id_name"),)

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    query: Mapped[str]
