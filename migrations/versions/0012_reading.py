"""log filters and report jobs

Figures get dimensions (domain, provider, tag) and a table of sums that every read of them uses; recipients and messages get the indexes that each
documented filter of the log needs. What stands on a column that changes with delivery would cost each delivery a new entry in every index of the row
(no HOT update), so the state is indexed only where it is an unusual end, by generated columns that are empty for mail that arrives. All of them are
B-trees over plain columns: under row-level security PostgreSQL uses an index only for conditions that cannot leak, which equality is and what GIN
indexes answer (containment, similarity) is not. Tags therefore have a table of their own, in the order of the messages.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0012"
down_revision = "0011"

_COUNTERS = (
    "accepted", "sent", "delivered", "deferred", "bounced", "failed", "suppressed", "sandboxed",
    "complained", "unsubscribed", "opened", "unique_opened", "clicked", "unique_clicked", "hard_bounced",
)  # fmt: skip
_NIL = "'00000000-0000-0000-0000-000000000000'::uuid"
_ENDED_BADLY = "state = ANY (ARRAY['bounced'::text, 'failed'::text, 'suppressed'::text, 'cancelled'::text])"
_PARTITION_DAYS = 7

# What was counted so far knows bridge, pool and member.
_SUM_UP = f"""
insert into stats_rollups (tenant_id, mode, dimension, width, bridge_id, key, at, {", ".join(_COUNTERS)})
select s.tenant_id, s.mode, d.dimension, w.width, {_NIL}, d.key, case w.width when 'hour' then s.hour else date_trunc('day', s.hour, 'UTC') end,
  {", ".join(f"sum(s.{name})" for name in _COUNTERS)}
from stats_hours s cross join lateral (values ('all', ''), ('bridge', s.bridge_id::text), ('pool', s.pool_id::text), ('member', s.member_id::text))
  d(dimension, key) cross join (values ('hour'), ('day')) w(width)
