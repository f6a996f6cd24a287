"""approval, plans and support access"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

GUARDED = ("staff_notes", "staff_requests", "support_grants", "support_sessions", "support_actions", "tenant_notices")

#: What happened in a support session stays as it was written; only the outcome is filled in, once. A tenant that is deleted takes its log along.
APPEND_ONLY = """
create function refuse_change_of_support() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('app.tenant_id', true) = '*' then return old; end if;
  if tg_op = 'UPDATE' and old.status is null and (to_jsonb(old) - 'status' - 'refused') = (to_jsonb(new) - 'status' - 'refused') then return new; end if;
  raise exception 'the log of support sessions is append-only';
end $$;
create trigger append_only before update or delete on support_actions for each row execute function refuse_change_of_support()
"""


def upgrade() -> None:
    op.create_table(
        "plans",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("limits", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
        sa.UniqueConstraint("name", name=op.f("uq_plans_name")),
    )
    op.create_table(
        "staff_members",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_staff_members_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_staff_members")),
    )
    op.create_table(
        "staff_notes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_staff_notes_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_notes")),
    )
    op.create_index(op.f("ix_staff_notes_tenant_id_id"), "staff_notes", ["tenant_id", "id"], unique=False)
    op.create_table(
        "staff_requests",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("volume", sa.Integer(), nullable=True),
        sa.Column("sources", sa.Text(), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_staff_requests_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_requests")),
    )
    op.create_index("ix_staff_requests_queue", "staff_requests", ["id"], unique=False, postgresql_where=sa.text("status = 'open'"))
    op.create_index("uq_staff_requests_open", "staff_requests", ["tenant_id", "kind"], unique=True, postgresql_where=sa.text("status = 'open'"))
    op.create_table(
        "support_grants",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("allow_write", sa.Boolean(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("not (standing and allow_write)", name=op.f("ck_support_grants_standing_reads_only")),
        sa.CheckConstraint("standing or expires_at is not null", name=op.f("ck_support_grants_once_ends")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_support_grants_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_grants")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_support_grants_tenant_id_id")),
    )
    op.create_index(op.f("ix_support_grants_tenant_id_id"), "support_grants", ["tenant_id", "id"], unique=False)
    op.create_index("uq_support_grants_standing", "support_grants", ["tenant_id"], unique=True, postgresql_where=sa.text("standing and revoked_at is null"))
    op.create_table(
        "tenant_notices",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_tenant_notices_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_notices")),
    )
    op.create_index("ix_tenant_notices_unmailed", "tenant_notices", ["created_at"], unique=False, postgresql_where=sa.text("mailed_at is null"))
    op.create_table(
        "support_sessions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("staff_name", sa.Text(), nullable=False),
        sa.Column("staff_email", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("member_name", sa.Text(), nullable=False),
        sa.Column("login_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), server_default="live", nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("write_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("write_grant_id", sa.Uuid(), nullable=True),
        sa.Column("unmasked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unmask_reason", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_cause", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("expires_at <= started_at + interval '30 minutes'", name=op.f("ck_support_sessions_thirty_minutes")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "grant_id"], ["support_grants.tenant_id", "support_grants.id"], name=op.f("fk_support_sessions_tenant_id_grant_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id", "write_grant_id"], ["support_grants.tenant_id", "support_grants.id"], name="fk_support_sessions_write_grant"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_support_sessions_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_sessions")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_support_sessions_tenant_id_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_support_sessions_token_hash")),
    )
    op.create_index("ix_support_sessions_over", "support_sessions", ["expires_at"], unique=False, postgresql_where=sa.text("ended_at is null"))
    op.create_index("uq_support_sessions_staff", "support_sessions", ["staff_id"], unique=True, postgresql_where=sa.text("ended_at is null"))
    op.create_table(
        "support_actions",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("staff_name", sa.Text(), nullable=False),
        sa.Column("member_name", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("writes", sa.Boolean(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["support_sessions.tenant_id", "support_sessions.id"],
            name=op.f("fk_support_actions_tenant_id_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_actions")),
    )
    op.create_index(op.f("ix_support_actions_tenant_id_session_id_id"), "support_actions", ["tenant_id", "session_id", "id"], unique=False)
    op.add_column("tenants", sa.Column("monthly_limit", sa.Integer(), nullable=True))
    op.add_column("tenants", sa.Column("minute_limit", sa.Integer(), nullable=True))
    op.add_column("tenants", sa.Column("plan_id", sa.Uuid(), nullable=True))
    op.add_column("tenants", sa.Column("limit_grows", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("tenants", sa.Column("clean_days", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("tenants", sa.Column("grown_on", sa.Date(), nullable=True))
    op.add_column("tenants", sa.Column("suspended_for", sa.Text(), nullable=True))
    op.add_column("tenants", sa.Column("queue_held_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(op.f("fk_tenants_plan_id"), "tenants", "plans", ["plan_id"], ["id"])
    # ### end Alembic commands ###
    for table in GUARDED:
        op.execute(f"select guard_tenants('{table}', false)")
    op.execute(APPEND_ONLY)


def downgrade() -> None:

    op.drop_constraint(op.f("fk_tenants_plan_id"), "tenants", type_="foreignkey")
    op.drop_column("tenants", "queue_held_at")
    op.drop_column("tenants", "suspended_for")
    op.drop_column("tenants", "grown_on")
    op.drop_column("tenants", "clean_days")
    op.drop_column("tenants", "limit_grows")
    op.drop_column("tenants", "plan_id")
    op.drop_column("tenants", "minute_limit")
    op.drop_column("tenants", "monthly_limit")
    op.drop_index(op.f("ix_support_actions_tenant_id_session_id_id"), table_name="support_actions")
    op.drop_table("support_actions")
    op.drop_index("uq_support_sessions_staff", table_name="support_sessions", postgresql_where=sa.text("ended_at is null"))
    op.drop_index("ix_support_sessions_over", table_name="support_sessions", postgresql_where=sa.text("ended_at is null"))
    op.drop_table("support_sessions")
    op.drop_index("ix_tenant_notices_unmailed", table_name="tenant_notices", postgresql_where=sa.text("mailed_at is null"))
    op.drop_table("tenant_notices")
    op.drop_index("uq_support_grants_standing", table_name="support_grants", postgresql_where=sa.text("standing and revoked_at is null"))
    op.drop_index(op.f("ix_support_grants_tenant_id_id"), table_name="support_grants")
    op.drop_table("support_grants")
    op.drop_index("uq_staff_requests_open", table_name="staff_requests", postgresql_where=sa.text("status = 'open'"))
    op.drop_index("ix_staff_requests_queue", table_name="staff_requests", postgresql_where=sa.text("status = 'open'"))
    op.drop_table("staff_requests")
    op.drop_index(op.f("ix_staff_notes_tenant_id_id"), table_name="staff_notes")
    op.drop_table("staff_notes")
    op.drop_table("staff_members")
    op.drop_table("plans")
    # ### end Alembic commands ###
    op.execute("drop function refuse_change_of_support()")
