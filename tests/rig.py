"""The engines and databases of a test run: one pair of real servers, one database and Valkey number per worker process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from webapp.stack import migrations
from webapp.stack.children import is_alive
from webapp.stack.engines import ROLE, running_engines
from webapp.stack.home import Addresses

TEMPLATE = "template_postbridge"
_PREFIX = "postbridge-test-"

# Run as superuser in the template, so every clone has it. Rows that the migrations put into tables (plans, presets)
# are kept in the schema `pristine` and put back after each wipe. Replica mode switches foreign key triggers off.
_WIPE = """
create schema pristine;
create table pristine.tables as
  select c.oid::regclass::text as name, 'rows_of_' || c.relname as copy, false as seeded, array_to_string(array(
      select quote_ident(attname) from pg_attribute
      where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '' order by attnum), ', ') as columns
  from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'alembic_version';
do $$ declare t record; here boolean; begin
  for t in select * from pristine.tables loop
    execute format('select exists (select from %s)', t.name) into here;
    if here then
      execute format('create table pristine.%I as select * from %s', t.copy, t.name);
      update pristine.tables set seeded = true where name = t.name;
    end if;
  end loop;
end $$;
create function pristine.wipe() returns void language plpgsql as $$ declare t record; begin
  set local session_replication_role = replica;
  set local lock_timeout = '15s';
  for t in select * from pristine.tables loop execute 'delete from ' || t.name; end loop;
  for t in select * from pristine.tables where seeded loop
    execute format('insert into %s (%s) overriding system value select %s from pristine.%I', t.name, t.columns, t.columns, t.copy);
  end loop;
end $$;
"""


@contextlib.contextmanager
def engines() -> Iterator[Addresses]:
    """Both engines in a temporary folder that is removed at the end."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not is_alive(int(pid)):  # the folder of a run that was killed
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    folder.chmod(0o711)  # root's engines run as somebody else, who must get through
    try:
        with running_engines(folder) as addresses:
            yield addresses
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _connect(addresses: Addresses, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
    assert addresses.admin_url is not None
    url = make_url(addresses.admin_url)
    host = url.query["host"]
    assert isinstance(host, str)
    return psycopg.connect(host=host, user=url.username, dbname=database, autocommit=True)


def database_url(addresses: Addresses, database: str) -> str:
    """The application role's address of another database on the same server."""
    return make_url(addresses.database_url).set(database=database).render_as_string(hide_password=False)


def _make_template(addresses: Addresses, admin: psycopg.Connection[tuple[object, ...]]) -> None:
    if admin.execute("select 1 from pg_database where datname = %s", (TEMPLATE,)).fetchone():
        return
    making = f"{TEMPLATE}_new"
    admin.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(making)))
    admin.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(making), sql.Identifier(ROLE)))
    migrations.upgrade(database_url(addresses, making))
    with _connect(addresses, making) as connection:
        connection.execute(_WIPE)
    admin.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(making), sql.Identifier(TEMPLATE)))


def clone(addresses: Addresses, name: str) -> str:
    """A fresh, migrated database called `name` (dropped first if it is there); its SQLAlchemy address."""
    host = make_url(addresses.database_url).query["host"]
    assert isinstance(host, str)
    with (Path(host).parent / "template.lock").open("w") as lock, _connect(addresses) as admin:
        # Several workers arrive at once: the first builds the template, the others wait. Cloning needs it unused.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make_template(addresses, admin)
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        make = sql.SQL("create database {} template {} owner {}")
        admin.execute(make.format(sql.Identifier(name), sql.Identifier(TEMPLATE), sql.Identifier(ROLE)))
    return database_url(addresses, name)


class Wiper:
    """Empties one test database, back to what the migrations left. About 2 ms; keeps one connection."""

    def __init__(self, addresses: Addresses, database: str) -> None:
        self._connection = _connect(addresses, database)

    def wipe(self) -> None:
        """Delete every row of every table, whoever owns it. Fails after 15 s when a test left a transaction open."""
        self._connection.execute("select pristine.wipe()")

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
