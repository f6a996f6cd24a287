"""Values in PostgreSQL's binary form, and the pipeline they travel in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webapp.kernel.db import connect_raw
from webapp.messages.service import checks
from webapp.messages.service.arrays import bytes_array, int_array, int_value, text_array, time_array, time_value, uuid_array
from webapp.messages.service.wire import BEGIN, COMMIT, ROLLBACK, Statement, Wire, wired
from webapp.settings import get_settings

ECHO = Statement(
    "test_echo",
    "select to_json(%(t)::text[]), to_json(%(u)::uuid[]), to_json(%(i)::int[]), to_json(%(z)::timestamptz[]), "
    "(select json_agg(encode(b, 'hex')) from unnest(%(b)::bytea[]) b), %(t)::text[] is null, %(n)::int, %(m)::timestamptz = (%(z)::timestamptz[])[1]",
)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[psycopg.Connection[Any]]:
    with connect_raw() as made:
        made.prepare_threshold = None
        yield made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.none() | TEXTS, min_size=1), uuids=st.lists(st.none() | st.uuids(), min_size=1), numbers=st.lists(st.integers(-(2**31), 2**31 - 1)),
    times=st.lists(MOMENTS, min_size=1), blobs=st.lists(st.none() | st.binary(), min_size=1),
)  # fmt: skip
def test_arrays_arrive_as_they_were(
    connection: psycopg.Connection[Any], texts: list[str | None], uuids: list[UUID | None], numbers: list[int], times: list[datetime], blobs: list[bytes | None]
) -> None:
    parameters = {
        "t": text_array(texts), "u": uuid_array(uuids), "i": int_array(numbers), "z": time_array(times), "b": bytes_array(blobs), "n": int_value(7),
        "m": time_value(times[0]),
    }  # fmt: skip
    with wired(connection) as wire:
        wire.send(ECHO, parameters)
        row = wire.sync()[0][0]
    t, u, i, z, b = (json.loads(text or "null") for text in row[:5])
    assert t == texts and i == numbers and row[5:] == ("f", "7", "t")
    assert u == [None if value is None else str(value) for value in uuids]
    assert [datetime.fromisoformat(text) for text in z] == times
    assert b == [None if value is None else value.hex() for value in blobs]


def test_more_than_a_socket_takes_in_one_trip(connection: psycopg.Connection[Any]) -> None:
    length = Statement("test_length", "select length(%(t)::text)")
    with wired(connection) as wire:
        for _ in range(5):
            wire.send(length, {"t": b"x" * 8_000_000})
        assert wire.sync() == [[("8000000",)]] * 5


def test_a_fault_fails_the_transaction_and_leaves_the_wire_usable(connection: psycopg.Connection[Any]) -> None:
    bad, good = Statement("test_bad", "select 1 / %(n)::int"), Statement("test_good", "select %(n)::int")
    connection.pgconn.enter_pipeline_mode()
    wire = Wire(connection.pgconn, set())
    for _ in range(3):
        wire.send(BEGIN)
        wire.send(bad, {"n": int_value(0)})
        wire.send(good, {"n": int_value(1)})
        wire.send(COMMIT)
        with pytest.raises(psycopg.errors.DivisionByZero):
            wire.sync()
        wire.reset()
        wire.send(good, {"n": int_value(5)})
        assert wire.sync() == [[("5",)]]
    wire.send(ROLLBACK)
    wire.sync()


def test_what_was_sent_and_never_asked_for_is_taken_in(connection: psycopg.Connection[Any]) -> None:
    one = Statement("test_one", "select 1")

    def fail_between() -> None:
        with wired(connection) as wire:
            wire.send(one)
            raise RuntimeError("between sending and asking")

    with pytest.raises(RuntimeError, match="between"):
        fail_between()
    assert connection.execute("select 2").fetchone() == (2,)


def test_a_lost_connection_is_an_error_not_a_wait(connection: psycopg.Connection[Any]) -> None:
    with connect_raw() as other:
        other.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
    wire = Wire(connection.pgconn, None)
    connection.pgconn.enter_pipeline_mode()
    with pytest.raises(psycopg.OperationalError):  # noqa: PT012
        wire.send(Statement("test_lost", "select 1"))
        wire.sync()


def test_mail_is_refused_before_the_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    from webapp.kernel.errors import Unavailable

    checks.check_disk_has_room()
    monkeypatch.setattr(checks, "_disk", (0.0, True))
    monkeypatch.setenv("POSTBRIDGE_DISK_MINIMUM_BYTES", str(2**62))
    get_settings.cache_clear()
    try:
        with pytest.raises(Unavailable, match="disk"):
            checks.check_disk_has_room()
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
        checks._disk = (0.0, True)


