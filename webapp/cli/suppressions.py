"""`postbridge suppressions`: the operator's own list, and tenants that took many addresses off."""

from __future__ import annotations

import json
from typing import IO
from uuid import UUID

import click

from webapp.kernel.clock import rfc3339
from webapp.kernel.db import unscoped
from webapp.suppressions.service import platform as act

_BY = "Command line"


@click.group()
def suppressions() -> None:
    """Addresses that nobody on this platform may write to, and alarms about tenants' own lists."""


@suppressions.command("list")
@click.option("--search", help="Part of the address.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
def list_entries(search: str | None, as_json: bool) -> None:
    """Show the platform's list, newest first, at most a hundred."""
    with unscoped("the operator looks at the platform's own list") as session:
        rows = [(r.address, r.note, r.added_by, rfc3339(r.created_at)) for r in act.list_platform(session, search)]
    if as_json:
        click.echo(json.dumps([dict(zip(("address", "note", "by", "since"), row, strict=True)) for row in rows]))
        return
    for address, note, by, since in rows:
        click.echo(f"{address:<40} {since}  {by}: {note}")
    if not rows:
        click.echo("No address is on the platform's list.")


@suppressions.command()
@click.argument("email")
@click.option("--note", required=True, help="Why.")
def add(email: str, note: str) -> None:
    """Stop everybody's mail to an address."""
    with unscoped("the operator adds to the platform's own list") as session:
        act.add_platform(session, email, note, _BY)
    click.echo(f"Nobody on this platform writes to {email} any more.")


@suppressions.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"))
@click.option("--note", required=True, help="Why; stands with each.")
def import_list(file: IO[str], note: str) -> None:
    """Add a file of addresses, one a line."""
    with unscoped("the operator adds to the platform's own list") as session:
        taken, bad = act.add_platform_many(session, (line for line in file if line.strip()), note, _BY)
    for text in bad[:20]:
        click.echo(f"Not an address: {text[:254]!r}", err=True)
    click.echo(f"{taken} addresses are on the list; {len(bad)} lines are no addresses.")


@suppressions.command()
@click.argument("email")
def remove(email: str) -> None:
    """Let everybody write to an address again."""
    with unscoped("the operator takes an address off the platform's own list") as session:
        act.remove_platform(session, email)
    click.echo(f"{email} can get mail again.")


@suppressions.command()
@click.argument("email")
def check(email: str) -> None:
    """Tell whether an address is on the platform's list; exit code 1 when it is."""
    with unscoped("the operator looks at the platform's own list") as session:
        row = act.find_platform(session, email)
    click.echo(f"{email} is on the list: {row.note} ({row.added_by})." if row else f"{email} is not on the list.")
    raise SystemExit(1 if row else 0)


@suppressions.command()
@click.option("--all", "everything", is_flag=True, help="Settled ones too.")
def alarms(everything: bool) -> None:
    """Show tenants that took more addresses off their lists in an hour than is plausible."""
    with unscoped("the operator looks at alarms of all tenants") as session:
        rows = act.list_alarms(session, open_only=not everything)
    for row in rows:
        state = f"settled by {row.settled_by}" if row.settled_at else "open"
        click.echo(f"{row.id}  {row.tenant_slug:<32} {row.removals:>6} addresses in an hour  {rfc3339(row.at)}  {state}")
    if not rows:
        click.echo("No alarms.")


@suppressions.command()
@click.argument("alarm", type=click.UUID)
def settle(alarm: UUID) -> None:
    """Note that you have looked at an alarm."""
    with unscoped("the operator settles an alarm") as session:
        act.settle_alarm(session, alarm, _BY)
    click.echo("Settled.")
