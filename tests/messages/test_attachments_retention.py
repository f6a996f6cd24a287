"""Large attachments go with the content of their message; rows first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.messages.conftest import House
from webapp.kernel import blobs, clock
from webapp.kernel.blobs import Folder
from webapp.kernel.db import connect_raw
from webapp.kernel.errors import DomainError, NotFound, Unavailable
from webapp.kernel.ids import uuid7
from webapp.messages.queries import attachment_bytes
from webapp.messages.types import AttachmentInput
from worker.jobs.attachments import remove_old_files
from worker.jobs.maintenance import drop_old_partitions, keep_house

BIG = AttachmentInput("big.bin", "application/octet-stream", bytes(300 * 1024))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    made = Folder(tmp_path / "blobs")
    monkeypatch.setattr(blobs, "store", lambda: made)
    return made


@pytest.fixture
def connection(house: House) -> Iterator[psycopg.Connection[Any]]:
    with connect_raw() as made:
        yield made


Age = Callable[[int], str]


@pytest.fixture
def age(house: House, folder: Folder, connection: psycopg.Connection[Any]) -> Age:
    """Accepts a message with a large attachment and makes both look that many days old; gives the day."""

    def make(days: int) -> str:
        accepted = house.accept(attachments=(BIG,))
        ((entries,),) = house.rows("select attachments from message_contents where id = :id", id=accepted.id)
        then = (clock.now() - timedelta(days=days)).astimezone(UTC).replace(hour=12)
        day = f"{then:%Y%m%d}"
        name = entries[0]["blob"]
        aged = f"{day}/{name.partition('/')[2]}"
        folder.put(aged, folder.get(name))
        folder.remove([name])
        connection.execute("select make_partition('message_contents', %s::date, 1)", (then.date(),))
        house.change(
            "update message_contents set id = :new, attachments = replace(attachments::text, :name, :aged)::jsonb where id = :id",
            new=uuid7(int(then.timestamp() * 1000)), id=accepted.id, name=name, aged=aged,
        )  # fmt: skip
        return day

    return make


def test_files_go_when_their_rows_have_gone(house: House, folder: Folder, connection: psycopg.Connection[Any], age: Age) -> None:
    old, young = age(12), age(3)
    remove_old_files(connection, folder)
    assert {old, young} <= set(folder.days()), "rows are still there: files stay, whatever their age"
    drop_old_partitions(connection, "message_contents")
    remove_old_files(connection, folder)
    assert folder.days() == [young]


def test_orphans_go_and_their_neighbours_stay(house: House, folder: Folder, connection: psycopg.Connection[Any], age: Age) -> None:
    day = age(3)
    (kept,) = folder.names(day)
    folder.put(f"{day}/{'0' * 64}", b"of a message that was refused")
    folder.put(f"{day}/.half.1234", b"of a process that was killed")
    remove_old_files(connection, folder)
    assert set(folder.names(day)) == {kept, f"{day}/swept"}
    today = blobs.put(b"its row is not committed yet", "tenant")
    remove_old_files(connection, folder)
    assert folder.get(today)


def test_a_row_of_the_next_day_keeps_its_file(house: House, folder: Folder, connection: psycopg.Connection[Any], age: Age) -> None:
    """The file was written before midnight, the row after."""
    before, day = age(4), age(3)
    (name,) = folder.names(day)
    moved = f"{before}/{'a' * 64}"
    folder.put(moved, folder.get(name))
    house.change("update message_contents set attachments = replace(attachments::text, :name, :moved)::jsonb", name=name, moved=moved)
    remove_old_files(connection, folder)
    assert folder.get(moved) and len(set(folder.names(before))) == 3
    assert set(folder.names(day)) == {f"{day}/swept"}, "nobody names it any more"


def test_house_keeping_looks_at_the_store(house: House, folder: Folder) -> None:
    folder.put("20200101/x", b"old")
    keep_house(0)
    assert folder.days() == []


def test_a_store_that_is_away_stops_nothing(connection: psycopg.Connection[Any], folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> list[str]:
        raise OSError("no answer")

    monkeypatch.setattr(folder, "days", away)
    remove_old_files(connection, folder)


def test_readers_tell_gone_from_away(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def read() -> type[DomainError]:
        with pytest.raises(DomainError) as caught:
            attachment_bytes({"blob": "20200101/x"})
        return caught.type

    assert read() is NotFound

    def away(_: str) -> bytes:
        raise OSError("no answer")

    monkeypatch.setattr(folder, "get", away)
    assert read() is Unavailable
