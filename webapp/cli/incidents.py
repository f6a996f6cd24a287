"""`postbridge incidents`: undo bounces that were the platform's fault, in one tenant or in all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from webapp.cli.tenant import find_tenant
from webapp.incidents import queries, service
from webapp.incidents.types import BounceFilter, IncidentStatus
from webapp.kernel.clock import parse_rfc3339, rfc3339
from webapp.kernel.db import unscoped
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Actor, ActorKind


class _Time(click.ParamType[datetime]):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        moment = parse_rfc3339(str(value))
        if moment is None:
            self.fail("write it as 2026-06-01T09:00:00Z", param, ctx)
        return moment.astimezone(UTC)


def _filters(command: Any) -> Any:
    for option in (
        click.option("--since", type=_Time(), required=True, help="Beginning, such as 2026-06-01T09:00:00Z."),
        click.option("--until", type=_Time(), required=True, help="End; at most 31 days later."),
        click.option("--provider", help="Domain of the recipients, or of the servers that answered."),
        click.option("--member", "member_id", type=click.UUID, help="The pool member the mail went through."),
        click.option("--class", "reply_class", help="Class of the reply, such as hard.unknown_user."),
        click.option("--text", help="Words in the server's reply."),
    ):
        command = option(command)
    return command


@click.group()
def incidents() -> None:
    """Bounces that were our fault: look what undoing them would do, undo them, see what was done."""


@incidents.command()
@_filters
@click.option("--tenant", help="Slug; left out: all tenants.")
def preview(tenant: str | None, **filters: Any) -> None:
    """Tell what undoing these bounces would do now; changes nothing."""
    wanted = BounceFilter(**filters)
    service.check(wanted)
    tenant_id = find_tenant(tenant).id if tenant else None
    with unscoped("the operator previews an incident") as session:
        found = queries.preview(session, wanted, tenant_id)
    click.echo(f"{found.recipients} bounces of {found.tenants} tenants; {found.requeued} would be sent again, {found.suppressions} suppressions lifted.")
    for reason, number in found.kept.items():
        click.echo(f"  {number} would not be sent again: {reason}")
    for sample in found.samples:
        click.echo(f"  {rfc3339(sample.at)} {sample.address}: {sample.reply or sample.reply_class}")


@incidents.command()
@_filters
@click.option("--note", required=True, help="What happened; every tenant concerned reads it.")
@click.option("--key", help="Any text of your own: the same command with it does nothing the second time.")
def undo(note: str, key: str | None, **filters: Any) -> None:
    """Undo these bounces in all tenants; the worker does it within seconds."""
    with unscoped("the operator undoes bounces of all tenants") as session:
        made = service.undo_everywhere(session, key or str(uuid7()), BounceFilter(**filters), note, Actor(ActorKind.SYSTEM, None, "Command line"))
        recipients = "under way" if any(row.status == IncidentStatus.RUNNING for row in made) else "done"
    click.echo(f"{len(made)} tenants, {recipients}. `postbridge incidents list` shows what came of it.")


@incidents.command("list")
def list_all() -> None:
    """Show what was undone, newest first."""
    with unscoped("the operator looks at incidents of all tenants") as session:
        rows = queries.list_incidents(session, limit=100).items
    for row in rows:
        figures = f"{row.recipients} bounces, {row.requeued} sent again, {row.lifted} suppressions lifted"
        click.echo(f"{row.group_id}  {rfc3339(row.created_at)}  {row.status:<8} {figures}  {row.actor_name}: {row.note}")
    if not rows:
        click.echo("Nothing was undone so far.")
