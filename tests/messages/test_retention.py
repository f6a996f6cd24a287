"""Retention never drops the content of mail that still waits."""

from __future__ import annotations

from datetime import timedelta

from tests.messages.conftest import House
from webapp.kernel import clock
from webapp.kernel.db import connect_raw
from webapp.kernel.ids import uuid7
from worker.jobs.maintenance import drop_old_partitions


def partitions(house: House) -> set[str]:
    rows = house.rows("select inhrelid::regclass::text from pg_inherits where inhparent = 'message_contents'::regclass")
    return {row[0] for row in rows}


def test_scheduled_mail_keeps_its_partition(house: House) -> None:
    long_ago = (clock.now() - timedelta(days=40)).replace(hour=12)
    with connect_raw() as connection:
        for back in (40, 41):
            connection.execute("select make_partition('message_contents', %s::date, 1)", ((clock.now() - timedelta(days=back)).date(),))
        kept, gone = (f"message_contents_p{(clock.now() - timedelta(days=back)):%Y%m%d}" for back in (40, 41))
        assert {kept, gone} <= partitions(house)
        message = uuid7(int(long_ago.timestamp() * 1000))
        house.accept(send_at=clock.now() + timedelta(days=30))
        house.change("update queue_entries set message_id = :id where tenant_id = :tenant", id=message)
        drop_old_partitions(connection, "message_contents")
        assert kept in partitions(house) and gone not in partitions(house)
        house.change("delete from queue_entries where tenant_id = :tenant")
        drop_old_partitions(connection, "message_contents")
        assert kept not in partitions(house)
