"""`postbridge doctor`: what is well, what is not, and what to do."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable, Iterator

import click
import redis
from sqlalchemy.exc import SQLAlchemyError

from webapp.settings import Settings, get_settings
from webapp.stack import migrations
from webapp.stack.binaries import find_binaries
from webapp.stack.certificates import ensure_certificate
from webapp.stack.errors import StackError
from webapp.stack.home import Addresses, find_running
from webapp.stack.ports import require_free
from webapp.stack.processes import process_table

Finding = tuple[bool, str]


@click.command()
def doctor() -> None:
    """Check this installation; exit code 1 when something is wrong."""
    settings = get_settings()
    running = find_running(settings.var_dir)
    is_well = True
    for check in (_machine, _engines, _disk, _certificate, _ports, _database, _broker):
        for good, text in _guarded(check, settings, running):
            click.secho("ok    " if good else "WRONG ", fg="green" if good else "red", nl=False)
            click.echo(text)
            is_well = is_well and good
    if not is_well:
        raise SystemExit(1)


Check = Callable[[Settings, Addresses | None], Iterator[Finding]]


def _guarded(check: Check, settings: Settings, running: Addresses | None) -> Iterator[Finding]:
    try:
        yield from check(settings, running)
    except (StackError, SQLAlchemyError, redis.RedisError, OSError) as error:
        yield False, str(error)


def _machine(_: Settings, __: Addresses | None) -> Iterator[Finding]:
    yield True, f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, {sys.executable}"


def _engines(settings: Settings, running: Addresses | None) -> Iterator[Finding]:
    if settings.database_url and settings.redis_url:
        yield True, "Engines: servers of your own (DATABASE_URL, REDIS_URL)"
        return
    find_binaries()
    yield True, f"Engines: under {settings.var_dir}, {'running' if running else 'not running'}"


def _disk(settings: Settings, _: Addresses | None) -> Iterator[Finding]:
    folder = next(path for path in (settings.var_dir, *settings.var_dir.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    yield free > settings.disk_minimum_bytes, f"Disk: {free // 2**20} MB free; new mail is refused under {settings.disk_minimum_bytes // 2**20} MB"


def _certificate(settings: Settings, _: Addresses | None) -> Iterator[Finding]:
    cert, _key = ensure_certificate(settings.var_dir, settings.mail_hostname, settings.tls_cert, settings.tls_key)
    yield True, f"Certificate of the SMTP servers: {cert}"


def _ports(settings: Settings, running: Addresses | None) -> Iterator[Finding]:
    listeners = {listener: None for spec in process_table(settings) for listener in spec.listeners}
    numbers = ", ".join(str(listener.port) for listener in listeners)
    if running is None:
        require_free(listeners)
    yield True, f"Ports {numbers}: {'free' if running is None else 'in use by us'}"


def _database(settings: Settings, running: Addresses | None) -> Iterator[Finding]:
    url = settings.database_url or (running.database_url if running else "")
    if not url:
        yield True, "Database: not running, nothing to ask"
        return
    current, head = migrations.current_and_head(url)
    yield current == head, f"Database: reachable, schema at {current}" + ("" if current == head else f"; the newest is {head}: run `./run db upgrade`")


def _broker(settings: Settings, running: Addresses | None) -> Iterator[Finding]:
    url = settings.redis_url or (running.redis_url if running else "")
    if not url:
        yield True, "Valkey: not running, nothing to ask"
        return
    with redis.Redis.from_url(url, socket_timeout=3) as client:
        yield bool(client.ping()), "Valkey: answers"
