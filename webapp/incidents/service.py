"""Undoing bounces that were our fault: in batches of one transaction each, each recipient once, with everybody told who did it and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.activity.service import record
from webapp.bridges.service import get_bridge
from webapp.incidents import queries
from webapp.incidents.models import Incident
from webapp.incidents.types import BounceFilter, IncidentStatus, Kept, Preview
from webapp.kernel.addresses import canonical
from webapp.kernel.clock import now, parse_rfc3339, rfc3339
from webapp.kernel.db import after_commit, raw_of
from webapp.kernel.errors import Forbidden, NotFound, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.jobs import wake_delivery
from webapp.kernel.permissions import Permission, PermissionSet
from webapp.kernel.scope import Actor, ActorKind, Mode, Scope
from webapp.messages.service.lifting import Liftable, lift_bounces
from webapp.pools.models import PoolMember
from webapp.suppressions.service import find_blocked, lift_of_bounces, watch
from webapp.suppressions.types import Target

#: Recipients a transaction: small enough that nobody waits for its locks.
BATCH = 500
LONGEST_RANGE = timedelta(days=31)
SHORTEST_NOTE = 5
_KEYS = UUID("6f2b8f1e-5d1f-4c6e-9a53-0a5f6a4c7d21")


def check(wanted: BounceFilter, note: str | None = None) -> None:
    """Raises ``ValidationFailed``: a range that is none or too long; ``note``, when given, that says nothing."""
    if wanted.until <= wanted.since:
        raise ValidationFailed("The end must be after the beginning.", param="until")
    if wanted.until - wanted.since > LONGEST_RANGE:
        raise ValidationFailed(f"At most {LONGEST_RANGE.days} days at once.", param="since")
    if note is not None and len(note.strip()) < SHORTEST_NOTE:
        raise ValidationFailed("Say what happened, in a few words: it stands in the activity log and in every message's history.", param="note")


def look(scope: Scope, wanted: BounceFilter) -> Preview:
    """What undoing would do to the tenant's mail now. Raises ``ValidationFailed``."""
    scope.require(Permission.SUPPRESSION_READ)
    _check_own(scope, wanted)
    return queries.preview(scope.session, wanted, scope.tenant_id)


def undo(scope: Scope, key: str, wanted: BounceFilter, note: str) -> Incident:
    """Lift these bounces of the tenant's own mail and the suppressions they caused, and send again what is still of use.

    The first batch is done at once, the rest by the worker (``advance``). ``key`` is the caller's: a second call with it changes nothing and returns
    the first's incident. Raises ``ValidationFailed``, ``NotFound`` (bridge, pool member) and ``Forbidden`` for sandbox keys, which reach no live mail.
    """
    scope.require(Permission.SUPPRESSION_DELETE)
    scope.require(Permission.EMAIL_SEND)
    _check_own(scope, wanted, note)
    group_id = uuid5(_KEYS, f"{scope.tenant_id}:{key}")
    raw_of(scope.session).execute("select pg_advisory_xact_lock(hashtextextended('incident:' || %s, 0))", (str(group_id),))
    known = scope.session.scalar(sa.select(Incident).where(Incident.group_id == group_id))
    if known is not None:
        return known
    incident = _new(scope, group_id, wanted, note)
    advance(scope, incident)
    return incident


def undo_everywhere(session: Session, key: str, wanted: BounceFilter, note: str, actor: Actor) -> list[Incident]:
    """The same for the mail of all tenants, by staff or the operator: one incident in each tenant that is hit, done by the worker.

    The session must see all tenants. A second call with the same ``key`` changes nothing. Raises ``ValidationFailed``.
    """
    check(wanted, note)
    connection, group_id = raw_of(session), uuid5(_KEYS, f"platform:{key}")
    connection.execute("select pg_advisory_xact_lock(hashtextextended('incident:' || %s, 0))", (str(group_id),))
    known = list(session.scalars(sa.select(Incident).where(Incident.group_id == group_id).order_by(Incident.id)))
    if known:
        return known
    everything = PermissionSet({"*"})
    made = []
    for tenant_id in queries.tenants_hit(connection, wanted):
        made.append(_new(Scope(session, tenant_id, actor, everything), group_id, wanted, note))
    return made


