"""Holding mail back, and draining: by tenants for what is theirs, by the operator for everything. Rows, so that a restart forgets nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.activity.service import record
from webapp.bridges.models import Bridge
from webapp.kernel.clock import now
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.db import after_commit
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.jobs import wake_delivery
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.pace.models import SendingHold
from webapp.pace.types import PROVIDERS, HoldKind, Subject, provider_name
from webapp.pools.models import Pool
from webapp.tenants.models import Tenant

#: Held mail is looked at this often, so mail that waits for its next attempt goes on by itself that long after a release; the rest at once.
HOLD_SECONDS = 600
_WAKE = """
update queue_entries set due_at = now() where lease_until is null and held is null and not scheduled and attempt = 0
and due_at > now() and due_at <= now() + make_interval(secs => :seconds) and {where}
"""
_COLUMN = {Subject.TENANT: "tenant_id", Subject.BRIDGE: "bridge_id", Subject.POOL: "pool_id"}


@dataclass(frozen=True, slots=True)
class HoldWish:
    """What to hold or drain. ``subject_id`` of a tenant, bridge or pool; ``provider`` of a provider; ``tenant_id``: whose mail, None for everybody's."""

    kind: HoldKind
    subject: Subject
    reason: str
    subject_id: UUID | None = None
    provider: str | None = None


def hold_back(scope: Scope, wish: HoldWish) -> SendingHold:
    """Hold or drain the tenant itself, one of its bridges or pools, or its mail to one provider.

    Raises ``NotFound``, ``Conflict`` when it is in force already, ``ValidationFailed`` for a provider that is drained.
    """
    scope.require(Permission.POOL_UPDATE)
    subject_id = scope.tenant_id if wish.subject is Subject.TENANT else wish.subject_id
    hold = add_hold(scope.session, wish, scope.tenant_id, subject_id, made_by=scope.actor.name)
    record(scope, f"sending.{hold.kind}", hold.subject, hold.subject_id or hold.id, hold.label, {"reason": hold.reason})
    return hold


def add_hold(session: Session, wish: HoldWish, tenant_id: UUID | None, subject_id: UUID | None, *, made_by: str, by_staff: bool = False) -> SendingHold:
    """The row of a hold, for services and the operator's command. ``tenant_id``: whose mail it is about. Raises as ``hold_back``."""
    if wish.subject is Subject.PROVIDER and wish.kind is HoldKind.DRAIN:
        raise ValidationFailed("A provider is held, not drained: new mail is addressed to people, not to providers.", param="kind")
    label = _label(session, wish, subject_id, tenant_id)
    hold = SendingHold(
        tenant_id=tenant_id, kind=wish.kind, subject=wish.subject, subject_id=subject_id if wish.subject is not Subject.PROVIDER else None,
        provider=wish.provider if wish.subject is Subject.PROVIDER else None, label=label, reason=wish.reason, made_by=made_by, by_staff=by_staff,
    )  # fmt: skip
    with refuse_on(session, "uq_sending_holds_in_force", Conflict(f"{label} is on {wish.kind} already.")):
        session.add(hold)
    return hold


def _label(session: Session, wish: HoldWish, subject_id: UUID | None, tenant_id: UUID | None) -> str:
    if wish.subject is Subject.PROVIDER:
        if not wish.provider:
            raise ValidationFailed(f"Name the provider: one of {', '.join(PROVIDERS)}, or a domain.", param="provider")
        return provider_name(wish.provider)
    model: Any = {Subject.TENANT: Tenant, Subject.BRIDGE: Bridge, Subject.POOL: Pool}[wish.subject]
    found = session.scalar(sa.select(model).where(model.id == subject_id)) if subject_id else None
    if found is None or (wish.subject is Subject.POOL and found.tenant_id != tenant_id):
        if found is not None:
            raise Conflict("This pool is shared by the platform; hold your own tenant or bridge instead.")
        raise NotFound(wish.subject.value)
    return str(found.name)


def release_hold(scope: Scope, hold_id: UUID) -> SendingHold:
    """Let held mail go, or take new mail again. Raises ``NotFound``, and ``Conflict`` for a hold that staff made or that is over."""
    scope.require(Permission.POOL_UPDATE)
    hold = scope.session.scalar(sa.select(SendingHold).where(SendingHold.id == hold_id))
    if hold is None:
        raise NotFound("hold")
    if hold.tenant_id != scope.tenant_id or hold.by_staff:
        raise Conflict("The platform's operator holds this back; ask support to release it.")
    end_hold(scope.session, hold, scope.actor.name)
    record(scope, "sending.released", hold.subject, hold.subject_id or hold.id, hold.label)
    return hold


def end_hold(session: Session, hold: SendingHold, released_by: str) -> None:
    """End a hold and make what waited for it due. Raises ``Conflict`` when it is over already."""
    if hold.released_at is not None:
        raise Conflict("This was released already.")
    hold.released_at, hold.released_by = now(), released_by
    if hold.kind == HoldKind.HOLD:
        column = _COLUMN.get(Subject(hold.subject))
        where = f"{column} = :subject" if column else ("tenant_id = :tenant" if hold.tenant_id else "true")
        values = {"seconds": HOLD_SECONDS, **({"subject": hold.subject_id} if column else {"tenant": hold.tenant_id} if hold.tenant_id else {})}
        session.flush()
        session.execute(sa.text(_WAKE.format(where=where)), values)
        after_commit(session, wake_delivery)
