"""`postbridge hold`, `drain`, `release`, `throttle` and `warmup`: the operator's hand on the pace. Rows, so that restarts forget nothing."""

from __future__ import annotations

import getpass
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.bridges.models import Bridge
from webapp.cli.tenant import find_tenant
from webapp.kernel.clock import now, rfc3339
from webapp.kernel.db import unscoped
from webapp.kernel.errors import NotFound
from webapp.pace.models import SendingHold, Throttle
from webapp.pace.queries import list_all_throttles
from webapp.pace.service import HoldWish, add_hold, check_provider, end_hold, end_throttle, make_plans, set_throttle
from webapp.pace.types import WARMUP_PROVIDERS, WARMUP_STEPS, HoldKind, Subject, provider_name
from webapp.pools.models import IpAddress, Pool

_SUBJECT = click.Choice([subject.value for subject in Subject])


def _who() -> str:
    return f"{getpass.getuser()} (command line)"


def _subject(session: Session, subject: Subject, name: str) -> tuple[UUID | None, UUID | None, str | None]:
    """``(whose mail, subject id, provider)`` of what a person named: a tenant's slug, a bridge's or pool's id, a provider. Raises ``NotFound``."""
    if subject is Subject.PROVIDER:
        return None, None, check_provider(name)
    if subject is Subject.TENANT:
        tenant = find_tenant(name)
        return tenant.id, tenant.id, None
    model: Any = Bridge if subject is Subject.BRIDGE else Pool
    try:
        found = session.scalar(sa.select(model).where(model.id == UUID(name)))
    except ValueError:
        raise click.BadParameter("give the id of the bridge or pool") from None
    if found is None:
        raise NotFound(subject.value)
    return found.tenant_id, found.id, None


def _hold(kind: HoldKind, subject: str, name: str, reason: str) -> None:
    what = Subject(subject)
    with unscoped("the operator holds mail back") as session:
        tenant_id, subject_id, provider = _subject(session, what, name)
        hold = add_hold(session, HoldWish(kind, what, reason, subject_id, provider), tenant_id, subject_id, made_by=_who(), by_staff=True)
        click.echo(f"{hold.label} ({hold.subject}) is on {hold.kind}: {reason}")


@click.command()
@click.argument("subject", type=_SUBJECT)
@click.argument("name")
@click.option("--reason", required=True, help="Shown to the tenant.")
def hold(subject: str, name: str, reason: str) -> None:
    """Hold mail back: it is taken and waits. NAME is a tenant's slug, the id of a bridge or pool, or a provider such as google."""
    _hold(HoldKind.HOLD, subject, name, reason)


@click.command()
@click.argument("subject", type=click.Choice(["tenant", "bridge", "pool"]))
@click.argument("name")
@click.option("--reason", required=True, help="Shown to the tenant.")
def drain(subject: str, name: str, reason: str) -> None:
    """Take nothing new; what waits leaves. For what is to be taken out of service."""
    _hold(HoldKind.DRAIN, subject, name, reason)


@click.command()
@click.argument("subject", type=_SUBJECT)
@click.argument("name")
def release(subject: str, name: str) -> None:
    """Release what was held or is drained: mail is due at once."""
    with unscoped("the operator releases what was held back") as session:
        tenant_id, subject_id, provider = _subject(session, Subject(subject), name)
        same = (SendingHold.tenant_id.is_not_distinct_from(tenant_id), SendingHold.subject_id.is_not_distinct_from(subject_id))
        wanted = sa.select(SendingHold).where(*same, SendingHold.subject == subject, SendingHold.provider.is_not_distinct_from(provider))
        found = session.scalars(wanted.where(SendingHold.released_at.is_(None))).all()
        for one in found:
            end_hold(session, one, _who())
    if not found:
        raise click.ClickException("Nothing of this is held back or drained.")
    click.echo(f"Released {len(found)}: {', '.join(one.label for one in found)}.")


@click.group(invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="The history too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_context
def throttle(ctx: click.Context, everything: bool, as_json: bool) -> None:
    """What is slowed, paused or left out, until when and why."""
    if ctx.invoked_subcommand:
        return
    with unscoped("the operator looks at throttles") as session:
        rows = list_all_throttles(session, in_force=None if everything else True).items
    if as_json:
        click.echo(json.dumps([_as_json(row) for row in rows]))
    for row in rows if not as_json else ():
        over = f" (over: {row.ended_why})" if row.ended_at else ""
        click.echo(f"{row.id}  {provider_name(row.provider)} on {row.source_label}: {row.action} until {row.until:%Y-%m-%d %H:%M} UTC, {row.reason}{over}")
    if not rows and not as_json:
        click.echo("Nothing is throttled.")


def _as_json(row: Throttle) -> dict[str, Any]:
    times = {"until": rfc3339(row.until), "ended_at": rfc3339(row.ended_at)}
    return {"id": str(row.id), "source": row.source_label, "provider": row.provider, "action": row.action, "rate": row.rate, "reason": row.reason, **times}


@throttle.command("lift")
@click.argument("throttle_id", type=click.UUID)
def lift(throttle_id: UUID) -> None:
    """End a throttle now."""
    with unscoped("the operator lifts a throttle") as session:
        found = session.get(Throttle, throttle_id)
        if found is None:
            raise NotFound("throttle")
        end_throttle(session, found, _who())
    click.echo("Lifted.")


@throttle.command("set")
@click.argument("provider")
@click.option("--rate", type=float, help="Messages a second over all addresses; left out: a pause.")
@click.option("--minutes", type=int, required=True)
@click.option("--reason", required=True)
def set_(provider: str, rate: float | None, minutes: int, reason: str) -> None:
    """Slow or pause mail to a provider on every address, for some minutes."""
    with unscoped("the operator throttles a provider") as session:
        made = set_throttle(session, provider=provider, minutes=minutes, reason=reason, rate=rate, who=_who())
    click.echo(f"{provider_name(made.provider)} is {'paused' if rate is None else 'slowed'} until {now() + timedelta(minutes=minutes):%H:%M} UTC.")


@click.command()
@click.argument("address")
@click.option("--provider", "providers", multiple=True, help="Only these; left out: the four largest and all others.")
def warmup(address: str, providers: tuple[str, ...]) -> None:
    """Warm up one of our IP addresses: plans that raise its volume day by day, for each provider by itself."""
    with unscoped("the operator warms up an address") as session:
        found = session.scalar(sa.select(IpAddress).where(IpAddress.address == address))
        if found is None:
            raise NotFound("IP address")
        plans = make_plans(session, found, [check_provider(p) for p in providers] or WARMUP_PROVIDERS, WARMUP_STEPS)
    click.echo(f"{address} warms up towards {', '.join(provider_name(plan.provider) for plan in plans)}, from {WARMUP_STEPS[0]} recipients today.")
