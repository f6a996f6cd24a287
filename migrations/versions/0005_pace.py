"""The pace of sending: throttles, budgets of providers, warm-up plans and their days, holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

_TABLES = ("warmup_days", "warmup_plans", "throttles", "provider_budgets", "sending_holds")


def _texts(*names: str, nullable: bool = False) -> tuple[sa.Column[object], ...]:
    return tuple(sa.Column(name, sa.Text(), nullable=nullable) for name in names)


def _numbers(*names: str, default: str | None = None, nullable: bool = False) -> tuple[sa.Column[object], ...]:
    return tuple(sa.Column(name, sa.Integer(), server_default=default, nullable=nullable) for name in names)


def _moment(name: str, *, now: bool = False, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()") if now else None, nullable=nullable)


def _table(name: str, *columns: object) -> None:
    """A table with id, times, and rows of a tenant or of the platform."""
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        *columns,
        _moment("created_at", now=True),
        _moment("updated_at", now=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f(f"fk_{name}_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def upgrade() -> None:
    _make_throttles()
    _table(
        "provider_budgets",
        sa.Column("source_id", sa.Uuid(), nullable=True),
        *_texts("provider"),
        *_numbers("connections", "messages_per_connection", "total_connections", nullable=True),
        sa.Column("rate", sa.Double(), nullable=True),
        sa.Column("total_rate", sa.Double(), nullable=True),
    )
    name = op.f("uq_provider_budgets_tenant_id_source_id_provider")
    op.create_unique_constraint(name, "provider_budgets", ["tenant_id", "source_id", "provider"], postgresql_nulls_not_distinct=True)
    _make_warmup()
    _table(
        "sending_holds",
        *_texts("kind", "subject"),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        *_texts("provider", nullable=True),
        *_texts("label", "reason", "made_by"),
        sa.Column("by_staff", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _moment("released_at", nullable=True),
        *_texts("released_by", nullable=True),
    )
    op.create_index(op.f("ix_sending_holds_tenant_id_id"), "sending_holds", ["tenant_id", "id"])
    columns = ["tenant_id", "kind", "subject", "subject_id", "provider"]
    in_force = sa.text("released_at is null")
    op.create_index("uq_sending_holds_in_force", "sending_holds", columns, unique=True, postgresql_where=in_force, postgresql_nulls_not_distinct=True)
    for table in _TABLES:
        op.execute(f"select guard_tenants('{table}', true)")


def _make_throttles() -> None:
    _table(
        "throttles",
        sa.Column("source_id", sa.Uuid(), nullable=True),
        *_texts("source_label", "provider", "action", "rule", "reason", "made_by"),
        sa.Column("rate", sa.Double(), nullable=True),
        *_texts("reply", nullable=True),
        *_numbers("strikes", default="1"),
        *_numbers("level", "good", default="0"),
        _moment("until"),
        _moment("changed_at", now=True),
        _moment("ended_at", nullable=True),
        *_texts("ended_why", nullable=True),
    )
    op.create_index(op.f("ix_throttles_tenant_id_id"), "throttles", ["tenant_id", "id"])
    in_force = sa.text("ended_at is null")
    op.create_index(
        "uq_throttles_in_force", "throttles", ["source_id", "provider"], unique=True, postgresql_where=in_force, postgresql_nulls_not_distinct=True
    )


def _make_warmup() -> None:
    _table(
        "warmup_plans",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        *_texts("source_label", "provider"),
        sa.Column("steps", postgresql.ARRAY(sa.Integer()), nullable=False),
        *_numbers("day", default="1"),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("finished_on", sa.Date(), nullable=True),
    )
    op.create_unique_constraint(op.f("uq_warmup_plans_source_id_provider"), "warmup_plans", ["source_id", "provider"])
    op.create_index(op.f("ix_warmup_plans_tenant_id_id"), "warmup_plans", ["tenant_id", "id"])
    op.create_table(
        "warmup_days",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        *_numbers("day", "allowance"),
        *_numbers("reserved", "sent", "bounced", "blocked", default="0"),
        *_texts("verdict", nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["warmup_plans.id"], name=op.f("fk_warmup_days_plan_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("plan_id", "on_date", name=op.f("pk_warmup_days")),
    )


def downgrade() -> None:
    op.execute("select set_config('app.tenant_id', '*', true)")  # row-level security is forced on the owner too
    for table in _TABLES:
        op.drop_table(table)
