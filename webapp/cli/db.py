"""`postbridge db`: the schema and a way into the database."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.engine import make_url

from webapp.kernel.resealing import reseal_all
from webapp.settings import get_settings
from webapp.stack import migrations
from webapp.stack.binaries import find_binaries
from webapp.stack.engines import running_engines
from webapp.stack.errors import StackError


@click.group()
def db() -> None:
    """Migrate, check and open the database."""


@contextmanager
def _database() -> Iterator[str]:
    """The address of the database: DATABASE_URL, the running one, or one started for as long as the block."""
    settings = get_settings()
    if settings.database_url:
        yield settings.database_url
        return
    with running_engines(settings.var_dir) as addresses:
        os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = addresses.database_url, addresses.redis_url
        get_settings.cache_clear()
        yield addresses.database_url


@db.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the schema to REVISION (default: the newest)."""
    with _database() as url:
        migrations.upgrade(url, revision)
        click.echo(f"The schema is at {migrations.current_and_head(url)[0]}.")


@db.command()
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask; data in dropped tables and columns is lost.")
def downgrade(revision: str, yes: bool) -> None:
    """Take the schema back to REVISION ('-1' for one step, 'base' for nothing). Loses data."""
    if not yes:
        click.confirm(f"Go back to {revision}? Data in dropped tables and columns is lost.", abort=True)
    with _database() as url:
        migrations.downgrade(url, revision)
        click.echo(f"The schema is at {migrations.current_and_head(url)[0] or 'nothing'}.")


@db.command()
def check() -> None:
    """Say whether schema, migrations and models agree; exit code 1 when they do not."""
    with _database() as url:
        current, head = migrations.current_and_head(url)
        if current != head:
            raise StackError(f"The schema is at {current or 'nothing'}, the newest is {head}. Run `./run db upgrade`.")
        if found := migrations.differences(url):
            raise StackError(f"Models and migrations differ: {found}")
        click.echo(f"The schema is at {current}, the newest, and agrees with the models.")


@db.command()
def reseal() -> None:
    """Seal every stored secret with the first key of POSTBRIDGE_SECRET_KEYS. Keep the old keys on the ring: links in mail are signed with them."""
    lost = 0
    with _database():
        for done in reseal_all():
            lost += done.unreadable
            click.echo(f"{done.place.table}.{done.place.column}: {done.sealed} sealed anew" + (f", {done.unreadable} unreadable" if done.unreadable else ""))
    if lost:
        raise StackError(f"{lost} values do not open with any key of the ring; put the key that sealed them back on it.")


@db.command()
def url() -> None:
    """Print the address of the database (with its password, if it has one)."""
    with _database() as address:
        click.echo(address)


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """Open a SQL prompt. Row security hides all tenants until you say: select set_config('app.tenant_id', '*', false);"""
    program = shutil.which("psql") or str(find_binaries().postgres / "psql")
    with _database() as address:
        plain = make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)
        code = os.spawnlp(os.P_WAIT, program, program, plain, *arguments)
    raise SystemExit(code)
