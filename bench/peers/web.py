"""Runs a peer's WSGI application under the very server and flags that Postbridge's web process has."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from psycopg import sql

from bench.children import Child
from bench.machine import free_port
from bench.peers.packages import Missing, django_python
from bench.place import VAR
from bench.stack import Stack
from webapp.settings import ROOT
from webapp.stack.processes import process_table

_DATABASE = "post_office"


@contextmanager
def served(stack: Stack, application: str, *, python: Path | None = None, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve ``module:attribute`` for the length of a block; its address."""
    port = free_port()
    ours = next(spec.argv for spec in process_table(stack.settings) if spec.group == "web")
    argv = [str(python or sys.executable), *ours[1:-1], application]
    argv[argv.index("webapp.web")] = "granian"  # which it is, after it has loaded our code
    argv[argv.index("--port") + 1] = str(port)
    child = Child(argv, VAR / "logs" / "peer-web.log", env={"PYTHONPATH": str(ROOT), **(env or {})})
    try:
        child.wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop()


@contextmanager
def hello(stack: Stack) -> Iterator[str]:
    """A bare Flask application."""
    with served(stack, "bench.peers.hello:app") as url:
        yield url + "/"


@contextmanager
def by_hand(stack: Stack) -> Iterator[str]:
    """Flask and RQ, enqueue and return; on the same Valkey as ours, another database of it."""
    with served(stack, "bench.peers.by_hand:app", env={"PEER_REDIS_URL": stack.redis_url}) as url:
        yield url + "/send"


@contextmanager
def post_office(stack: Stack) -> Iterator[str]:
    """django-post-office, on the same PostgreSQL as ours, in a database of its own. Raises ``Missing``."""
    python = django_python()
    env = {"PEER_PG_HOST": stack.sockets, "PEER_PG_NAME": _DATABASE, "PEER_PG_USER": "postgres"}
    with stack.database("postgres") as connection:
        if connection.execute("select from pg_database where datname = %s", (_DATABASE,)).fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(_DATABASE)))
    argv = [str(python), "-m", "bench.peers.post_office", "migrate", "-v0"]
    done = subprocess.run(argv, env={**os.environ, **env}, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"django-post-office does not run: {' '.join(done.stderr.strip().splitlines()[-1:])}")
    with served(stack, "bench.peers.post_office:app", python=python, env=env) as url:
        yield url + "/send"
