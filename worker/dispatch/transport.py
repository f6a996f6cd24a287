"""MTA-STS policies and results of TLS on their way between the engine's loop and the database: read in batches, written every few seconds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg
import sqlalchemy.exc
import structlog

from webapp.kernel.clock import now
from webapp.kernel.db import connect_raw, unscoped_raw
from webapp.transport.service import add_sessions, keep_policy, load_policies
from webapp.transport.types import PolicyRecord, TlsSessions
from worker.delivery.mta_sts import StoredPolicy, StsMode, StsPolicy
from worker.delivery.tls_report import Tally, TlsFact

log = structlog.get_logger()
T = TypeVar("T")

_GATHER_SECONDS = 0.005
_WRITE_SECONDS = 3.0
_AWAY = (sqlalchemy.exc.SQLAlchemyError, psycopg.Error, OSError)


class TransportStore:
    """A `PolicyStore` over PostgreSQL, shared by all workers, and the writer of the engine's tally. One per engine, on its loop.

    Has one thread and one connection of its own, so that a look-up never waits behind a batch of outcomes.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._database = ThreadPoolExecutor(1, "transport")
        self._connection: psycopg.Connection[Any] | None = None
        self._asked: dict[str, asyncio.Future[StoredPolicy | None]] = {}
        self._loading: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Write results of TLS from now on."""
        self._writing = asyncio.ensure_future(self._write_now_and_then())

    async def load(self, domain: str) -> StoredPolicy | None:
        """What is kept for a domain. Questions of the same moment share one query. Raises what the database raises."""
        future = self._asked.get(domain)
        if future is None:
            future = self._asked[domain] = asyncio.get_running_loop().create_future()
            if self._loading is None:
                self._loading = asyncio.ensure_future(self._load_asked())
        return await asyncio.shield(future)

    async def _load_asked(self) -> None:
        await asyncio.sleep(_GATHER_SECONDS)
        asked, self._asked, self._loading = self._asked, {}, None
        try:
            found = await self._in_database(lambda connection: load_policies(connection, list(asked)))
        except Exception as error:
            for future in asked.values():
                future.set_exception(error)
                future.exception()  # whoever asked may have gone
            return
        for domain, future in asked.items():
            future.set_result(_stored(found[domain]) if domain in found else None)

    async def save(self, domain: str, stored: StoredPolicy) -> None:
        """Keep a policy. Raises what the database raises."""
        fetched, expires = (datetime.fromtimestamp(seconds, UTC) for seconds in (stored.fetched_at, stored.expires_at))
        record = PolicyRecord(domain, stored.id, stored.policy.mode.value, stored.policy.mx, fetched, expires)
        await self._in_database(lambda connection: keep_policy(connection, record))

    async def flush(self) -> None:
        """Write down what was counted; what cannot be written is counted again."""
        counted = self._tally.take()
        if not counted:
            return
        try:
            await self._in_database(lambda connection: add_sessions(connection, list(_sessions(counted))))
        except _AWAY as error:
            log.warning("tls_results_unwritten", error=type(error).__name__)
            self._tally.put_back(counted)

    async def close(self) -> None:
        """Write down what is counted and let the connection go."""
        if self._writing is not None:
            self._writing.cancel()
        await self.flush()
        await asyncio.get_running_loop().run_in_executor(self._database, self._let_go)
        self._database.shutdown()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()

    async def _write_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            with contextlib.suppress(Exception):  # a batch that the database refuses is not worth the delivery
                await self.flush()

    async def _in_database(self, act: Callable[[psycopg.Connection[Any]], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._database, self._act, act)

    def _act(self, act: Callable[[psycopg.Connection[Any]], T]) -> T:
        if self._connection is None or self._connection.closed:
            self._connection = connect_raw()
        try:
            with unscoped_raw(self._connection, "delivery keeps TLS policies and results, which belong to no tenant"):
                return act(self._connection)
        except psycopg.OperationalError:
            self._connection.close()
            raise


def _stored(record: PolicyRecord) -> StoredPolicy:
    policy = StsPolicy(StsMode(record.mode), record.mx)
    return StoredPolicy(record.policy_id, policy, record.fetched_at.timestamp(), record.expires_at.timestamp())


def _sessions(counted: Iterable[tuple[TlsFact, int]]) -> Iterable[TlsSessions]:
    day = now().astimezone(UTC).date()
    for fact, count in counted:
        yield TlsSessions(day, fact.domain, fact.policy_type.value, fact.result.value, fact.mx, fact.source_ip, fact.remote_ip, count, fact.reason, fact.policy)
