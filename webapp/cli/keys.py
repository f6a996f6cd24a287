"""`postbridge key`: make, list and revoke API keys."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import click

from webapp.access import queries, service
from webapp.access.models import ApiKey
from webapp.cli.tenant import operator_scope
from webapp.kernel import clock
from webapp.kernel.clock import rfc3339
from webapp.kernel.scope import Mode


@click.group()
def key() -> None:
    """API keys of a tenant."""


@key.command()
@click.option("--tenant", "slug", required=True, help="Slug of the tenant.")
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), default=Mode.SANDBOX.value, show_default=True)
@click.option("--role", default="root:full", show_default=True, help="A built-in role, or id or name of one of the tenant's.")
@click.option("--name", default="Command line", show_default=True)
@click.option("--network", "networks", multiple=True, help="Address or network the key may be used from; may be given several times.")
@click.option("--rate-limit", type=int, help="Requests per 60 seconds.")
@click.option("--days", type=click.IntRange(1), help="Days until it expires; left out: never.")
def create(slug: str, mode: str, role: str, name: str, networks: tuple[str, ...], rate_limit: int | None, days: int | None) -> None:
    """Make a key and print it, this once."""
    expires_at = clock.now() + timedelta(days=days) if days else None
    with operator_scope(slug) as scope:
        issued = service.create_key(scope, service.KeyWish(name, Mode(mode), role, networks, rate_limit, expires_at))
    click.echo(issued.plain)


@key.command("list")
@click.option("--tenant", "slug", required=True, help="Slug of the tenant.")
def list_keys(slug: str) -> None:
    """Show the tenant's keys, the newest first."""
    with operator_scope(slug) as scope:
        cursor: str | None = None
        while True:
            page = queries.list_keys(scope, limit=100, cursor=cursor)
            for row in page.items:
                click.echo(f"{row.id}  {row.mode:<7} …{row.last_four}  {_state(row):<8} {row.preset or row.role_id or '-'!s:<20} {row.name}")
            cursor = page.next_cursor
            if cursor is None:
                return


@key.command()
@click.argument("key_id", type=click.UUID)
@click.option("--tenant", "slug", required=True, help="Slug of the tenant.")
def revoke(key_id: UUID, slug: str) -> None:
    """End a key: it stops working everywhere within five seconds."""
    with operator_scope(slug) as scope:
        row = service.revoke_key(scope, key_id)
    click.echo(f"{row.name} is revoked since {rfc3339(row.revoked_at)}.")


def _state(row: ApiKey) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= clock.now() else "active"
