"""lighter rows

A recipient is updated when it is delivered, opened and clicked: room in its page keeps its index entries where they are (HOT). The queue is
looked up by recipient; two of its indexes served cancelling only, which finds the recipients of the message first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_MAKE_PARTITION = """
create or replace function make_partition(parent text, first_day date, days int) returns boolean language plpgsql as $$
declare
  name text := parent || '_p' || to_char(first_day, 'YYYYMMDD');
  low text := lpad(to_hex((extract(epoch from first_day::timestamp at time zone 'UTC') * 1000)::bigint), 12, '0');
  high text := lpad(to_hex((extract(epoch from (first_day + days)::timestamp at time zone 'UTC') * 1000)::bigint), 12, '0');
begin
  if to_regclass(name) is not null then return false; end if;
  execute format('create table %I partition of %I for values from (%L) to (%L)', name, parent,
    substr(low, 1, 8) || '-' || substr(low, 9) || '-0000-0000-000000000000', substr(high, 1, 8) || '-' || substr(high, 9) || '-0000-0000-000000000000');
  <room>
  perform guard_tenants(name, false);
  return true;
end $$
"""
_ROOM = "if parent = 'recipients' then execute format('alter table %I set (fillfactor = 70)', name); end if;"
_PARTITIONS = "select inhrelid::regclass::text from pg_inherits where inhparent = 'recipients'::regclass"


def _partitions() -> list[str]:
    return [row[0] for row in op.get_bind().execute(sa.text(_PARTITIONS))]


def upgrade() -> None:
    op.execute(_MAKE_PARTITION.replace("<room>", _ROOM))
    for name in _partitions():
        op.execute(f"alter table {name} set (fillfactor = 70)")
    op.drop_index(op.f("ix_queue_entries_message_id"), table_name="queue_entries")
    op.drop_index(op.f("ix_queue_entries_bridge_id"), table_name="queue_entries")


def downgrade() -> None:
    op.create_index(op.f("ix_queue_entries_bridge_id"), "queue_entries", ["bridge_id"])
    op.create_index(op.f("ix_queue_entries_message_id"), "queue_entries", ["message_id"])
    for name in _partitions():
        op.execute(f"alter table {name} reset (fillfactor)")
    op.execute(_MAKE_PARTITION.replace("  <room>\n", ""))
