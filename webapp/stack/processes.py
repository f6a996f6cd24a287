"""The process table: what a whole Postbridge consists of, in the order of starting."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from webapp.settings import Settings
from webapp.stack.errors import StackError
from webapp.stack.ports import Listener


class StopTier(IntEnum):
    """Who stops first. Workers before doors: they still talk to the simulator, which is behind a door."""

    WORKERS = 0
    DOORS = 1


@dataclass(frozen=True)
class ProcessSpec:
    """One process. `group` is its name for `--only`; `name` is unique and shown in the logs."""

    name: str
    group: str
    argv: tuple[str, ...]
    tier: StopTier
    listeners: tuple[Listener, ...] = ()
    #: Where to look for a sign of readiness; the health page of an HTTP server, else the first listener.
    health_path: str = ""


def process_table(settings: Settings, only: Collection[str] = ()) -> list[ProcessSpec]:
    """All processes of this installation, or those of the groups in `only`. Raises StackError for an unknown group."""
    table = [_web(settings), *_smtp(settings), *_workers(settings)]
    groups = list(dict.fromkeys(spec.group for spec in table))
    unknown = sorted(set(only) - set(groups))
    if unknown:
        raise StackError(f"There is no process called {', '.join(unknown)}. Known are: {', '.join(groups)}.")
    return [spec for spec in table if not only or spec.group in only]


def _web(settings: Settings) -> ProcessSpec:
    argv = [sys.executable, "-m", "webapp.web", "--interface", "wsgi", "--http", "1", "--no-ws"]
    argv += ["--host", settings.web_host, "--port", str(settings.web_port)]
    argv += ["--workers", str(settings.web_workers), "--blocking-threads", str(settings.web_threads)]
    argv += ["--respawn-failed-workers", "--workers-kill-timeout", "6", "wsgi:application"]
    listener = Listener(settings.web_host, settings.web_port, "POSTBRIDGE_WEB_PORT")
    return ProcessSpec("web", "web", tuple(argv), StopTier.DOORS, (listener,), "/healthz")


def _smtp(settings: Settings) -> list[ProcessSpec]:
    host = settings.smtp_host
    submission = (
        Listener(host, settings.submission_port, "POSTBRIDGE_SUBMISSION_PORT"),
        Listener(host, settings.submission_tls_port, "POSTBRIDGE_SUBMISSION_TLS_PORT"),
    )
    inbound = [Listener(host, settings.inbound_port, "POSTBRIDGE_INBOUND_PORT")]
    if settings.simulator_enabled:
        inbound.append(Listener(host, settings.simulator_port, "POSTBRIDGE_SIMULATOR_PORT"))
    doors = _numbered("submission", settings.submission_processes, StopTier.DOORS, ("submission",), submission)
    return [*doors, ProcessSpec("inbound", "inbound", _worker("inbound"), StopTier.DOORS, tuple(inbound))]


def _workers(settings: Settings) -> list[ProcessSpec]:
    return [
        *_numbered("delivery", settings.delivery_workers, StopTier.WORKERS, ("jobs", "delivery")),
        *_numbered("default", settings.default_workers, StopTier.WORKERS, ("jobs", "default")),
        *_numbered("webhooks", settings.webhook_workers, StopTier.WORKERS, ("jobs", "webhooks")),
        ProcessSpec("ticker", "ticker", _worker("ticker"), StopTier.WORKERS),
    ]


def _numbered(group: str, count: int, tier: StopTier, arguments: tuple[str, ...], listeners: tuple[Listener, ...] = ()) -> list[ProcessSpec]:
    names = [group] if count == 1 else [f"{group}-{number}" for number in range(1, count + 1)]
    return [ProcessSpec(name, group, _worker(*arguments), tier, listeners) for name in names]


def _worker(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "worker", *arguments)


#: For the C library's memory (glibc; others ignore it). Two heaps, not one for each of many threads; and what is large comes from the system and goes
#: back to it. Left to itself the library learns from the first large block to keep later ones: 20 MB for good after the second login (Argon2).
HEAP = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_TRIM_THRESHOLD_": "2097152"}


def child_environment(settings: Settings, database_url: str, redis_url: str, certificate: tuple[str, str]) -> dict[str, str]:
    """The environment of every process: ours, plus what the supervisor found out."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "POSTBRIDGE_VAR_DIR": str(settings.var_dir),
        "POSTBRIDGE_TLS_CERT": certificate[0],
        "POSTBRIDGE_TLS_KEY": certificate[1],
        "PYTHONUNBUFFERED": "1",
        **{name: os.environ.get(name, value) for name, value in HEAP.items()},
    }
