"""Real PostgreSQL and Valkey, started as our own child processes.

Both listen on unix sockets in a 0700 folder only, so they never clash with a server of the machine and nobody
else can reach them. Data is durable: `fsync` and `synchronous_commit` on, append-only file every second.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql

from webapp.stack import children, home
from webapp.stack.binaries import Binaries, find_binaries, reachable_binaries
from webapp.stack.children import Output
from webapp.stack.errors import StackError
from webapp.stack.home import Addresses, EngineHome

ROLE = "postbridge"
DATABASE = "postbridge"
_SUPERUSER = "postgres"
START_PATIENCE = 300.0  # seconds; after a crash PostgreSQL replays its log before it answers
_POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "jit": "off",  # short statements: compiling costs more than it gains
    "fsync": "on",
    "synchronous_commit": "on",  # an accepted message is on disk before anybody is told
    "max_wal_size": "2GB",
    "min_wal_size": "128MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "autovacuum_naptime": "15s",  # the queue table lives from dead rows being cleared quickly
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "",
    # Refused statements (a unique key hit twice) are normal and belong to the caller, not to this log.
    "log_min_messages": "log",
    "log_checkpoints": "off",
}
if sys.platform == "linux":
    # After a crash: one call instead of opening every file, which took ten times as long (0.5 s against 8 s, busy disk).
    _POSTGRES_SETTINGS["recovery_init_sync_method"] = "syncfs"


class Engine(Protocol):
    """What the supervisor knows of an engine. `process` is None while it is down."""

    name: str
    process: subprocess.Popen[bytes] | None

    def launch(self, output: Output) -> None:
        """Start the server process and return at once."""

    def answers(self) -> bool:
        """Whether the server can be used now."""

    def prepare(self) -> None:
        """Make what the application needs inside."""

    def stop(self, patience: float = ...) -> None:
        """End the server cleanly; kill it after `patience` seconds."""


class Postgres:
    """One PostgreSQL server on `home`. `process` is None while it is down."""

    name = "postgres"

    def __init__(self, engine_home: EngineHome, binaries: Binaries) -> None:
        self._home = engine_home
        self._bin = binaries.postgres
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def database_url(self) -> str:
        """SQLAlchemy address of the application database, as its owner (no superuser, obeys row security)."""
        return self.url(DATABASE)

    @property
    def admin_url(self) -> str:
        """SQLAlchemy address of the maintenance database as superuser."""
        return self.url("postgres", _SUPERUSER)

    def url(self, database: str, role: str = ROLE) -> str:
        """SQLAlchemy address of any database of this server."""
        return f"postgresql+psycopg://{role}@/{database}?host={quote(str(self._home.sockets), safe='/')}"

    def launch(self, output: Output) -> None:
        """Start the server process (making the cluster the first time) and return at once; see :meth:`answers`."""
        data = self._home.postgres
        if not (data / "PG_VERSION").is_file():
            self._initdb()
        self._end_orphan()
        self._write_access_rules()
        argv = [str(self._bin / "postgres"), "-D", str(data), "-k", str(self._home.sockets)]
        for name, value in _POSTGRES_SETTINGS.items():
            argv += ["-c", f"{name}={value}"]
        # SIGINT is PostgreSQL's fast shutdown: a clean end when we are killed.
        self.process = children.spawn(
            argv, output=output, env=_engine_env(), cwd=self._home.sockets, identity=self._home.identity, death_signal=signal.SIGINT
        )

    def answers(self) -> bool:
        """Whether the server takes connections now (False while it starts or recovers)."""
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def prepare(self) -> None:
        """Make the application's role and database where they are missing. The server must answer."""
        with self.connect() as connection:
            if not connection.execute("select 1 from pg_roles where rolname = %s", (ROLE,)).fetchone():
                connection.execute(sql.SQL("create role {} login nosuperuser nobypassrls").format(sql.Identifier(ROLE)))
            if not connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone():
                make = sql.SQL("create database {} owner {}")
                connection.execute(make.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))

    def stop(self, patience: float = 10.0) -> None:
        """Fast shutdown: open transactions are rolled back, data is written; killed after `patience` seconds."""
        if self.process is not None:
            children.stop(self.process, signal.SIGINT, patience=patience)
            self.process = None

    def _initdb(self) -> None:
        # Made beside and renamed, so that an interrupted first start leaves nothing half-made behind.
        making = self._home.valkey / "postgres.new"  # a folder the engines' user may write to
        shutil.rmtree(making, ignore_errors=True)
        argv = [str(self._bin / "initdb"), "-D", str(making), "--username", _SUPERUSER, "--auth=peer"]
        argv += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"]
        made = children.spawn(
            argv, output=subprocess.PIPE, env=_engine_env(), cwd=self._home.sockets, identity=self._home.identity
        )
        said = made.communicate()[0].decode(errors="replace").strip()
        if made.returncode != 0:
            last = said.splitlines()[-1] if said else f"exit code {made.returncode}"
            raise StackError(f"PostgreSQL could not make its data folder {self._home.postgres}: {last}")
        making.rename(self._home.postgres)

    def _write_access_rules(self) -> None:
        # The socket folder keeps others out; `peer` lets in only the operating system user that we are, even
        # when the server itself runs as a user that other services share.
        me = pwd.getpwuid(os.geteuid()).pw_name.replace('"', '""')
        self._write("pg_hba.conf", "local all all peer map=postbridge\n")
        self._write("pg_ident.conf", "".join(f'postbridge "{me}" {role}\n' for role in (_SUPERUSER, ROLE)))

    def _write(self, name: str, text: str) -> None:
        path = self._home.postgres / name
        path.write_text(text)
        path.chmod(0o600)
        if self._home.identity:
            os.chown(path, self._home.identity.uid, self._home.identity.gid)

    def _end_orphan(self) -> None:
        """Deal with a server that survived its supervisor (macOS, or one that is still on its way down)."""
        lock = self._home.postgres / "postmaster.pid"
        try:
            pid = int(lock.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return
        deadline = time.monotonic() + 15
        while children.is_alive(pid) and str(self._home.postgres) in children.command_line(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            if time.monotonic() > deadline:
                raise StackError(f"A PostgreSQL from an earlier run (pid {pid}) does not stop. End it with `kill -QUIT {pid}` and try again.")
            time.sleep(0.1)
        # We hold the lock of the stack, so whatever has that number now is not our server; PostgreSQL would refuse to start.
        lock.unlink(missing_ok=True)

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A superuser connection in autocommit mode. Raises psycopg.OperationalError when the server is away."""
        return psycopg.connect(host=str(self._home.sockets), dbname=database, user=_SUPERUSER, autocommit=True, connect_timeout=5)


class Valkey:
    """One Valkey server on `home`. `process` is None while it is down."""

    name = "valkey"

    def __init__(self, engine_home: EngineHome, binaries: Binaries) -> None:
        self._home = engine_home
        self._server = binaries.valkey
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def redis_url(self) -> str:
        """Address for redis-py and RQ, database 0."""
        return self.url(0)

    def url(self, number: int) -> str:
        """Address of one numbered database (0 to 127)."""
        return f"unix://{self._socket}?db={number}"

    @property
    def _socket(self) -> Path:
        return self._home.sockets / "valkey.sock"

    def launch(self, output: Output) -> None:
        """Start the server process and return at once; see :meth:`answers`."""
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._home.valkey),
            "databases": "128",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",  # a full cache must refuse, not forget wake-ups and counters
            "loglevel": "warning",
        }
        argv = [str(self._server)]
        for name, value in options.items():
            argv += [f"--{name}", value]
        self._ask_orphan_to_leave()
        self.process = children.spawn(argv, output=output, env=_engine_env(), cwd=self._home.valkey, identity=self._home.identity)

    def answers(self) -> bool:
        """Whether the server takes commands now (False while it reads its append-only file)."""
        with redis.Redis.from_url(self.redis_url) as client, contextlib.suppress(redis.RedisError):
            return bool(client.ping())
        return False

    def prepare(self) -> None:
        """Nothing to make: a Valkey server is complete when it answers."""

    def stop(self, patience: float = 5.0) -> None:
        """Ask for a clean end (the append-only file is synced); killed after `patience` seconds."""
        if self.process is not None:
            children.stop(self.process, signal.SIGTERM, patience=patience)
            self.process = None

    def _ask_orphan_to_leave(self) -> None:
        # Two servers on one append-only file would spoil it. Ours ends with the supervisor, except on macOS.
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.redis_url) as orphan:
            orphan.shutdown(nosave=True)


def _engine_env() -> dict[str, str]:
    # Nothing of ours (PG* variables, locale, keys) may reach the servers.
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def make_engines(var: Path) -> tuple[Postgres, Valkey]:
    """Both engines of the folder `var`, not started yet. Raises StackError when they cannot run on this machine."""
    engine_home = home.make_home(var)
    binaries = find_binaries()
    if engine_home.identity is not None:
        binaries = reachable_binaries(binaries)
    return Postgres(engine_home, binaries), Valkey(engine_home, binaries)


def start(engine: Engine, output: Output = subprocess.DEVNULL) -> None:
    """Launch one engine, wait until it answers, prepare it. Raises StackError when it ends or never answers."""
    engine.launch(output)
    deadline = time.monotonic() + START_PATIENCE
    while not engine.answers():
        if engine.process is None or engine.process.poll() is not None:
            raise StackError(f"{engine.name} ended while starting{'' if engine.process is None else f' (exit code {engine.process.returncode})'}.")
        if time.monotonic() > deadline:
            raise StackError(f"{engine.name} did not answer within {START_PATIENCE:.0f} s.")
        time.sleep(0.03)
    engine.prepare()


@contextlib.contextmanager
def running_engines(var: Path, *, output: Output = subprocess.DEVNULL) -> Iterator[Addresses]:
    """Both engines for the length of a `with` block: those of a running stack when there is one, else our own.

    Raises StackError when they cannot be started.
    """
    if found := home.find_running(var):
        yield found
        return
    lock = home.StackLock(var)
    lock.acquire()
    try:
        postgres, valkey = make_engines(var)
        try:
            start(postgres, output)
            start(valkey, output)
            addresses = Addresses(postgres.database_url, valkey.redis_url, postgres.admin_url)
            home.publish(var, addresses)
            yield addresses
        finally:
            home.unpublish(var)
            valkey.stop()
            postgres.stop()
    finally:
        lock.release()
