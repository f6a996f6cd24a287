"""Acts on bridges themselves: make, change, pause, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.activity.service import record
from webapp.bridges import credentials
from webapp.bridges.models import Bridge, BridgeCredential
from webapp.bridges.queries import get_bridge
from webapp.bridges.service.guard import begin_anew
from webapp.bridges.service.secrets import forget
from webapp.bridges.service.telling import announce_pause
from webapp.bridges.types import Secrets, Stream
from webapp.kernel.addresses import BadAddress, domain_of, parse_address
from webapp.kernel.clock import now
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict, Forbidden, NotFound, Problem, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.jobs import QueueName, enqueue_after_commit
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Mode, Scope
from webapp.pools.models import Pool
from webapp.pools.service import get_default_pool, get_pool
from webapp.tenants.service import check_room, counts
from webapp.tenants.types import LimitName

_MAX_ALLOWED_FROM = 50


@dataclass(frozen=True, slots=True)
class BridgeInput:
    """What a person or key says about a new bridge. ``pool_id`` None: the default pool; ``mode`` None: the mode of whoever makes it."""

    name: str
    pool_id: UUID | None = None
    mode: Mode | None = None
    stream: Stream = Stream.TRANSACTIONAL
    track_opens: bool = False
    track_clicks: bool = False
    allowed_from: tuple[str, ...] = ()


def create_bridge(scope: Scope, data: BridgeInput) -> tuple[Bridge, Secrets]:
    """Make a bridge with SMTP credentials and a token, valid with the commit.

    Raises ``Conflict`` for a name in use, ``ValidationFailed`` for an unknown pool or unreadable ``allowed_from``, ``Forbidden`` for a live
    bridge made in sandbox mode, ``LimitExceeded`` when the tenant has all it may have.
    """
    scope.require(Permission.BRIDGE_CREATE)
    _check_mode(scope, data.mode)
    check_room(scope, LimitName.BRIDGES)
    pool = _pool(scope, data.pool_id)
    bridge = Bridge(
        id=uuid7(), tenant_id=scope.tenant_id, name=_named(data.name), pool_id=pool.id, mode=data.mode or scope.mode,
        stream=data.stream, track_opens=data.track_opens, track_clicks=data.track_clicks, allowed_from=normalise_senders(data.allowed_from),
    )  # fmt: skip
    with refuse_on(scope.session, "uq_bridges_name", _name_taken(bridge.name)):
        scope.session.add(bridge)
    credential = credentials.make_credential(bridge, credentials.new_username(), 1)
    scope.session.add(credential)
    scope.session.flush()
    record(scope, "bridge.created", "bridge", bridge.id, bridge.name, {"pool": pool.name, "mode": bridge.mode})
    return bridge, credentials.open_credential(credential)


def update_bridge(scope: Scope, bridge_id: UUID, changes: dict[str, Any]) -> Bridge:
    """Change ``name``, ``stream``, ``track_opens``, ``track_clicks`` or ``allowed_from``; pool, mode and credentials stay what they are."""
    scope.require(Permission.BRIDGE_UPDATE)
    bridge = get_bridge(scope, bridge_id)
    new = dict(changes)
    if "allowed_from" in new:
        new["allowed_from"] = normalise_senders(new["allowed_from"])
    if "name" in new:
        new["name"] = _named(new["name"])
    changed = {name: [getattr(bridge, name), value] for name, value in new.items() if getattr(bridge, name) != value}
    with refuse_on(scope.session, "uq_bridges_name", _name_taken(new.get("name", bridge.name))):
        for name in changed:
            setattr(bridge, name, new[name])
    if changed:
        action = "bridge.renamed" if changed.keys() == {"name"} else "bridge.updated"
        record(scope, action, "bridge", bridge.id, bridge.name, changed)
        forget(scope, bridge.id)
    return bridge


def set_tracking(scope: Scope, bridge_id: UUID, *, opens: bool | None = None, clicks: bool | None = None) -> Bridge:
    """Switch the pixel or the tracked links on or off; None leaves a switch alone. Holds for mail delivered from now on."""
    wanted = {"track_opens": opens, "track_clicks": clicks}
    return update_bridge(scope, bridge_id, {name: value for name, value in wanted.items() if value is not None})


def pause_bridge(scope: Scope, bridge_id: UUID, reason: str | None = None) -> Bridge:
    """Take no mail through this bridge until it is resumed; what was accepted waits as well. Pausing twice changes nothing."""
    scope.require(Permission.BRIDGE_UPDATE)
    bridge = get_bridge(scope, bridge_id)
    if bridge.paused_at is None:
        bridge.paused_at, bridge.pause_reason = now(), reason
        scope.session.flush()
        record(scope, "bridge.paused", "bridge", bridge.id, bridge.name, {"reason": reason} if reason else None)
        announce_pause(scope, bridge, reason)
        forget(scope, bridge.id)
        enqueue_after_commit(scope.session, QueueName.DEFAULT, "worker.jobs.guard.settle", 0)
    return bridge


def resume_bridge(scope: Scope, bridge_id: UUID, note: str | None = None) -> Bridge:
    """Take mail again, and let go what waited. Resuming what is not paused changes nothing.

    Raises ``ValidationFailed`` when the guard had paused it and ``note`` does not say what was found and done.
    """
    scope.require(Permission.BRIDGE_UPDATE)
    bridge = get_bridge(scope, bridge_id)
    scope.session.execute(sa.select(Bridge.id).where(Bridge.id == bridge.id).with_for_update())
    if bridge.paused_at is not None:
        begin_anew(scope, bridge, note)
        bridge.paused_at = bridge.pause_reason = None
        scope.session.flush()
        record(scope, "bridge.resumed", "bridge", bridge.id, bridge.name, {"note": note} if note else None)
        forget(scope, bridge.id)
        enqueue_after_commit(scope.session, QueueName.DEFAULT, "worker.jobs.guard.settle", 0)
    return bridge


def delete_bridge(scope: Scope, bridge_id: UUID) -> None:
    """End the bridge's access for good. Its row stays, because messages and figures name it; its credentials are removed."""
    scope.require(Permission.BRIDGE_DELETE)
    bridge = get_bridge(scope, bridge_id)
    scope.session.execute(sa.delete(BridgeCredential).where(BridgeCredential.bridge_id == bridge.id))
    bridge.deleted_at = now()
    scope.session.flush()
    record(scope, "bridge.deleted", "bridge", bridge.id, bridge.name)
    forget(scope, bridge.id)


