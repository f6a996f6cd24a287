"""`postbridge ip` and `postbridge tls`: addresses that mail leaves from, and how TLS with other systems went."""

from __future__ import annotations

import datetime
import json
from uuid import UUID

import click
import sqlalchemy as sa

from webapp.kernel.clock import now
from webapp.kernel.db import unscoped
from webapp.pools.models import IpAddress
from webapp.pools.service import add_address, change_address, check_address
from webapp.tenants.models import Tenant
from webapp.transport.service import list_lines, make_report


@click.group()
def ip() -> None:
    """IP addresses that mail leaves from directly."""


@ip.command("list")
def list_addresses() -> None:
    """Every address with the name it greets with and its last check."""
    with unscoped("the operator looks at the IP addresses") as session:
        for row in session.scalars(sa.select(IpAddress).order_by(IpAddress.address)):
            state = "in use" if row.active else "out of use"
            checked = "; ".join(row.problems) or "in order" if row.checked_at else "never checked"
            click.echo(f"{row.address:<40} {row.helo_name:<40} {'dedicated' if row.tenant_id else 'shared':<10} {state:<11} {checked}")


@ip.command("add")
@click.argument("address")
@click.argument("helo_name")
@click.option("--tenant", help="Slug of the tenant it is dedicated to; shared by default.")
def add(address: str, helo_name: str, tenant: str | None) -> None:
    """Take ADDRESS into use, greeting as HELO_NAME, and check it."""
    with unscoped("the operator adds an IP address") as session:
        add_address(session, address, helo_name, _tenant_id(session.scalar(sa.select(Tenant.id).where(Tenant.slug == tenant)), tenant))
        problems = check_address(session, address)
    click.echo(f"{address} is added.")
    _tell(problems)


def _tenant_id(found: UUID | None, slug: str | None) -> UUID | None:
    if slug is not None and found is None:
        raise click.ClickException(f"There is no tenant {slug}.")
    return found


@ip.command("set")
@click.argument("address")
@click.option("--helo", "helo_name", help="Name it greets with.")
@click.option("--use/--no-use", "active", default=None, help="Into use or out of it.")
def change(address: str, helo_name: str | None, active: bool | None) -> None:
    """Change what ADDRESS greets with, or whether it is used."""
    with unscoped("the operator changes an IP address") as session:
        change_address(session, address, helo_name=helo_name, active=active)
    click.echo("Saved; delivery sees it within seconds.")


@ip.command("check")
@click.argument("address")
def check(address: str) -> None:
    """Look whether this machine can send from ADDRESS and whether its PTR record and names agree."""
    with unscoped("the operator checks an IP address") as session:
        problems = check_address(session, address)
    _tell(problems)
    if problems:
        raise SystemExit(1)


def _tell(problems: list[str]) -> None:
    for problem in problems or ["It is in order."]:
        click.echo(problem)


@click.group()
def tls() -> None:
    """How TLS with recipients' servers went (RFC 8460)."""


@tls.command("list")
@click.option("--search", default="", help="Part of the domain.")
def list_results(search: str) -> None:
    """Domains by day: sessions that worked, and that failed."""
    with unscoped("the operator looks at results of TLS") as session:
        for line in list_lines(session, search=search):
            click.echo(f"{line.day}  {line.domain:<40} {line.policy_type:<16} {line.good:>8} good {line.bad:>8} failed")


@tls.command("report")
@click.argument("domain")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Day in UTC; yesterday by default.")
def report(domain: str, day: datetime.datetime | None) -> None:
    """The report of DOMAIN for one day as RFC 8460 JSON."""
    wanted = day.date() if day else (now() - datetime.timedelta(days=1)).date()
    with unscoped("the operator exports a TLS report") as session:
        click.echo(json.dumps(make_report(session, domain.lower().rstrip("."), wanted), indent=2))
