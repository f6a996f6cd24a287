"""`postbridge queue`: what is in flight, and by whom it is held up."""

from __future__ import annotations

import json

import click
import sqlalchemy as sa

from webapp.kernel.db import raw_of, unscoped
from webapp.messages.service.claim import release_held

_SUMS = {
    "state": "case when held is not null then 'held' when lease_until is not null then 'sending' when scheduled then 'scheduled' "
    "when attempt > 0 then 'deferred' else 'queued' end",
    "domain": "domain",
    "tenant": "(select slug from tenants t where t.id = queue_entries.tenant_id)",
    "bridge": "coalesce((select name from bridges b where b.id = queue_entries.bridge_id), '(no bridge)')",
}


@click.group(invoke_without_command=True)
@click.option("--by", type=click.Choice(list(_SUMS)), default="state", help="What to group by.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
@click.pass_context
def queue(ctx: click.Context, by: str, as_json: bool) -> None:
    """What is in flight: how many recipients, how old the oldest is, when the next is due."""
    if ctx.invoked_subcommand:
        return
    statement = (
        f"select {_SUMS[by]} as what, count(*) as recipients, coalesce(extract(epoch from now() - min(created_at)), 0)::int as oldest, "
        "extract(epoch from min(due_at) - now())::int as due from queue_entries group by 1 order by 2 desc limit 50"
    )
    with unscoped("the operator looks at the queue") as session:
        rows = [dict(row._mapping) for row in session.execute(sa.text(statement))]
    if as_json:
        click.echo(json.dumps(rows))
    elif not rows:
        click.echo("The queue is empty.")
    else:
        click.echo(f"{by:<40} {'recipients':>10} {'oldest':>10} {'next due':>10}")
        for row in rows:
            due = "now" if row["due"] <= 0 else f"in {_duration(row['due'])}"
            click.echo(f"{row['what']!s:<40} {row['recipients']:>10} {_duration(row['oldest']):>10} {due:>10}")


def _duration(seconds: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


@queue.command("release")
@click.option("--message", help="Only this message's recipients.")
def release(message: str | None) -> None:
    """Let held recipients (parked, or long past their time) go again."""
    with unscoped("the operator releases held mail") as session:
        count = release_held(raw_of(session), message)
    click.echo(f"Released {count} recipients.")