where d.key <> {_NIL}::text group by 1, 2, 3, 4, 6, 7
"""


def upgrade() -> None:
    op.add_column("tenants", sa.Column("time_zone", sa.Text(), nullable=True))
    _widen_figures()
    _index_log()
    _make_reports()


def _widen_figures() -> None:
    op.add_column("stats_deltas", sa.Column("domain", sa.Text(), nullable=True))
    op.add_column("stats_deltas", sa.Column("provider", sa.Text(), nullable=True))
    op.add_column("stats_deltas", sa.Column("tags", pg.ARRAY(sa.Text()), nullable=True))
    op.create_table(
        "stats_rollups",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("width", sa.Text(), nullable=False),
        sa.Column("bridge_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in _COUNTERS),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_stats_rollups_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "mode", "dimension", "width", "bridge_id", "key", "at", name=op.f("pk_stats_rollups")),
    )
    op.execute(_SUM_UP)
    op.execute("select guard_tenants('stats_rollups', false)")


def _index_log() -> None:
    op.add_column("recipients", sa.Column("provider", sa.Text(), nullable=True))
    ended = sa.Computed(f"CASE WHEN ({_ENDED_BADLY}) THEN state ELSE NULL::text END", persisted=True)
    failed = sa.Computed(f"CASE WHEN ({_ENDED_BADLY}) THEN reply_class ELSE NULL::text END", persisted=True)
    op.add_column("recipients", sa.Column("bad_end", sa.Text(), ended, nullable=True))
    op.add_column("recipients", sa.Column("error_class", sa.Text(), failed, nullable=True))
    op.drop_index(op.f("ix_recipients_tenant_id_id"), table_name="recipients")
    op.create_index(op.f("ix_recipients_tenant_id_mode_id"), "recipients", ["tenant_id", "mode", "id"])
    op.create_index(op.f("ix_recipients_tenant_id_bridge_id_id"), "recipients", ["tenant_id", "bridge_id", "id"])
    some = sa.text("bad_end IS NOT NULL")
    op.create_index("ix_recipients_bad_end", "recipients", ["tenant_id", "mode", "bad_end", "id"], postgresql_where=some)
    op.create_index("ix_recipients_bridge_bad_end", "recipients", ["tenant_id", "bridge_id", "bad_end", "id"], postgresql_where=some)
    op.create_index(
        "ix_recipients_error_class", "recipients", ["tenant_id", "mode", "error_class", "id"], postgresql_where=sa.text("error_class IS NOT NULL")
    )
    told = sa.text("complained_at IS NOT NULL OR unsubscribed_at IS NOT NULL")
    op.create_index("ix_recipients_left", "recipients", ["tenant_id", "mode", "id"], postgresql_where=told)
    sender = sa.Computed("split_part(from_address, '@'::text, 2)", persisted=True)
    op.add_column("messages", sa.Column("sender_domain", sa.Text(), sender, nullable=True))
    op.drop_index(op.f("ix_messages_tenant_id_id"), table_name="messages")
    op.create_index(op.f("ix_messages_tenant_id_mode_id"), "messages", ["tenant_id", "mode", "id"])
    op.create_index(op.f("ix_messages_tenant_id_mode_from_address_id"), "messages", ["tenant_id", "mode", "from_address", "id"])
    op.create_index(op.f("ix_messages_tenant_id_mode_sender_domain_id"), "messages", ["tenant_id", "mode", "sender_domain", "id"])
    with_template = sa.text("template_slug IS NOT NULL")
    op.create_index("ix_messages_template", "messages", ["tenant_id", "mode", "template_slug", "id"], postgresql_where=with_template)
    op.create_table(
        "message_tags",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "mode", "tag", "message_id", name=op.f("pk_message_tags")),
        postgresql_partition_by="RANGE (message_id)",
    )
    op.execute("select guard_tenants('message_tags', false)")
    op.execute("create table message_tags_pdefault partition of message_tags default")
    op.execute("select guard_tenants('message_tags_pdefault', false)")
    op.execute(
        f"select make_partition('message_tags', d::date, {_PARTITION_DAYS}) from generate_series(date_trunc('week', now() at time zone 'UTC'), "
        f"now() at time zone 'UTC' + interval '28 days', interval '{_PARTITION_DAYS} days') d"
    )
    op.execute(
        "insert into message_tags (tenant_id, mode, tag, message_id) select distinct m.tenant_id, m.mode, tag, m.id from messages m, unnest(m.tags) tag"
    )


def _make_reports() -> None:
    op.create_table(
        "saved_filters",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_saved_filters_tenant_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_saved_filters_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint("tenant_id", "user_id", "name", name=op.f("uq_saved_filters_tenant_id_user_id_name")),
    )
    op.create_table(
        "reports",
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("bridge_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("wish", pg.JSONB(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("rows_expected", sa.BigInteger(), nullable=True),
        sa.Column("rows_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claims", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_reports_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_reports_tenant_id_id")),
    )
    op.create_index("ix_reports_open", "reports", ["id"], postgresql_where=sa.text("status = ANY (ARRAY['waiting'::text, 'running'::text])"))
    op.create_table(
        "report_parts",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "report_id"], ["reports.tenant_id", "reports.id"], name=op.f("fk_report_parts_tenant_id_report_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("report_id", "number", name=op.f("pk_report_parts")),
    )
    for table in ("saved_filters", "reports", "report_parts"):
        op.execute(f"select guard_tenants('{table}', false)")


def downgrade() -> None:
    for table in ("report_parts", "reports", "saved_filters", "message_tags", "stats_rollups"):
        op.drop_table(table)
    for name in ("template", "tenant_id_mode_sender_domain_id", "tenant_id_mode_from_address_id", "tenant_id_mode_id"):
        op.drop_index(f"ix_messages_{name}", table_name="messages")
    op.drop_column("messages", "sender_domain")
    op.create_index(op.f("ix_messages_tenant_id_id"), "messages", ["tenant_id", "id"])
    for name in ("left", "error_class", "bridge_bad_end", "bad_end", "tenant_id_bridge_id_id", "tenant_id_mode_id"):
        op.drop_index(f"ix_recipients_{name}", table_name="recipients")
    op.create_index(op.f("ix_recipients_tenant_id_id"), "recipients", ["tenant_id", "id"])
    for column in ("error_class", "bad_end", "provider"):
        op.drop_column("recipients", column)
    for column in ("tags", "provider", "domain"):
        op.drop_column("stats_deltas", column)
    op.drop_column("tenants", "time_zone")
