"""Rescue, shared pools and addresses, plans, notes: staff acts on the platform. Each stands in the platform's own activity, or the tenant's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.activity.service import record
from webapp.backoffice.models import StaffNote
from webapp.backoffice.service.notices import notify
from webapp.backoffice.types import NoticeKind
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.db import after_commit, raw_of
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.jobs import wake_delivery
from webapp.kernel.scope import Scope
from webapp.messages.service.claim import release_held, sweep
from webapp.settings import get_settings
from webapp.tenants import service as tenants
from webapp.tenants.models import Plan, Tenant
from webapp.tenants.types import LIMIT_KINDS, LimitName, SuspensionKind


def requeue_lost(scope: Scope) -> tuple[int, int]:
    """Take back at once what lost workers hold: ``(recipients freed, of which parked)``. The sweeper does the same by itself, later."""
    settings = get_settings()
    freed, parked = sweep(raw_of(scope.session), max_claims=settings.max_claims, silent_seconds=settings.lease_silence_seconds)
    record(scope, "queue.lost_requeued", "queue", None, None, {"recipients": freed, "parked": parked})
    after_commit(scope.session, wake_delivery)
    return freed, parked


def release_parked(scope: Scope) -> int:
    """Let everything go that waits for a person, of all tenants; paused bridges and suspended tenants stay held. Returns how many recipients."""
    released = release_held(raw_of(scope.session))
    record(scope, "queue.parked_released", "queue", None, None, {"recipients": released})
    after_commit(scope.session, wake_delivery)
    return released


def suspend_tenant(scope: Scope, reason: str, kind: SuspensionKind) -> Tenant:
    """Suspend, and write to the owners why and how to appeal. Raises as ``tenants.service.suspend``."""
    tenant = tenants.suspend(scope, reason, kind)
    links = "Links in mail you have sent lead to a warning until then." if kind is SuspensionKind.ABUSE else "Links in mail you have sent go on working."
    how = "Nothing is sent for now, and nothing can be changed; mail under way is held, not lost. Unsubscribe links always work."
    notify(scope, NoticeKind.SUSPENDED, [reason.strip(), f"{how} {links}", "You can answer on the page below; staff reads every appeal."])
    return tenant


def resume_tenant(scope: Scope) -> Tenant:
    """End a suspension, and write to the owners. Mail that was held goes."""
    tenant = tenants.resume(scope)
    notify(scope, NoticeKind.RESUMED, ["Your suspension is over. Mail that was held is on its way, and you can send again."])
    return tenant


def change_limits(scope: Scope, wanted: dict[LimitName, int | None], plan_id: UUID | None) -> list[str]:
    """Give a tenant a plan and limits of its own, None for the plan's. Returns what changed; the owners are told. A limit set by hand grows no more."""
    tenant = scope.session.get_one(Tenant, scope.tenant_id)
    before = {name: tenants.limit_of(scope, name) for name in wanted}
    if plan_id is not None and scope.session.get(Plan, plan_id) is None:
        raise NotFound("plan")
    if tenant.plan_id != plan_id:
        record(scope, "tenant.plan_set", "tenant", tenant.id, tenant.name, {"plan": [_plan_name(scope, tenant.plan_id), _plan_name(scope, plan_id)]})
        tenant.plan_id = plan_id
    if wanted.get(LimitName.DAILY_RECIPIENTS) != tenant.daily_limit:
        tenant.limit_grows = False
    for name, value in wanted.items():
        tenants.set_limit(scope, name, value)
    scope.session.flush()
    after = {name: tenants.limit_of(scope, name) for name in wanted}
    changed = [f"{LIMIT_KINDS[name].noun}: {_number(before[name])} → {_number(after[name])}" for name in wanted if before[name] != after[name]]
    if changed:
        facts = [(LIMIT_KINDS[name].noun.capitalize(), _number(after[name])) for name in wanted]
        notify(scope, NoticeKind.LIMITS_CHANGED, ["Staff has changed what your organisation may send."], facts)
    return changed


def add_note(scope: Scope, text: str) -> StaffNote:
    """Note something about a tenant, for staff only. Raises ``ValidationFailed``."""
    words = text.replace("\x00", "").strip()
    if not 1 <= len(words) <= 4000:
        raise ValidationFailed("Write 1 to 4,000 characters.", param="text")
    note = StaffNote(id=uuid7(), tenant_id=scope.tenant_id, author=scope.actor.name, text=words)
    scope.session.add(note)
    return note


def save_plan(scope: Scope, plan_id: UUID | None, name: str, description: str, limits: dict[LimitName, int]) -> Plan:
    """Make or change a plan; tenants on it have its limits within five seconds. Raises ``NotFound``, ``Conflict`` for a taken name, ``ValidationFailed``."""
    cleaned = " ".join(name.split())
    if not 1 <= len(cleaned) <= 60:
        raise ValidationFailed("Give the plan a name of 1 to 60 characters.", param="name")
    plan = scope.session.get(Plan, plan_id) if plan_id else Plan(id=uuid7(), name=cleaned)
    if plan is None:
        raise NotFound("plan")
    values: dict[str, Any] = {limit.value: value for limit, value in limits.items()}
    changes = {"limits": [plan.limits or {}, values]}
    with refuse_on(scope.session, "uq_plans_name", Conflict("There is a plan of this name.", param="name")):
        plan.name, plan.description, plan.limits = cleaned, description.strip()[:500], values
        scope.session.add(plan)
    record(scope, "plan.changed" if plan_id else "plan.created", "plan", plan.id, plan.name, changes)
    return plan


def delete_plan(scope: Scope, plan_id: UUID) -> None:
    """Raises ``NotFound``, and ``Conflict`` while tenants have it."""
    plan = scope.session.get(Plan, plan_id)
    if plan is None:
        raise NotFound("plan")
    if users := scope.session.scalar(sa.select(sa.func.count()).select_from(Tenant).where(Tenant.plan_id == plan_id)):
        raise Conflict(f"{users} tenants have this plan; give them another one first.")
    record(scope, "plan.deleted", "plan", plan.id, plan.name)
    scope.session.delete(plan)


def _plan_name(scope: Scope, plan_id: UUID | None) -> str | None:
    return scope.session.scalar(sa.select(Plan.name).where(Plan.id == plan_id)) if plan_id else None


def _number(value: int | None) -> str:
    return "unlimited" if value is None else f"{value:,}"
