"""`postbridge guard`: what the guards of bridges see and stopped, and the operator's own hand on them."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import click
import sqlalchemy as sa

from webapp.bridges import service
from webapp.bridges.guard_view import view_of
from webapp.bridges.models import Bridge, BridgeGuard, GuardAlarm
from webapp.cli.tenant import operator_scope
from webapp.kernel.clock import now, rfc3339
from webapp.kernel.db import unscoped
from webapp.kernel.errors import NotFound
from webapp.tenants.models import Tenant


@click.group()
def guard() -> None:
    """Bridges that were stopped or warned; resume, exempt."""


def _tenant_of(bridge_id: UUID) -> str:
    with unscoped("the operator names a bridge of any tenant") as session:
        slug = session.scalar(sa.select(Tenant.slug).join(Bridge, Bridge.tenant_id == Tenant.id).where(Bridge.id == bridge_id))
    if slug is None:
        raise NotFound(f"bridge {bridge_id}; `postbridge guard list` shows those with alarms")
    return slug


@guard.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of lines.")
def list_alarms(as_json: bool) -> None:
    """Paused bridges, open alarms and exemptions of all tenants."""
    wanted = sa.select(Tenant.slug, Bridge, GuardAlarm, BridgeGuard).select_from(Bridge).join(Tenant, Tenant.id == Bridge.tenant_id)
    wanted = wanted.outerjoin(GuardAlarm, sa.and_(GuardAlarm.bridge_id == Bridge.id, GuardAlarm.ended_at.is_(None)))
    wanted = wanted.outerjoin(BridgeGuard, BridgeGuard.bridge_id == Bridge.id)
    noted = sa.or_(Bridge.paused_at.is_not(None), GuardAlarm.id.is_not(None), BridgeGuard.exempt_until > now())
    with unscoped("the operator looks at the guards of all tenants' bridges") as session:
        rows = [
            {
                "tenant": slug, "bridge_id": str(bridge.id), "bridge": bridge.name, "paused_at": rfc3339(bridge.paused_at),
                "alarm": alarm and alarm.action, "why": alarm.text if alarm else bridge.pause_reason,
                "exempt_until": rfc3339(chosen.exempt_until) if chosen and chosen.exempt_until else None,
            }
            for slug, bridge, alarm, chosen in session.execute(wanted.where(Bridge.deleted_at.is_(None), noted).order_by(Tenant.slug, Bridge.name))
        ]  # fmt: skip
    if as_json:
        click.echo(json.dumps(rows))
    elif not rows:
        click.echo("No bridge is paused, warned or exempt.")
    for row in rows if not as_json else ():
        state = "paused" if row["paused_at"] else "warned" if row["alarm"] else "exempt"
        until = f" (exempt until {row['exempt_until']})" if row["exempt_until"] else ""
        click.echo(f"{row['bridge_id']}  {row['tenant']}/{row['bridge']}  {state}{until}  {row['why'] or ''}")


@guard.command()
@click.argument("bridge_id", type=click.UUID)
@click.option("--note", required=True, help="What was found and done; the tenant reads it.")
def resume(bridge_id: UUID, note: str) -> None:
    """Let a bridge send again; counting begins anew."""
    with operator_scope(_tenant_of(bridge_id)) as scope:
        service.resume_bridge(scope, bridge_id, note)
    click.echo("The bridge takes mail again, and what was held leaves.")


@guard.command()
@click.argument("bridge_id", type=click.UUID)
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="How long.")
@click.option("--note", required=True, help="Why; the tenant reads it.")
def exempt(bridge_id: UUID, days: int, note: str) -> None:
    """Let a bridge send whatever its figures; its owners are warned all the same."""
    until = now() + timedelta(days=days)
    with operator_scope(_tenant_of(bridge_id)) as scope:
        service.exempt(scope, bridge_id, until, note)
    click.echo(f"Exempt until {until:%Y-%m-%d %H:%M} UTC.")


@guard.command("end-exemption")
@click.argument("bridge_id", type=click.UUID)
def end_exemption(bridge_id: UUID) -> None:
    """Watch a bridge again as any other."""
    with operator_scope(_tenant_of(bridge_id)) as scope:
        service.end_exemption(scope, bridge_id)
    click.echo("The guard watches it again.")


@guard.command()
@click.argument("bridge_id", type=click.UUID)
def show(bridge_id: UUID) -> None:
    """What the guard of one bridge sees, and its last alarms."""
    with operator_scope(_tenant_of(bridge_id)) as scope:
        seen = view_of(scope, service.get_bridge(scope, bridge_id))
    figures, limits = seen.figures, seen.limits
    click.echo(f"{seen.state}, over {seen.window_hours} hours")
    click.echo(f"hard bounces {figures.hard_bounced:,} of {figures.sent:,} sent: warn at {limits.bounce_warn:.3%}, pause at {limits.bounce_pause:.3%}")
    complaints = f"complaints {figures.complained:,} of {figures.delivered:,} delivered"
    click.echo(f"{complaints}: warn at {limits.complaint_warn:.3%}, pause at {limits.complaint_pause:.3%}")
    for alarm in seen.alarms:
        ended = f"ended {rfc3339(alarm.ended_at)} by {alarm.ended_by}: {alarm.note or '-'}" if alarm.ended_at else "open"
        click.echo(f"{rfc3339(alarm.created_at)}  {alarm.action:<6} {alarm.rule:<11} {alarm.text} ({ended})")
