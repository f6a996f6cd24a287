"""limits of a tenant and requests for more; keys with two secrets, bound by their maker"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("tenants", sa.Column("limits", postgresql.JSONB(), server_default="{}", nullable=False))
    _make_limit_requests()
    _bind_keys()
    op.create_index(op.f("ix_activity_entries_tenant_id_actor_id"), "activity_entries", ["tenant_id", "actor_id"])


def _make_limit_requests() -> None:
    op.create_table(
        "limit_requests",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("limit_name", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("present", "wanted")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("reason", "asked_by")),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("granted", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("answer", "decided_by")),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False) for name in ("created_at", "updated_at")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_limit_requests_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limit_requests")),
    )
    op.create_index(op.f("ix_limit_requests_tenant_id_id"), "limit_requests", ["tenant_id", "id"])
    still_open = sa.text("status = 'open'")
    op.create_index("uq_limit_requests_open", "limit_requests", ["tenant_id", "limit_name"], unique=True, postgresql_where=still_open)
    op.create_index("ix_limit_requests_open", "limit_requests", ["id"], postgresql_where=still_open)
    op.execute("select guard_tenants('limit_requests', false)")


_TEXTS = ("last_used_from", "maker_kind", "member_role", "previous_last_four")
_TIMES = ("rolled_at", "previous_expires_at", "previous_used_at")


def _bind_keys() -> None:
    op.add_column("api_keys", sa.Column("ceiling", postgresql.ARRAY(sa.Text()), nullable=True))
    for name in _TEXTS:
        op.add_column("api_keys", sa.Column(name, sa.Text(), nullable=True))
    for name in ("maker_id", "member_id"):
        op.add_column("api_keys", sa.Column(name, sa.Uuid(), nullable=True))
    for name in _TIMES:
        op.add_column("api_keys", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_keys", sa.Column("previous_hash", sa.LargeBinary(), nullable=True))
    op.create_unique_constraint(op.f("uq_api_keys_previous_hash"), "api_keys", ["previous_hash"])
    op.create_index(op.f("ix_api_keys_tenant_id_maker_id"), "api_keys", ["tenant_id", "maker_id"])
    op.create_unique_constraint(op.f("uq_memberships_tenant_id_user_id_role"), "memberships", ["tenant_id", "user_id", "role"])
    op.create_foreign_key(
        op.f("fk_api_keys_tenant_id_member_id_member_role"), "api_keys", "memberships", ["tenant_id", "member_id", "member_role"],
        ["tenant_id", "user_id", "role"], onupdate="CASCADE", ondelete="SET NULL (member_id)",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index(op.f("ix_activity_entries_tenant_id_actor_id"), "activity_entries")
    op.drop_constraint(op.f("fk_api_keys_tenant_id_member_id_member_role"), "api_keys")
    op.drop_constraint(op.f("uq_memberships_tenant_id_user_id_role"), "memberships")
    for name in (*_TEXTS, *_TIMES, "ceiling", "maker_id", "member_id", "previous_hash"):
        op.drop_column("api_keys", name)
    op.drop_table("limit_requests")
    op.drop_column("tenants", "limits")
