"""What every worker process shares: logs, signs of life, the one unit of work, and an event loop that outlives jobs."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

import structlog
import uvloop

from webapp import all_models, logs
from webapp.kernel import heartbeat
from webapp.kernel.db import tenant_session
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import SYSTEM, Mode, Scope
from webapp.settings import get_settings
from webapp.version import __version__

log = structlog.get_logger()
T = TypeVar("T")
_BEAT_SECONDS = 10.0
#: Pause after a beat that failed: the next one must not come so late that the sweeper takes us for dead.
_BEAT_AGAIN_SECONDS = 1.0


def start_process(kind: str, data: Callable[[], dict[str, Any]] | None = None) -> str:
    """Configure logging and begin to beat. Returns the name under which this process leases work."""
    logs.configure(get_settings(), kind)
    assert all_models.metadata.tables
    heartbeat_now(kind, data)
    threading.Thread(target=_beat_for_ever, args=(kind, data), name="heartbeat", daemon=True).start()
    return process_name(kind)


def process_name(kind: str) -> str:
    """``delivery@host#pid``: the key of the heartbeat row."""
    return f"{kind}@{socket.gethostname()}#{os.getpid()}"


def heartbeat_now(kind: str, data: Callable[[], dict[str, Any]] | None = None) -> bool:
    """Beat once, and say whether it was written; a database that is away is logged, not raised."""
    try:
        heartbeat.beat(kind, __version__, data() if data else None)
    except Exception as error:
        log.warning("heartbeat_failed", error=str(error).splitlines()[0])
        return False
    return True


def _beat_for_ever(kind: str, data: Callable[[], dict[str, Any]] | None) -> None:
    pause = threading.Event()
    usual = min(_BEAT_SECONDS, get_settings().lease_silence_seconds / 4)
    seconds = usual
    while not pause.wait(seconds):
        seconds = usual if heartbeat_now(kind, data) else min(usual, _BEAT_AGAIN_SECONDS)


@contextmanager
def unit_of_work(tenant_id: UUID, mode: Mode = Mode.LIVE) -> Iterator[Scope]:
    """The job's door: one transaction of one tenant, acting as Postbridge itself."""
    with tenant_session(tenant_id) as session:
        yield Scope(session, tenant_id, SYSTEM, PermissionSet({"*"}), mode)


class LoopThread:
    """One event loop in a thread of its own, so that SMTP connections stay alive, and are closed in time, between two jobs."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        threading.Thread(target=self._serve, name="loop", daemon=True).start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` on the loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()
