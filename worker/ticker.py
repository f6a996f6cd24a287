"""The ticker: one process under an advisory lock that wakes what is due, every second. A second one stands by and takes over when the first dies.

It keeps nothing: after a crash, a flushed broker or a restart of the database the next look finds the same rows.
"""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import psycopg
import structlog

from webapp.kernel.db import connect_raw, unscoped_raw
from webapp.kernel.jobs import wake_slots
from webapp.settings import get_settings
from worker.runtime import start_process
from worker.schedule import Periodic, periodic_work

log = structlog.get_logger()
_LOCK = 7214002


class Ticker:
    """The loop. ``stop`` ends it after the present look."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._last: dict[str, float] = {}
        self.leading = False

    def stop(self, *_: object) -> None:
        """End the loop; a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Look, wake, pause, for ever. Survives a database that goes away."""
        while not self._stop.is_set():
            try:
                with connect_raw() as connection:
                    self._serve(connection)
            except psycopg.Error as error:
                log.warning("database_away", error=str(error).splitlines()[0])
                self._stop.wait(1)
            finally:
                self.leading = False

    def _serve(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stop.is_set():
            if not self.leading:
                row = connection.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
                self.leading = bool(row and row[0])
            if self.leading:
                self.tick(connection)
            self._stop.wait(get_settings().ticker_seconds)

    def tick(self, connection: psycopg.Connection[Any]) -> None:
        """One look at the list."""
        with unscoped_raw(connection, "the ticker looks for due work of all tenants"):
            due = [work for work in periodic_work() if self._is_due(work, connection)]
        for work in due:
            self._last[work.job] = time.monotonic()
            wake_slots(work.queue, work.job, range(work.slots))

    def _is_due(self, work: Periodic, connection: psycopg.Connection[Any]) -> bool:
        if time.monotonic() - self._last.get(work.job, float("-inf")) < work.every:
            return False
        return work.due is None or work.due(connection)


def main() -> None:
    """Entry of `python -m worker ticker`."""
    ticker = Ticker()
    start_process("ticker", lambda: {"leading": ticker.leading})
    signal.signal(signal.SIGTERM, ticker.stop)
    signal.signal(signal.SIGINT, ticker.stop)
    ticker.run()
