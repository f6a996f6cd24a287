"""`postbridge keys` (and `key`): API keys, of a tenant of this installation (--tenant) or of the tenant of a key at a server elsewhere (--url, --key).

One group for both, because what one does is the same. `--tenant` decides: it needs the database, and whoever sits at it may do everything.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import click

from webapp.cli.remote import remote_options, server
from webapp.kernel import clock
from webapp.kernel.clock import rfc3339
from webapp.kernel.scope import Mode

Command = TypeVar("Command", bound=Callable[..., Any])


def _where(command: Command) -> Command:
    tenant = click.option("--tenant", "slug", help="Slug of a tenant of this installation, instead of a server elsewhere.")
    return tenant(remote_options(command))


@click.group()
def key() -> None:
    """API keys: make, list, roll, revoke.

    With --tenant SLUG on the database of this installation; else on the server of --url and --key (POSTBRIDGE_URL and POSTBRIDGE_API_KEY).
    """


@key.command()
@_where
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), default=Mode.SANDBOX.value, show_default=True)
@click.option("--role", default="root:full", show_default=True, help="A built-in role, or id or name of one of the tenant's.")
@click.option("--name", default="Command line", show_default=True)
@click.option("--network", "networks", multiple=True, help="Address or network the key may be used from; may be given several times.")
@click.option("--rate-limit", type=int, help="Requests per 60 seconds.")
@click.option("--days", type=click.IntRange(1), help="Days until it expires; left out: never.")
def create(
    slug: str | None, url: str | None, api_key: str | None, mode: str, role: str, name: str, networks: tuple[str, ...], rate_limit: int | None, days: int | None
) -> None:
    """Make a key and print it, this once."""
    expires_at = clock.now() + timedelta(days=days) if days else None
    if slug is None:
        wanted: dict[str, Any] = {"name": name, "mode": mode, "role": role, "allowed_networks": list(networks), "rate_limit": rate_limit}
        with server(url, api_key) as client:
            click.echo(client.create_key(**wanted, expires_at=rfc3339(expires_at))["key"])
        return
    with _here(slug) as (scope, _, service):
        issued = service.create_key(scope, service.KeyWish(name, Mode(mode), role, networks, rate_limit, expires_at))
    click.echo(issued.plain)


@key.command("list")
@_where
def list_keys(slug: str | None, url: str | None, api_key: str | None) -> None:
    """Show the keys, the newest first."""
    if slug is None:
        with server(url, api_key) as client:
            for found in client.iter_keys(limit=100):
                _show(found["id"], found["mode"], found["last_four"], _state(found["revoked_at"], found["expires_at"]), found["role"], found["name"])
        return
    with _here(slug) as (scope, queries, _):
        cursor: str | None = None
        while True:
            page = queries.list_keys(scope, limit=100, cursor=cursor)
            for row in page.items:
                state = _state(rfc3339(row.revoked_at), rfc3339(row.expires_at))
                _show(row.id, row.mode, row.last_four, state, row.preset or row.role_id, row.name)
            cursor = page.next_cursor
            if cursor is None:
                return


@key.command()
@click.argument("key_id", type=click.UUID)
@_where
def revoke(key_id: UUID, slug: str | None, url: str | None, api_key: str | None) -> None:
    """End a key: it stops working everywhere within five seconds."""
    if slug is None:
        with server(url, api_key) as client:
            found = client.revoke_key(str(key_id))
        click.echo(f"{found['name']} is revoked since {found['revoked_at']}.")
        return
    with _here(slug) as (scope, _, service):
        row = service.revoke_key(scope, key_id)
    click.echo(f"{row.name} is revoked since {rfc3339(row.revoked_at)}.")


@key.command()
@click.argument("key_id", type=click.UUID)
@click.option("--hours", default=24, show_default=True, type=click.IntRange(0, 720), help="How long the old secret still works.")
@_where
def roll(key_id: UUID, hours: int, slug: str | None, url: str | None, api_key: str | None) -> None:
    """Make a new secret for a key and print it, this once."""
    if slug is None:
        with server(url, api_key) as client:
            click.echo(client.roll_key(str(key_id), overlap_seconds=hours * 3600)["key"])
        return
    with _here(slug) as (scope, _, service):
        issued = service.roll_key(scope, key_id, timedelta(hours=hours))
    click.echo(issued.plain)


def _here(slug: str) -> Any:
    """A unit of work in a tenant of this installation, with the slice's modules: loaded only then, and the engines with them."""
    import contextlib

    from webapp.access import queries, service
    from webapp.cli import attach
    from webapp.cli.tenant import operator_scope

    attach(click.get_current_context().find_root())

    @contextlib.contextmanager
    def opened() -> Any:
        with operator_scope(slug) as scope:
            yield scope, queries, service

    return opened()


def _show(key_id: object, mode: str, last_four: str, state: str, role: object, name: str) -> None:
    click.echo(f"{key_id}  {mode:<7} …{last_four}  {state:<8} {role or '-'!s:<20} {name}")


def _state(revoked_at: str | None, expires_at: str | None) -> str:
    if revoked_at is not None:
        return "revoked"
    return "expired" if expires_at is not None and expires_at <= (rfc3339(clock.now()) or "") else "active"
