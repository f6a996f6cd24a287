"""Telling those who listen that a bridge was paused."""

from __future__ import annotations

from webapp.announcements.service import announce
from webapp.announcements.types import Announcement
from webapp.bridges.models import Bridge
from webapp.kernel.scope import Mode, Scope


def announce_pause(scope: Scope, bridge: Bridge, reason: str | None) -> None:
    """In the transaction of the pause, whoever made it."""
    data = {"bridge_id": str(bridge.id), "bridge": bridge.name, "reason": reason}
    announce(scope.session, scope.tenant_id, Announcement.BRIDGE_PAUSED, data, mode=Mode(bridge.mode), bridge_id=bridge.id)
