"""The engines' hard days: kill -9, a second start, long paths, another user's folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from webapp.stack import home
from webapp.stack.engines import Postgres, Valkey, make_engines, running_engines, start
from webapp.stack.errors import StackError


@pytest.fixture
def var() -> Iterator[Path]:
    """A folder that root's engines, which run as somebody else, can enter too (tmp_path is closed to them)."""
    folder = Path(tempfile.mkdtemp(prefix="postbridge-stack-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def engines(var: Path) -> Iterator[tuple[Postgres, Valkey]]:
    postgres, valkey = make_engines(var)
    yield postgres, valkey
    valkey.stop()
    postgres.stop()


def _kill(engine: Postgres | Valkey) -> None:
    assert engine.process is not None
    engine.process.kill()
    engine.process.wait()


def test_data_survives_kill_9(engines: tuple[Postgres, Valkey]) -> None:
    postgres, valkey = engines
    start(postgres)
    start(valkey)
    with psycopg.connect(postgres.database_url.replace("+psycopg", "")) as connection:
        connection.execute("create table kept (word text)")
        connection.execute("insert into kept values ('here')")
    with redis.Redis.from_url(valkey.redis_url) as client:
        client.set("kept", "here")
        client.execute_command("WAITAOF", 1, 0, 5000)
    _kill(postgres)
    _kill(valkey)
    time.sleep(0.3)  # backends notice that their parent is gone
    start(postgres)
    start(valkey)
    with psycopg.connect(postgres.database_url.replace("+psycopg", "")) as connection:
        assert connection.execute("select word from kept").fetchone() == ("here",)
    with redis.Redis.from_url(valkey.redis_url) as client:
        assert client.get("kept") == b"here"


def test_a_stale_lock_file_with_a_number_in_use_does_not_stop_the_start(engines: tuple[Postgres, Valkey], var: Path) -> None:
    postgres, _ = engines
    start(postgres)
    _kill(postgres)
    time.sleep(0.3)
    lock = var / "postgres" / "postmaster.pid"
    with subprocess.Popen(["sleep", "60"]) as stranger:
        lock.write_text(lock.read_text().replace(lock.read_text().split()[0], str(stranger.pid), 1))
        start(postgres)
        assert stranger.poll() is None
        stranger.kill()


def test_sockets_and_data_are_private(engines: tuple[Postgres, Valkey], var: Path) -> None:
    postgres, valkey = engines
    start(postgres)
    start(valkey)
    assert {path.name: path.stat().st_mode & 0o777 for path in var.iterdir()} == {"postgres": 0o700, "valkey": 0o700, "run": 0o700}
    with postgres.connect() as connection:
        shown = {name: connection.execute(f"show {name}").fetchone() for name in ("listen_addresses", "fsync", "synchronous_commit", "jit")}
    assert shown == {"listen_addresses": ("",), "fsync": ("on",), "synchronous_commit": ("on",), "jit": ("off",)}


def test_a_very_long_path_works(var: Path) -> None:
    deep = var / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    first, again = home.make_home(deep).sockets, home.make_home(deep).sockets
    assert first == again
    try:
        with running_engines(deep) as addresses, psycopg.connect(addresses.database_url.replace("+psycopg", "")) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        shutil.rmtree(first)


def test_running_engines_are_found_and_shared(var: Path) -> None:
    with running_engines(var) as ours:
        with running_engines(var) as theirs:
            assert theirs == ours
        with redis.Redis.from_url(ours.redis_url) as client:
            assert client.ping()
    assert home.find_running(var) is None


def test_one_supervisor_at_a_time(var: Path) -> None:
    lock = home.StackLock(var)
    lock.acquire()
    with pytest.raises(StackError, match=f"already running here, pid {os.getpid()}"):
        home.StackLock(var).acquire()
    lock.release()
    again = home.StackLock(var)
    again.acquire()
    again.release()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the engines as somebody else")
def test_root_below_a_closed_folder_touches_no_permissions(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = Path(tempfile.mkdtemp(prefix="postbridge-closed-"))  # 0700, as /root is
    public = Path(tempfile.mkdtemp(prefix="postbridge-public-"))
    public.chmod(0o755)
    monkeypatch.setattr(home, "public_home", lambda: public)
    var = closed / "checkout" / "var"
    try:
        for _ in range(2):  # the second start finds the first one's data
            with running_engines(var) as addresses, psycopg.connect(addresses.database_url.replace("+psycopg", "")) as connection:
                connection.execute("create table if not exists kept ()")
        assert len(list(public.iterdir())) == 1
        assert closed.stat().st_mode & 0o777 == 0o700
        assert (var / "engines").resolve().parent == public.resolve()
    finally:
        shutil.rmtree(closed)
        shutil.rmtree(public)


def test_stopping_is_clean(engines: tuple[Postgres, Valkey]) -> None:
    postgres, valkey = engines
    before = signal.getsignal(signal.SIGINT)  # a shell that starts us in the background has it ignored
    start(postgres)
    start(valkey)
    processes = [postgres.process, valkey.process]
    valkey.stop()
    postgres.stop()
    assert [process.returncode for process in processes if process] == [0, 0]
    assert signal.getsignal(signal.SIGINT) is before
