"""`postbridge tenant`: list, approve, suspend, resume."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from webapp.kernel.clock import rfc3339
from webapp.kernel.db import TenantSession, engine, tenant_session
from webapp.kernel.errors import NotFound
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import Actor, ActorKind, Mode, Scope
from webapp.tenants import queries, service
from webapp.tenants.models import Tenant


def find_tenant(slug: str) -> Tenant:
    """Raises ``NotFound`` naming the slug."""
    with TenantSession(engine(), expire_on_commit=False) as session:
        tenant = queries.find_by_slug(session, slug)
    if tenant is None:
        raise NotFound(f"tenant {slug!r}; `postbridge tenant list` shows all")
    return tenant


@contextmanager
def operator_scope(slug: str, mode: Mode = Mode.LIVE) -> Iterator[Scope]:
    """One committed unit of work in a tenant, by whoever sits at the server's command line."""
    tenant = find_tenant(slug)
    with tenant_session(tenant.id) as session:
        yield Scope(session, tenant.id, Actor(ActorKind.SYSTEM, None, "Command line"), PermissionSet({"*"}), mode)


@click.group()
def tenant() -> None:
    """The sending organisations."""


@tenant.command("list")
def list_tenants() -> None:
    """Show every tenant with its status."""
    with TenantSession(engine()) as session:
        for row in queries.list_all(session):
            click.echo(f"{row.slug:<32} {row.status:<10} {rfc3339(row.created_at)}  {row.name}")


@tenant.command()
@click.argument("slug")
@click.option("--note", help="Why; stands in the activity log.")
def approve(slug: str, note: str | None) -> None:
    """Let a tenant send live mail."""
    with operator_scope(slug) as scope:
        service.approve(scope, note)
    click.echo(f"{slug} is approved.")


@tenant.command()
@click.argument("slug")
@click.option("--reason", required=True, help="Why; the tenant reads it.")
def suspend(slug: str, reason: str) -> None:
    """Stop all sending and changing of a tenant within five seconds."""
    with operator_scope(slug) as scope:
        service.suspend(scope, reason)
    click.echo(f"{slug} is suspended.")


@tenant.command()
@click.argument("slug")
def resume(slug: str) -> None:
    """End a suspension."""
    with operator_scope(slug) as scope:
        status = service.resume(scope).status
    click.echo(f"{slug} is {status}.")


@tenant.command()
@click.argument("slug")
@click.option("--daily", type=click.IntRange(0), help="Live recipients per UTC day; left out: no limit of its own.")
@click.option("--recipients", type=click.IntRange(0), help="Recipients a message; left out: the platform's default.")
def limits(slug: str, daily: int | None, recipients: int | None) -> None:
    """Set or lift a tenant's own limits."""
    with operator_scope(slug) as scope:
        service.set_limits(scope, daily_limit=daily, max_recipients=recipients)
    click.echo(f"Limits of {slug} are set.")
