"""Suppressions by list and by platform, with their evidence; removals, alarms, imports; incidents that are undone; the list a message belongs to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

_GUARDED = ("soft_bounces", "suppression_removals", "suppression_alarms", "suppression_imports", "incidents")


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False)


def _times() -> tuple[sa.Column[object], sa.Column[object]]:
    now = sa.text("now()")
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
    )


def _of_tenant(table: str) -> tuple[object, ...]:
    return (
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"),
    )


def upgrade() -> None:
    op.add_column("messages", sa.Column("list_key", sa.Text(), nullable=True))
    _widen_suppressions()
    op.create_table(
        "soft_bounces",
        *_of_tenant("soft_bounces"),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reply_class", sa.Text(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "address", "reply_class", "recipient_id", name=op.f("pk_soft_bounces")),
    )
    op.create_index(op.f("ix_soft_bounces_at"), "soft_bounces", ["at"])
    op.create_table(
        "suppression_removals",
        _id(),
        *_of_tenant("suppression_removals"),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("address", "scope")),
        sa.Column("list_key", sa.Text(), server_default="", nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("reason", "source", "note", "via", "removed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression_removals")),
    )
    op.create_index(op.f("ix_suppression_removals_tenant_id_id"), "suppression_removals", ["tenant_id", "id"])
    op.create_index(op.f("ix_suppression_removals_tenant_id_address"), "suppression_removals", ["tenant_id", "address"])
    op.create_table(
        "suppression_alarms",
        _id(),
        *_of_tenant("suppression_alarms"),
        sa.Column("removals", sa.Integer(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        *_times(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression_alarms")),
    )
    op.create_index(op.f("ix_suppression_alarms_tenant_id_id"), "suppression_alarms", ["tenant_id", "id"])
    op.create_table(
        "suppression_imports",
        _id(),
        *_of_tenant("suppression_imports"),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("filename", "imported_by")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("rows", "added", "unchanged", "refused")),
        sa.Column("problems", postgresql.JSONB(), nullable=False),
        *_times(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression_imports")),
    )
    op.create_index(op.f("ix_suppression_imports_tenant_id_id"), "suppression_imports", ["tenant_id", "id"])
    op.create_table(
        "platform_suppressions",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        *_times(),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_platform_suppressions")),
    )
    _make_incidents()
    for table in _GUARDED:
        op.execute(f"select guard_tenants('{table}', false)")


def _widen_suppressions() -> None:
    op.add_column("suppressions", sa.Column("list_key", sa.Text(), server_default="", nullable=False))
    op.add_column("suppressions", sa.Column("message_id", sa.Uuid(), nullable=True))
    op.add_column("suppressions", sa.Column("detail", sa.Text(), nullable=True))
    op.add_column("suppressions", sa.Column("strikes", sa.SmallInteger(), server_default="1", nullable=False))
    op.drop_constraint("uq_suppressions_tenant_id_address_scope", "suppressions", type_="unique")
    columns = ["tenant_id", "address", "scope", "list_key"]
    op.create_unique_constraint(op.f("uq_suppressions_tenant_id_address_scope_list_key"), "suppressions", columns)
    op.create_index(op.f("ix_suppressions_tenant_id_id"), "suppressions", ["tenant_id", "id"])
    op.create_index("ix_suppressions_expires_at", "suppressions", ["expires_at"], postgresql_where=sa.text("expires_at is not null"))


def _make_incidents() -> None:
    op.create_table(
        "incidents",
        _id(),
        *_of_tenant("incidents"),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("note", "actor_kind", "actor_name", "status")),
        sa.Column("filters", postgresql.JSONB(), nullable=False),
        sa.Column("position", sa.Uuid(), nullable=True),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in ("recipients", "requeued", "lifted")),
        sa.Column("kept", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        *_times(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index(op.f("ix_incidents_tenant_id_id"), "incidents", ["tenant_id", "id"])
    op.create_index(op.f("ix_incidents_group_id"), "incidents", ["group_id"])
    op.create_index("ix_incidents_running", "incidents", ["id"], postgresql_where=sa.text("status = 'running'"))


def downgrade() -> None:
    op.execute("select set_config('app.tenant_id', '*', true)")  # row-level security is forced on the owner too
    for table in (*_GUARDED, "platform_suppressions"):
        op.drop_table(table)
    op.drop_index("ix_suppressions_expires_at", "suppressions", postgresql_where=sa.text("expires_at is not null"))
    op.drop_index(op.f("ix_suppressions_tenant_id_id"), "suppressions")
    op.drop_constraint("uq_suppressions_tenant_id_address_scope_list_key", "suppressions", type_="unique")
    op.execute("delete from suppressions where reason = 'soft_bounce' or scope = 'transactional'")
    # What the older scheme cannot hold is not lost but widened: a list's suppression becomes one of all bulk mail.
    op.execute("delete from suppressions s using suppressions t where s.scope = 'list' and t.tenant_id = s.tenant_id and t.address = s.address "
               "and (t.scope = 'bulk' or (t.scope = 'list' and t.id < s.id))")  # fmt: skip
    op.execute("update suppressions set scope = 'bulk' where scope = 'list'")
    op.create_unique_constraint(op.f("uq_suppressions_tenant_id_address_scope"), "suppressions", ["tenant_id", "address", "scope"])
    for column in ("strikes", "detail", "message_id", "list_key"):
        op.drop_column("suppressions", column)
    op.drop_column("messages", "list_key")
