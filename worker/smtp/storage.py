"""The database connections of an SMTP process: one a thread, opened anew after the server went away, and what failures mean."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors as pg
from psycopg import sql

from webapp.kernel.db import connect_raw
from webapp.kernel.disk import FreeSpace
from worker.smtp import replies
from worker.smtp.replies import Reply


class ThreadConnections:
    """A psycopg connection for each thread that asks."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._opened: list[psycopg.Connection[Any]] = []

    def close(self) -> None:
        """Close all of them; to be called when no thread uses one any more."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()

    @contextlib.contextmanager
    def tenant(self, tenant_id: UUID) -> Iterator[psycopg.Connection[Any]]:
        """One transaction acting for a tenant. Raises psycopg.Error.

        A connection that broke while it lay idle is replaced before anything is done with it.
        """
        connection = self._begin(tenant_id)
        try:
            yield connection
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                connection.rollback()
            raise
        connection.execute("commit")

    def _begin(self, tenant_id: UUID) -> psycopg.Connection[Any]:
        # Two statements in one round trip, which takes no parameters; a UUID's text needs no quoting.
        begin = sql.SQL("begin; select set_config('app.tenant_id', {}, true)").format(sql.Literal(str(tenant_id)))
        for attempt in (1, 2):
            connection = self._connection()
            try:
                connection.execute(begin)
            except psycopg.OperationalError:
                connection.close()
                if attempt == 2:
                    raise
            else:
                return connection
        raise AssertionError("unreachable")

    def _connection(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] | None = getattr(self._local, "connection", None)
        if connection is None or connection.closed:
            connection = self._local.connection = connect_raw()
            connection.prepare_threshold = None  # accept keeps its own statements prepared on connections where the driver prepares none
            self._opened[:] = [other for other in self._opened if not other.closed] + [connection]
        return connection


def reply_to_failure(error: BaseException) -> Reply:
    """What a client is told when its message could not be stored: nothing was kept, it may try again."""
    return replies.NO_SPACE if isinstance(error, pg.DiskFull) else replies.UNAVAILABLE


class DiskGuard:
    """Refuses mail before the disk is full, at MAIL already: the message need not be sent to be refused."""

    def __init__(self, folder: Path, minimum: int) -> None:
        """minimum: octets that must stay free."""
        self._space = FreeSpace(folder, minimum)

    def refusal(self) -> Reply | None:
        """452 4.3.1 while space is short, else None."""
        return replies.NO_SPACE if self._space.is_short() else None
