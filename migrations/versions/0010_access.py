"""limits of a tenant and requests for more"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("tenants", sa.Column("limits", postgresql.JSONB(), server_default="{}", nullable=False))
    _make_limit_requests()


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


def downgrade() -> None:
    op.drop_table("limit_requests")
    op.drop_column("tenants", "limits")
