"""Acts of and on a bridge's guard: raise an alarm, choose limits, exempt, begin anew. Each concerns one bridge and leaves its siblings alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.activity.service import record
from webapp.bridges.guard_rules import limits_of
from webapp.bridges.models import Bridge, BridgeGuard, GuardAlarm
from webapp.bridges.queries import get_bridge
from webapp.bridges.service.secrets import forget
from webapp.bridges.service.telling import announce_pause
from webapp.bridges.types import Finding, GuardAction, GuardRule
from webapp.kernel.clock import now
from webapp.kernel.errors import Forbidden, Problem, ValidationFailed
from webapp.kernel.jobs import QueueName, enqueue_after_commit
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import ActorKind, Scope
from webapp.settings import get_settings

#: Owners are warned of the same thing at most this often.
_WARNING_REST = timedelta(hours=24)
_LONGEST_EXEMPTION = timedelta(days=90)
_MOST = {"bounce_warn": "bounce", "bounce_pause": "bounce", "complaint_warn": "complaint", "complaint_pause": "complaint", "spike_factor": "spike"}
SHORTEST_NOTE = 5


def raise_alarm(scope: Scope, finding: Finding) -> GuardAlarm | None:
    """Note a finding, and pause its bridge when that is what it leads to. None when there is nothing (more) to do.

    Safe when several workers found the same: the bridge's row is locked, and a paused bridge, an open alarm of the same rule, and a finding from
    before counting began anew change nothing. An exempt bridge is warned instead of paused.
    """
    bridge = scope.session.scalar(sa.select(Bridge).where(Bridge.id == finding.bridge_id, Bridge.deleted_at.is_(None)).with_for_update())
    if bridge is None or bridge.paused_at is not None:
        return None
    guard = scope.session.get(BridgeGuard, bridge.id)
    if (guard.counted_from if guard else None) != finding.counted_from:
        return None
    if finding.action is GuardAction.PAUSE and guard is not None and guard.exempt_until is not None and guard.exempt_until > now():
        finding = replace(finding, action=GuardAction.WARN)
    if _was_raised(scope, finding):
        return None
    alarm = GuardAlarm(
        tenant_id=scope.tenant_id, bridge_id=bridge.id, rule=finding.rule, action=finding.action, text=finding.text, figures=finding.figures
    )
    scope.session.add(alarm)
    if finding.action is GuardAction.PAUSE:
        bridge.paused_at, bridge.pause_reason = now(), finding.text
        announce_pause(scope, bridge, finding.text)
    scope.session.flush()
    action = "bridge.tripped" if finding.action is GuardAction.PAUSE else "bridge.warned"
    record(scope, action, "bridge", bridge.id, bridge.name, {"rule": finding.rule.value, "why": finding.text, **finding.figures})
    forget(scope, bridge.id)
    enqueue_after_commit(scope.session, QueueName.DEFAULT, "worker.jobs.guard.send_letters", 0)
    return alarm


def _was_raised(scope: Scope, finding: Finding) -> bool:
    """Whether the owners know: an open alarm of this rule, or a warning of the last day. Each new sender is found once."""
    if finding.rule is GuardRule.SENDER:
        return False
    wanted = sa.select(GuardAlarm.id).where(GuardAlarm.bridge_id == finding.bridge_id, GuardAlarm.rule == finding.rule, GuardAlarm.action == finding.action)
    is_open, is_recent = GuardAlarm.ended_at.is_(None), GuardAlarm.created_at > now() - _WARNING_REST
    known = sa.or_(is_open, is_recent) if finding.action is GuardAction.WARN else is_open
    return scope.session.scalar(wanted.where(known).limit(1)) is not None


def set_limits(scope: Scope, bridge_id: UUID, changes: Mapping[str, Any]) -> BridgeGuard:
    """Choose a bridge's limits and what spikes and new senders lead to; None goes back to the platform's.

    Raises ``ValidationFailed`` naming the field: above what the platform allows, or a warning that would come after the pause.
    """
    scope.require(Permission.BRIDGE_UPDATE)
    bridge = get_bridge(scope, bridge_id)
    _check_limits(changes)
    guard = guard_row(scope, bridge)
    changed = {name: [getattr(guard, name), value] for name, value in changes.items() if getattr(guard, name) != value}
    for name, (_, value) in changed.items():
        setattr(guard, name, value)
    limits = limits_of(guard, get_settings())
    for rule in ("bounce", "complaint"):
        if getattr(limits, f"{rule}_warn") > getattr(limits, f"{rule}_pause"):
            raise ValidationFailed("The warning must come before the pause: choose a lower share.", param=f"{rule}_warn")
    if changed:
        scope.session.flush()
        record(scope, "bridge.guard_changed", "bridge", bridge.id, bridge.name, changed)
    return guard


def _check_limits(changes: Mapping[str, Any]) -> None:
    settings, problems = get_settings(), []
    for name, kind in _MOST.items():
        value, most = changes.get(name), getattr(settings, f"guard_{kind}_most")
        least = 2.0 if kind == "spike" else 0.0001
        if value is not None and not least <= value <= most:
            problems.append(Problem(name, f"Choose between {least:g} and {most:g}, the most this platform allows."))
    if problems:
        raise ValidationFailed.of(problems)


def guard_row(scope: Scope, bridge: Bridge) -> BridgeGuard:
    """The bridge's row, made when it has none yet; locked until the unit of work ends."""
    scope.session.execute(sa.select(Bridge.id).where(Bridge.id == bridge.id).with_for_update())
    guard = scope.session.get(BridgeGuard, bridge.id, populate_existing=True)
    if guard is None:
        guard = BridgeGuard(bridge_id=bridge.id, tenant_id=scope.tenant_id)
        scope.session.add(guard)
        scope.session.flush()
    return guard