def normalise_senders(entries: Sequence[str]) -> list[str]:
    """``allowed_from`` in canonical form: addresses and domains. Raises ``ValidationFailed`` naming each entry that is neither."""
    found: list[str] = []
    problems: list[Problem] = []
    for index, text in enumerate(entries):
        try:
            plain = text.strip().removeprefix("@")
            found.append(parse_address(plain).canonical if "@" in plain else domain_of(plain))
        except BadAddress as error:
            problems.append(Problem(f"allowed_from[{index}]", f"{text!r} is neither an address nor a domain: {error}."))
    if len(entries) > _MAX_ALLOWED_FROM:
        problems.append(Problem("allowed_from", f"At most {_MAX_ALLOWED_FROM} entries; allow a whole domain instead."))
    if problems:
        raise ValidationFailed.of(problems)
    return list(dict.fromkeys(found))


def _named(name: str) -> str:
    cleaned = " ".join(name.split())
    if not 1 <= len(cleaned) <= 80:
        raise ValidationFailed("Give the bridge a name of 1 to 80 characters.", param="name")
    return cleaned


def _name_taken(name: str) -> Conflict:
    return Conflict(f"There is a bridge named {name} already; choose another name.", param="name")


def _check_mode(scope: Scope, mode: Mode | None) -> None:
    if scope.mode is Mode.SANDBOX and mode is Mode.LIVE:
        raise Forbidden("A live bridge cannot be made in sandbox mode; use a live key or switch the dashboard to live.", param="mode")


@counts(LimitName.BRIDGES)
def count_bridges(scope: Scope) -> int:
    """How many bridges the tenant has, live and sandbox together."""
    return scope.session.scalar(sa.select(sa.func.count()).select_from(Bridge).where(Bridge.deleted_at.is_(None))) or 0


def _pool(scope: Scope, pool_id: UUID | None) -> Pool:
    if pool_id is None:
        return get_default_pool(scope)
    try:
        return get_pool(scope.session, pool_id)
    except NotFound:
        raise ValidationFailed("There is no pool with this id.", param="pool_id") from None
