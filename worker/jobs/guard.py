"""The guard of bridges: a look at everybody's figures and senders every few seconds, letters about what it found, and the queues of paused bridges."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from webapp.bridges import service as bridges
from webapp.bridges.models import Bridge
from webapp.bridges.types import Finding
from webapp.kernel.addresses import parse_address
from webapp.kernel.clock import now
from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.errors import DomainError
from webapp.kernel.jobs import answer_wake, wake_delivery
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import SYSTEM, Scope
from webapp.messages import service as messages
from webapp.messages.service.held import free_queue, hold_queue
from webapp.messages.service.senders import senders_since
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from webapp.settings import get_settings
from webapp.stats.service import busiest_hours, watch_bridges
from webapp.tenants.service import system_tenant_id
from worker.runtime import unit_of_work

log = structlog.get_logger()
#: Recipients held or let go in one transaction.
_BATCH = 5000


def watch(slot: int) -> int:
    """Judge all bridges, stop those that must be stopped, and settle their queues. Returns how many alarms were raised."""
    answer_wake("worker.jobs.guard.watch", slot)
    raised = _watch_senders()
    for finding in _judge():
        with unit_of_work(finding.tenant_id) as scope:
            raised += _raise(scope, finding)
    settle(slot)
    return raised


def _watch_senders() -> int:
    """Alarms are raised in the transaction that remembers the senders: a crash in between loses neither."""
    with unscoped("the guard looks at the senders of all tenants' bridges") as session:
        if not bridges.take_turn(session):
            return 0
        moment = now()
        rows = senders_since(raw_of(session), bridges.senders_due_since(session, moment))
        found = bridges.judge_senders(session, [bridges.SeenSender(*row) for row in rows], moment)
        return sum(_raise(Scope(session, finding.tenant_id, SYSTEM, PermissionSet({"*"})), finding) for finding in found)


def _judge() -> list[Finding]:
    with unscoped("the guard looks at the figures of all tenants' bridges") as session:
        if not bridges.take_turn(session):
            return []
        moment, raw = now(), raw_of(session)
        watched = watch_bridges(raw, bridges.window_start(moment, get_settings()), moment)
        days = get_settings().guard_history_days
        return bridges.judge_figures(session, watched, lambda busy, at: busiest_hours(raw, busy, at, days), moment)


def _raise(scope: Scope, finding: Finding) -> int:
    alarm = bridges.raise_alarm(scope, finding)
    if alarm is not None:
        log.warning("bridge_alarm", bridge_id=str(finding.bridge_id), rule=alarm.rule, action=alarm.action, **finding.figures)
    return int(alarm is not None)


def settle(slot: int) -> int:
    """Hold the due mail of paused bridges, and let go that of resumed ones. Several workers share the work; a lost wake-up is made up by ``watch``."""
    answer_wake("worker.jobs.guard.settle", slot)
    with unscoped("mail of all tenants' paused and resumed bridges") as session:
        waiting = bridges.list_unsettled(session)
    freed = sum(_settle(tenant_id, bridge_id) for tenant_id, bridge_id in waiting)
    if freed:
        wake_delivery()
    return freed


def _settle(tenant_id: UUID, bridge_id: UUID) -> int:
    """Batch by batch; the bridge's row says what is right at that very moment, and is not changed meanwhile."""
    freed = 0
    while True:
        with unscoped("one bridge's queue") as session:
            paused = _is_paused(session, bridge_id)
            if paused is None:
                return freed
            moved = (hold_queue if paused else free_queue)(raw_of(session), tenant_id, bridge_id, _BATCH)
            if paused and moved:
                bridges.note_held(session, bridge_id, held=True)
            if moved < _BATCH and not paused:
                bridges.note_held(session, bridge_id, held=False)
        freed += 0 if paused else moved
        if moved < _BATCH:
            return freed


def _is_paused(session: Session, bridge_id: UUID) -> bool | None:
    """None when another worker settles this bridge. The lock makes a resume wait for the batch."""
    row = session.execute(sa.select(Bridge.paused_at).where(Bridge.id == bridge_id).with_for_update(skip_locked=True)).one_or_none()
    return None if row is None else row[0] is not None


def send_letters(slot: int) -> int:
    """Hand over the letters that wait. Each carries an idempotency key, so that a crash in between writes to nobody twice."""
    answer_wake("worker.jobs.guard.send_letters", slot)
    with unscoped("letters about alarms to the owners of all tenants") as session:
        tenant_id, waiting = system_tenant_id(session), bridges.list_unmailed(session)
    for alarm in waiting:
        try:
            for number, address in enumerate(alarm.to):
                with unit_of_work(tenant_id) as scope:
                    messages.accept(scope, submission_of(bridges.write_letter(alarm, address), f"bridge-alarm-{alarm.id}-{number}"))
        except DomainError as error:
            log.warning("bridge_alarm_refused", alarm_id=str(alarm.id), error=error.message)
            continue
        with unscoped("the letters were handed over") as session:
            bridges.mark_mailed(session, alarm.id)
    return len(waiting)


def submission_of(letter: bridges.AlarmLetter, key: str) -> MessageSubmission:
    """The letter as every door hands its mail in."""
    return MessageSubmission(
        from_address=parse_address(get_settings().system_from), recipients=(RecipientInput(parse_address(letter.to)),), subject=letter.subject,
        door=Door.SYSTEM, html=letter.html, text=letter.text, tags=("bridge-alarm",), headers=(("Auto-Submitted", "auto-generated"),), idempotency_key=key,
    )  # fmt: skip
