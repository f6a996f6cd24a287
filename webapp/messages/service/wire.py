"""Prepared statements over libpq's pipeline mode, without the driver's adaptation layer.

Accept sends few statements with many, large, known parameters: building them as bytes once and handing them to libpq costs a third of the driver's
general road, and its pipeline waits for ever when a query is larger than the socket's buffer. The connection stays psycopg's: open one there, use
it here while nothing else does.
"""

from __future__ import annotations

import re
import select
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

Row = tuple[str | None, ...]

_PLACE = re.compile(r"%\((\w+)\)")
#: Milliseconds without any answer after which the server counts as gone.
_SILENCE = 30_000
_OK = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK, pq.ExecStatus.EMPTY_QUERY)
#: What the driver's connections have prepared by way of ``wired``.
_prepared: weakref.WeakKeyDictionary[psycopg.Connection[Any], set[bytes]] = weakref.WeakKeyDictionary()


class Statement:
    """SQL with places like ``%(id)::uuid[]``: the cast tells the server the type of the binary parameter."""

    __slots__ = ("name", "places", "sql")

    def __init__(self, name: str, sql: str) -> None:
        self.name = name.encode()
        self.places = list(dict.fromkeys(_PLACE.findall(sql)))
        numbers = {place: f"${number}" for number, place in enumerate(self.places, 1)}
        self.sql = _PLACE.sub(lambda match: numbers[match[1]], sql).encode()


COMMIT = Statement("", "commit")
ROLLBACK = Statement("", "rollback")
BEGIN = Statement("", "begin")


class Wire:
    """A connection in pipeline mode: ``send`` queues, ``sync`` is one round trip that brings the rows of all that was sent."""

    def __init__(self, pgconn: pq.abc.PGconn, known: set[bytes] | None = None) -> None:
        """``known``: names of the statements this connection has prepared; None: nothing is prepared."""
        self._pgconn = pgconn
        self._known = known
        self._sent: list[Statement | bytes] = []
        self._poll = select.poll()
        self._poll.register(pgconn.socket, select.POLLIN)

    def send(self, statement: Statement, parameters: Mapping[str, bytes | None] | None = None) -> int:
        """Queue a statement; the number is its place among the answers of the next ``sync``. Values are in PostgreSQL's binary form."""
        values = [parameters[place] for place in statement.places] if parameters else []
        formats = [pq.Format.BINARY] * len(values)
        if statement.name and self._known is not None:
            if statement.name not in self._known:
                self._known.add(statement.name)
                self._sent.append(statement.name)
                self._pgconn.send_prepare(statement.name, statement.sql)
            self._pgconn.send_query_prepared(statement.name, values, formats)
        else:
            self._pgconn.send_query_params(statement.sql, values, None, formats)
        self._sent.append(statement)
        return sum(type(entry) is Statement for entry in self._sent) - 1

    def sync(self) -> list[list[Row]]:
        """The rows (as text) of every statement sent since the last. Raises the first ``psycopg.Error`` among them; the transaction is then failed."""
        sent, self._sent = self._sent, []
        self._pgconn.pipeline_sync()
        self._flush()
        answers: list[list[Row]] = []
        fault: psycopg.Error | None = None
        for entry in sent:
            result = self._next()
            while self._next() is not None:
                pass
            if result is None or result.status not in _OK:
                fault = fault or _error_of(result)
                if type(entry) is bytes and self._known is not None:
                    self._known.discard(entry)
            elif type(entry) is Statement:
                answers.append(_rows_of(result))
        self._next()  # the answer to the sync itself
        if fault is not None:
            raise fault
        return answers

    def drain(self) -> None:
        """Take in what was sent and never asked for, as after an exception between the two."""
        if self._sent:
            with suppress(psycopg.Error):
                self.sync()

    def reset(self) -> None:
        """After a fault: take in what is still under way and end the transaction. Raises ``psycopg.Error`` when the connection is lost."""
        self.drain()
        self.send(ROLLBACK)
        self.sync()

    def _flush(self) -> None:
        if not self._pgconn.flush():
            return
        self._poll.modify(self._pgconn.socket, select.POLLIN | select.POLLOUT)
        try:
            while self._pgconn.flush():
                self._wait()
        finally:
            self._poll.modify(self._pgconn.socket, select.POLLIN)

    def _next(self) -> pq.abc.PGresult | None:
        while self._pgconn.is_busy():
            self._wait()
        return self._pgconn.get_result()

    def _wait(self) -> None:
        events = self._poll.poll(_SILENCE)
        if not events:
            raise psycopg.OperationalError("the server does not answer")
        if events[0][1] & ~select.POLLOUT:
            self._pgconn.consume_input()


def _rows_of(result: pq.abc.PGresult) -> list[Row]:
    columns = range(result.nfields)
    return [tuple(_text(result.get_value(row, column)) for column in columns) for row in range(result.ntuples)]


def _text(value: Any) -> str | None:
    return None if value is None else bytes(value).decode()


def _error_of(result: pq.abc.PGresult | None) -> psycopg.Error:
    if result is None:
        return psycopg.OperationalError("the connection was lost")
    return error_from_result(result)


@contextmanager
def wired(connection: psycopg.Connection[Any]) -> Iterator[Wire]:
    """The connection as a ``Wire`` for a while, inside whatever transaction it is in; afterwards the driver can use it again.

    Statements stay prepared where the driver prepares none itself (``prepare_threshold`` None): it drops all of them after a rollback.
    """
    known = _prepared.setdefault(connection, set()) if connection.prepare_threshold is None else None
    connection.pgconn.enter_pipeline_mode()
    wire = Wire(connection.pgconn, known)
    try:
        yield wire
    finally:
        if not connection.closed:
            wire.drain()
            connection.pgconn.exit_pipeline_mode()
