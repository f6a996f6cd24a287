"""Acts on a bridge's credentials: show, rotate, end."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from webapp.access.doors import forget_credentials
from webapp.activity.service import record
from webapp.bridges import credentials
from webapp.bridges.models import Bridge, BridgeCredential
from webapp.bridges.queries import get_bridge, list_credentials
from webapp.bridges.types import Secrets
from webapp.kernel.clock import now
from webapp.kernel.db import after_commit
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope

MAX_OVERLAP_DAYS = 7


def reveal(scope: Scope, bridge_id: UUID, *, noted: bool = True) -> list[Secrets]:
    """The valid credentials in the clear, newest first. ``noted``: write the reveal to the activity log, as for every reveal a person asks for."""
    scope.require(Permission.BRIDGE_REVEAL)
    bridge = get_bridge(scope, bridge_id)
    found = [credentials.open_credential(row) for row in list_credentials(scope, bridge.id)]
    if noted:
        record(scope, "bridge.revealed", "bridge", bridge.id, bridge.name)
    return found


def rotate(scope: Scope, bridge_id: UUID, overlap_days: int = 0) -> tuple[Bridge, Secrets]:
    """New password and token under the same username. The old pair stays valid for ``overlap_days`` (0 to 7), an older one ends now."""
    scope.require(Permission.BRIDGE_UPDATE)
    scope.require(Permission.BRIDGE_REVEAL)
    if not 0 <= overlap_days <= MAX_OVERLAP_DAYS:
        raise ValidationFailed(f"The old credentials can stay valid for 0 to {MAX_OVERLAP_DAYS} days.", param="overlap_days")
    bridge = get_bridge(scope, bridge_id)
    # Locking the bridge makes two rotations at once count one after the other.
    scope.session.execute(sa.select(Bridge.id).where(Bridge.id == bridge.id).with_for_update())
    rows = scope.session.scalars(sa.select(BridgeCredential).where(BridgeCredential.bridge_id == bridge.id).order_by(BridgeCredential.number.desc())).all()
    if not rows:
        raise NotFound("credential")
    newest, older = rows[0], rows[1:]
    for row in older if overlap_days else rows:
        scope.session.delete(row)
    if overlap_days:
        newest.expires_at = now() + timedelta(days=overlap_days)
    made = credentials.make_credential(bridge, newest.username, newest.number + 1)
    scope.session.add(made)
    scope.session.flush()
    record(scope, "bridge.rotated", "bridge", bridge.id, bridge.name, {"number": [newest.number, made.number], "overlap_days": overlap_days})
    forget(scope, bridge.id)
    return bridge, credentials.open_credential(made)


def end_credential(scope: Scope, bridge_id: UUID, number: int) -> None:
    """End the old credentials of a rotation before their time. Raises ``Conflict`` for the newest: rotate or delete instead."""
    scope.require(Permission.BRIDGE_UPDATE)
    bridge = get_bridge(scope, bridge_id)
    rows = list_credentials(scope, bridge.id)
    row = next((row for row in rows if row.number == number), None)
    if row is None:
        raise NotFound("credential")
    if row is rows[0]:
        raise Conflict("These are the bridge's only lasting credentials; rotate them, or delete the bridge.")
    scope.session.delete(row)
    scope.session.flush()
    record(scope, "bridge.credentials_ended", "bridge", bridge.id, bridge.name, {"number": number})
    forget(scope, bridge.id)


def forget(scope: Scope, bridge_id: UUID) -> None:
    """Let a change of the bridge act at once in this process; elsewhere it does within five seconds."""
    after_commit(scope.session, lambda: forget_credentials(bridge_id=bridge_id))