def _check_own(scope: Scope, wanted: BounceFilter, note: str | None = None) -> None:
    """The filter is sound, and what it names is the tenant's."""
    if scope.mode is Mode.SANDBOX and scope.actor.kind is ActorKind.API_KEY:
        raise Forbidden("Incidents are about live mail, which a sandbox key does not reach.")
    check(wanted, note)
    if wanted.bridge_id is not None:
        get_bridge(scope, wanted.bridge_id)
    if wanted.member_id is not None and scope.session.scalar(sa.select(PoolMember.id).where(PoolMember.id == wanted.member_id)) is None:
        raise NotFound("pool member")


def _new(scope: Scope, group_id: UUID, wanted: BounceFilter, note: str) -> Incident:
    incident = Incident(
        id=uuid7(), tenant_id=scope.tenant_id, group_id=group_id, note=note.strip(), actor_kind=scope.actor.kind.value,
        actor_name=scope.actor.name, status=IncidentStatus.RUNNING.value, filters=filters_of(wanted), recipients=0, requeued=0, lifted=0, kept={},
    )  # fmt: skip
    scope.session.add(incident)
    scope.session.flush()
    record(scope, "incident.started", "incident", incident.id, incident.note, incident.filters)
    return incident


def advance(scope: Scope, incident: Incident, batch: int = BATCH) -> bool:
    """Do the next batch in the scope's transaction. True when nothing is left to do.

    The caller holds the incident's row. What a crash interrupts is rolled back as a whole and done by the next call.
    """
    if incident.status == IncidentStatus.DONE:
        return True
    connection = raw_of(scope.session)
    events = queries.next_block(connection, scope.tenant_id, filter_of(incident.filters), incident.position, batch)
    rows = queries.lock_bounces(connection, scope.tenant_id, events) if events else []
    if rows:
        _lift(scope, incident, rows)
    if events:
        incident.position = events[-1]
    if len(events) < batch:
        _finish(scope, incident)
    scope.session.flush()
    return incident.status == IncidentStatus.DONE


def _lift(scope: Scope, incident: Incident, rows: Sequence[Liftable]) -> None:
    connection = raw_of(scope.session)
    addresses = {row.recipient_id: canonical(row.address) for row in rows}
    by_tenant = incident.actor_kind not in (ActorKind.STAFF, ActorKind.SYSTEM)
    actor = Actor(ActorKind(incident.actor_kind), None, incident.actor_name)
    lifted = lift_of_bounces(scope.session, scope.tenant_id, addresses, incident.note, actor, "incident" if by_tenant else "platform")
    targets = [Target(row.recipient_id, scope.tenant_id, addresses[row.recipient_id], row.stream, row.list_key) for row in rows if row.kept is None]
    blocked = find_blocked(connection, targets)
    rows = [replace(row, kept=Kept.SUPPRESSED.value) if row.recipient_id in blocked else row for row in rows]
    requeued = lift_bounces(connection, scope.tenant_id, rows, {"incident": str(incident.id), "reason": incident.note})
    incident.recipients += len(rows)
    incident.requeued += requeued
    incident.lifted += len(lifted)
    incident.kept = dict(Counter(incident.kept) + Counter(row.kept for row in rows if row.kept))
    if lifted and by_tenant:
        watch(scope)
    if requeued:
        after_commit(scope.session, wake_delivery)


def _finish(scope: Scope, incident: Incident) -> None:
    incident.status, incident.finished_at = IncidentStatus.DONE.value, now()
    figures = {"recipients": incident.recipients, "requeued": incident.requeued, "suppressions_lifted": incident.lifted, **incident.kept}
    record(scope, "incident.undone", "incident", incident.id, incident.note, figures)


def filters_of(wanted: BounceFilter) -> dict[str, Any]:
    """A filter as the row and the activity log keep it."""
    plain = {name: rfc3339(value) if isinstance(value, datetime) else str(value) for name, value in asdict(wanted).items() if value is not None}
    return dict(plain)


def filter_of(kept: dict[str, Any]) -> BounceFilter:
    """The filter that ``filters_of`` wrote."""
    since, until = parse_rfc3339(kept["since"]), parse_rfc3339(kept["until"])
    assert since is not None and until is not None
    ids = {name: UUID(kept[name]) for name in ("member_id", "bridge_id") if name in kept}
    return BounceFilter(since, until, kept.get("provider"), ids.get("member_id"), ids.get("bridge_id"), kept.get("reply_class"), kept.get("text"))