def begin_anew(scope: Scope, bridge: Bridge, note: str | None) -> None:
    """A person resumes a bridge that its guard paused: what was counted so far counts no more, and its alarms end with the person's note.

    Raises ``ValidationFailed`` without a note. Does nothing when it was a person who had paused it.
    """
    alarms = scope.session.scalars(sa.select(GuardAlarm).where(GuardAlarm.bridge_id == bridge.id, GuardAlarm.ended_at.is_(None))).all()
    if not any(alarm.action == GuardAction.PAUSE for alarm in alarms):
        return
    said = " ".join((note or "").split())
    if len(said) < SHORTEST_NOTE:
        raise ValidationFailed("The guard paused this bridge: say in a few words what was found and done, so that others can read it later.", param="note")
    for alarm in alarms:
        alarm.ended_at, alarm.ended_by, alarm.note = now(), scope.actor.name, said
    guard = guard_row(scope, bridge)
    guard.counted_from, guard.baseline, guard.figures = now(), None, None


def exempt(scope: Scope, bridge_id: UUID, until: datetime, note: str) -> BridgeGuard:
    """Staff lets a bridge send until a day whatever its figures; its owners are warned all the same.

    Raises ``Forbidden`` for tenants' own people and keys, ``ValidationFailed`` for a day past or too far, or without a note.
    """
    bridge, said = _by_staff(scope, bridge_id), " ".join(note.split())
    if not now() < until <= now() + _LONGEST_EXEMPTION:
        raise ValidationFailed(f"An exemption lasts until a day within the next {_LONGEST_EXEMPTION.days} days.", param="until")
    if len(said) < SHORTEST_NOTE:
        raise ValidationFailed("Say in a few words why.", param="note")
    guard = guard_row(scope, bridge)
    guard.exempt_until, guard.exempt_note, guard.exempt_by = until, said, scope.actor.name
    record(scope, "bridge.exempted", "bridge", bridge.id, bridge.name, {"until": until, "note": said})
    return guard


def end_exemption(scope: Scope, bridge_id: UUID) -> BridgeGuard:
    """Watch a bridge again as any other. Raises ``Forbidden`` as ``exempt`` does."""
    bridge = _by_staff(scope, bridge_id)
    guard = guard_row(scope, bridge)
    if guard.exempt_until is not None:
        guard.exempt_until = guard.exempt_note = guard.exempt_by = None
        record(scope, "bridge.exemption_ended", "bridge", bridge.id, bridge.name)
    return guard


def _by_staff(scope: Scope, bridge_id: UUID) -> Bridge:
    if scope.actor.kind not in (ActorKind.STAFF, ActorKind.SYSTEM):
        raise Forbidden("Only support staff exempts a bridge from its guard; ask them.")
    return get_bridge(scope, bridge_id)
