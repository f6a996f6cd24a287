"""The guard of each bridge: what it chose, what it raised, which senders it knows; hard bounces as a figure; mail held for a paused bridge."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

_OWNED = ("bridge_guards", "guard_alarms", "bridge_senders")
_COUNTED = ("stats_deltas", "stats_hours")


def _moment(name: str, *, empty: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=empty)


def _times() -> tuple[sa.Column[object], sa.Column[object]]:
    now = sa.text("now()")
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
    )


def _of_bridge(table: str) -> tuple[object, ...]:
    return (
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("bridge_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id", "bridge_id"], ["bridges.tenant_id", "bridges.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"),
    )


def upgrade() -> None:
    for table in _COUNTED:
        op.add_column(table, sa.Column("hard_bounced", sa.Integer(), server_default="0", nullable=False))
    op.add_column("bridges", _moment("queue_held_at"))
    op.create_index("ix_queue_entries_held", "queue_entries", ["bridge_id"], postgresql_where=sa.text("held is not null"))
    _make_guards()
    _make_alarms()
    op.create_table(
        "bridge_senders",
        *_of_bridge("bridge_senders"),
        sa.Column("domain", sa.Text(), nullable=False),
        _moment("first_seen_at", empty=False),
        _moment("last_seen_at", empty=False),
        sa.PrimaryKeyConstraint("bridge_id", "domain", name=op.f("pk_bridge_senders")),
    )
    op.create_table(
        "guard_progress",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        _moment("seen_until", empty=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guard_progress")),
    )
    for table in _OWNED:
        op.execute(f"select guard_tenants('{table}', false)")


def _make_guards() -> None:
    op.create_table(
        "bridge_guards",
        *_of_bridge("bridge_guards"),
        *(sa.Column(name, sa.Float(), nullable=True) for name in ("bounce_warn", "bounce_pause", "complaint_warn", "complaint_pause", "spike_factor")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("spike_action", "sender_action", "exempt_note", "exempt_by")),
        *(_moment(name) for name in ("exempt_until", "counted_from", "checked_at")),
        *(sa.Column(name, postgresql.JSONB(), nullable=True) for name in ("baseline", "figures")),
        *_times(),
        sa.PrimaryKeyConstraint("bridge_id", name=op.f("pk_bridge_guards")),
    )


def _make_alarms() -> None:
    op.create_table(
        "guard_alarms",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        *_of_bridge("guard_alarms"),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("rule", "action", "text")),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        *(_moment(name) for name in ("mailed_at", "ended_at")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("ended_by", "note")),
        *_times(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guard_alarms")),
    )
    op.create_index("ix_guard_alarms_bridge", "guard_alarms", ["tenant_id", "bridge_id", "id"])
    open_ones, unmailed = sa.text("ended_at is null and rule <> 'sender'"), sa.text("mailed_at is null")
    op.create_index("uq_guard_alarms_open", "guard_alarms", ["bridge_id", "rule", "action"], unique=True, postgresql_where=open_ones)
    op.create_index("ix_guard_alarms_unmailed", "guard_alarms", ["created_at"], postgresql_where=unmailed)


def downgrade() -> None:
    for table in ("guard_progress", *reversed(_OWNED)):
        op.drop_table(table)
    op.drop_index("ix_queue_entries_held", table_name="queue_entries")
    op.drop_column("bridges", "queue_held_at")
    for table in _COUNTED:
        op.drop_column(table, "hard_bounced")
