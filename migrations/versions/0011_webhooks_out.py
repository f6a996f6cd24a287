"""webhook endpoints and deliveries"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0011"
down_revision = "0010"

#: Partitioned by their time-ordered id, with the days a partition holds (see worker/jobs/maintenance.py).
_PARTITIONED = {"webhook_deliveries": 7, "tenant_events": 7}
_OWNED = ("webhook_endpoints", "webhook_health", "webhook_queue", "webhook_replays", "webhook_notices", "event_outbox", "inbound_hooks")

#: Puts what an endpoint asked for beside the events, in the transaction that writes them. A tenant that listens to nothing pays one look at a small index.
_NOTE = """
create function note_events() returns trigger language plpgsql as $$
begin
  insert into event_outbox (event_id, tenant_id, source)
  select f.id, f.tenant_id, tg_table_name from fresh f
  where exists (
    select from webhook_endpoints e
    where e.tenant_id = f.tenant_id and e.state = 'enabled' and (e.event_types is null or f.type = any(e.event_types)
      or (f.type = 'email.delivered' and 'email.sent' = any(e.event_types))))
  on conflict do nothing;
  return null;
end $$
"""
_TRIGGER = "create trigger note_events after insert on {table} referencing new table as fresh for each statement execute function note_events()"


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False)


def _moment(name: str, *, empty: bool = True, now: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=empty, server_default=sa.text("now()") if now else None)


def _tenant(table: str) -> tuple[sa.Column[object], sa.ForeignKeyConstraint]:
    return (
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"),
    )


def _endpoint(table: str) -> tuple[sa.Column[object], sa.Column[object], sa.ForeignKeyConstraint]:
    return (
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "endpoint_id"], ["webhook_endpoints.tenant_id", "webhook_endpoints.id"],
            name=op.f(f"fk_{table}_tenant_id_endpoint_id"), ondelete="CASCADE",
        ),
    )  # fmt: skip


def upgrade() -> None:
    _make_endpoints()
    _make_deliveries()
    _make_events()
    _make_inbound()
    for table in _OWNED:
        op.execute(f"select guard_tenants('{table}', false)")
    for table, days in _PARTITIONED.items():
        op.execute(f"select guard_tenants('{table}', false)")
        op.execute(f"create table {table}_pdefault partition of {table} default")
        op.execute(f"select guard_tenants('{table}_pdefault', false)")
        op.execute(
            f"select make_partition('{table}', d::date, {days}) from generate_series("
            f"date_trunc('week', now() at time zone 'UTC'), now() at time zone 'UTC' + interval '28 days', interval '{days} days') d"
        )
    op.execute(_NOTE)
    for table in ("events", "tenant_events"):
        op.execute(_TRIGGER.format(table=table))


def _make_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        _id(),
        *_tenant("webhook_endpoints"),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("event_types", pg.ARRAY(sa.Text()), nullable=True),
        sa.Column("bridge_ids", pg.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("modes", pg.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret", sa.LargeBinary(), nullable=True),
        _moment("previous_until"),
        sa.Column("state", sa.Text(), nullable=False),
        _moment("disabled_at"),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        _moment("created_at", empty=False, now=True),
        _moment("updated_at", empty=False, now=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_webhook_endpoints_tenant_id_id")),
    )
    op.create_table(
        "webhook_health",
        *_endpoint("webhook_health"),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("trips", sa.SmallInteger(), server_default="0", nullable=False),
        *(_moment(name) for name in ("open_until", "failing_since", "alarmed_at", "last_success_at", "last_failure_at")),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("pk_webhook_health")),
    )
    op.create_table(
        "webhook_replays",
        _id(),
        *_endpoint("webhook_replays"),
        sa.Column("what", sa.Text(), nullable=False),
        *(_moment(name, empty=False) for name in ("since", "until")),
        sa.Column("position", sa.Uuid(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("queued", sa.Integer(), server_default="0", nullable=False),
        _moment("finished_at"),
        _moment("created_at", empty=False, now=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_replays")),
    )
    op.create_index("ix_webhook_replays_waiting", "webhook_replays", ["id"], postgresql_where=sa.text("finished_at is null"))
    op.create_index("ix_webhook_replays_endpoint", "webhook_replays", ["tenant_id", "endpoint_id", "id"])
    op.create_table(
        "webhook_notices",
        _id(),
        *_endpoint("webhook_notices"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        _moment("mailed_at"),
        _moment("created_at", empty=False, now=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_notices")),
    )
    op.create_index("ix_webhook_notices_unmailed", "webhook_notices", ["created_at"], postgresql_where=sa.text("mailed_at is null"))


def _make_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("tenant_id", "endpoint_id", "event_id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("event_type", "body", "state")),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("log", pg.JSONB(), server_default="[]", nullable=False),
        *(_moment(name) for name in ("next_at", "finished_at", "failed_at")),
        _moment("created_at", empty=False, now=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(op.f("ix_webhook_deliveries_tenant_id_endpoint_id_id"), "webhook_deliveries", ["tenant_id", "endpoint_id", "id"])
    failed = sa.text("failed_at is not null")
    op.create_index("ix_webhook_deliveries_failed", "webhook_deliveries", ["tenant_id", "endpoint_id", "id"], postgresql_where=failed)
    op.create_table(
        "webhook_queue",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        *_endpoint("webhook_queue")[:2],
        _moment("due_at", empty=False),
        _moment("expires_at", empty=False),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("claims", sa.SmallInteger(), server_default="0", nullable=False),
        _moment("lease_until"),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_webhook_queue")),
        postgresql_with={"fillfactor": "80"},
    )
    free, leased = sa.text("lease_until is null"), sa.text("lease_until is not null")
    op.create_index("ix_webhook_queue_due", "webhook_queue", ["endpoint_id", "due_at"], postgresql_where=free)
    op.create_index("ix_webhook_queue_lease", "webhook_queue", ["lease_until"], postgresql_where=leased)


def _make_events() -> None:
    op.create_table(
        "tenant_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("bridge_id", sa.Uuid(), nullable=True),
        sa.Column("data", pg.JSONB(), nullable=False),
        _moment("at", empty=False, now=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_events")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(op.f("ix_tenant_events_tenant_id_id"), "tenant_events", ["tenant_id", "id"])
    op.create_table(
        "event_outbox",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_event_outbox")),
    )


def _make_inbound() -> None:
    op.create_table(
        "inbound_hooks",
        _id(),
        *_tenant("inbound_hooks"),
        sa.Column("sending_account_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        *(_moment(name) for name in ("last_report_at", "last_refused_at")),
        _moment("created_at", empty=False, now=True),
        _moment("updated_at", empty=False, now=True),
        sa.ForeignKeyConstraint(
            ["sending_account_id"], ["sending_accounts.id"], name=op.f("fk_inbound_hooks_sending_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_hooks")),
        sa.UniqueConstraint("sending_account_id", name=op.f("uq_inbound_hooks_sending_account_id")),
    )


def downgrade() -> None:
    for table in ("tenant_events", "events"):
        op.execute(f"drop trigger note_events on {table}")
    op.execute("drop function note_events()")
    for table in ("inbound_hooks", "event_outbox", "tenant_events", "webhook_queue", "webhook_deliveries", "webhook_notices", "webhook_replays", "webhook_health"):
        op.drop_table(table)
    op.drop_table("webhook_endpoints")
