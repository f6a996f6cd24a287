"""Routing: how accounts log in, their quotas and usage; pools that are deleted but named by old mail; the last check of an IP address; MTA-STS
policies and results of TLS, which belong to no tenant."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("sending_accounts", sa.Column("auth", sa.Text(), server_default="auto", nullable=False))
    for name in ("hourly_quota", "daily_quota"):
        op.add_column("sending_accounts", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("sending_accounts", sa.Column("return_path", sa.Text(), nullable=True))
    op.add_column("pools", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("ip_addresses", sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("ip_addresses", sa.Column("problems", postgresql.JSONB(), server_default="[]", nullable=False))
    _make_usage()
    op.create_table(
        "mta_sts_policies",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("domain", "policy_id", "mode")),
        sa.Column("mx", postgresql.ARRAY(sa.Text()), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("fetched_at", "expires_at")),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_mta_sts_policies")),
    )
    op.create_index(op.f("ix_mta_sts_policies_expires_at"), "mta_sts_policies", ["expires_at"])
    key = ("day", "domain", "policy_type", "result", "mx", "source_ip", "remote_ip")
    op.create_table(
        "tls_results",
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in key[1:]),
        sa.Column("sessions", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), server_default="", nullable=False) for name in ("reason", "policy")),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_tls_results")),
    )


def _make_usage() -> None:
    """A row a writer, so that delivery processes never wait for each other over a counter."""
    op.create_table(
        "sending_account_usage",
        sa.Column("sending_account_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("writer", sa.SmallInteger(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sending_account_id"], ["sending_accounts.id"], name=op.f("fk_sending_account_usage_sending_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_sending_account_usage_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sending_account_id", "hour", "tenant_id", "writer", name=op.f("pk_sending_account_usage")),
    )
    op.create_index(op.f("ix_sending_account_usage_tenant_id_hour"), "sending_account_usage", ["tenant_id", "hour"])
    op.execute("select guard_tenants('sending_account_usage', false)")


def downgrade() -> None:
    op.execute("select set_config('app.tenant_id', '*', true)")  # row-level security is forced on the owner too
    for table in ("tls_results", "mta_sts_policies", "sending_account_usage"):
        op.drop_table(table)
    for name in ("problems", "checked_at"):
        op.drop_column("ip_addresses", name)
    # A deleted pool stays when an old bridge names it, with another name: the older scheme knows no deleted ones.
    op.execute("update pools set name = left(name, 70) || ' (deleted)', paused = true where deleted_at is not null")
    op.drop_column("pools", "deleted_at")
    for name in ("return_path", "daily_quota", "hourly_quota", "auth"):
        op.drop_column("sending_accounts", name)
