"""Keeps mail back whose recipient was suppressed, or whose bridge, pool or tenant was stopped, after it was claimed: none leaves a second later.

Claiming asks the database; a delivery that leaves at once needs no second question. One that has waited is asked about anew, all of them together a
few times a second, on a connection of its own: the answer of the claim is believed for less than a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy.exc
import structlog

from webapp.kernel.db import connect_raw, unscoped_raw
from webapp.messages.service.claim import find_blocked_recipients
from worker.delivery.gate import Answer

log = structlog.get_logger()
#: How long an answer is believed at the moment of the dial, and how old it may grow before it is asked anew without being needed.
FRESH_SECONDS = 0.8
RENEW_SECONDS = 0.35
_AWAY = (sqlalchemy.exc.SQLAlchemyError, psycopg.Error, OSError)


class Gatekeeper:
    """Knows, for every recipient in flight, when it was last looked up, and whether it must not leave any more."""

    def __init__(self) -> None:
        self._asked: dict[UUID, float] = {}
        self._blocked: set[UUID] = set()
        self._thread = ThreadPoolExecutor(1, "gate")
        self._connection: psycopg.Connection[Any] | None = None
        self._needed = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    def admit(self, recipients: Iterable[UUID], at: float) -> None:
        """These were looked up and found free at ``at`` (``time.monotonic`` before the question was put)."""
        self._asked.update(dict.fromkeys(recipients, at))

    def call_back(self, recipients: Iterable[UUID]) -> None:
        """These must not leave any more, whatever the database says of them."""
        self._blocked.update(recipients)

    def forget(self, recipient_id: UUID) -> None:
        """It is settled. May be called from another thread."""
        self._asked.pop(recipient_id, None)
        self._blocked.discard(recipient_id)

    def ask(self, recipient_id: UUID) -> Answer:
        """The engine's gate."""
        if recipient_id in self._blocked:
            return Answer.BACK
        # Setting the default makes a recipient that nobody admitted be looked up like the rest, instead of waiting for ever.
        if time.monotonic() - self._asked.setdefault(recipient_id, 0.0) < FRESH_SECONDS:
            return Answer.GO
        self._needed.set()
        return Answer.WAIT

    def start(self, changed: Callable[[], None]) -> None:
        """Begin to watch, on the running loop. ``changed`` is called whenever there are new answers."""
        if self._watch is None or self._watch.done():
            self._watch = asyncio.ensure_future(self._renew_often(changed))

    def close(self) -> None:
        """Stop to watch, and let the connection go."""
        if self._watch is not None:
            self._watch.cancel()
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()

    async def _renew_often(self, changed: Callable[[], None]) -> None:
        while True:
            try:
                async with asyncio.timeout(RENEW_SECONDS):
                    await self._needed.wait()
            except TimeoutError:
                pass
            self._needed.clear()
            moment = time.monotonic()
            old = [recipient for recipient, asked in list(self._asked.items()) if moment - asked > RENEW_SECONDS / 2]
            if not old:
                continue
            try:
                found = await asyncio.get_running_loop().run_in_executor(self._thread, self._look, old)
            except _AWAY as error:
                # Nobody can be suppressed while the database is away, but nobody can say so either: what is not fresh waits.
                log.warning("gate_without_database", error=str(error).splitlines()[:1])
                await asyncio.sleep(0.5)
                continue
            self._blocked.update(recipient for recipient in found if recipient in self._asked)
            for recipient in old:
                if recipient in self._asked:
                    self._asked[recipient] = moment
            changed()

    def _look(self, recipients: list[UUID]) -> set[UUID]:
        if self._connection is None or self._connection.closed:
            self._connection = connect_raw()
        try:
            with unscoped_raw(self._connection, "the last look before the dial, for all tenants"):
                return set(find_blocked_recipients(self._connection, recipients))
        except psycopg.OperationalError:
            self._connection.close()
            raise
