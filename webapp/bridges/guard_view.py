"""What a bridge's guard says of it, as the page and the API show it. Figures are those of the guard's last look, some seconds ago at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from webapp.bridges.guard_rules import Limits, limits_of
from webapp.bridges.models import Bridge, BridgeGuard, GuardAlarm
from webapp.bridges.types import BridgeCounts, GuardAction, GuardState
from webapp.kernel.clock import now
from webapp.kernel.scope import Scope
from webapp.settings import Settings, get_settings

_SHOWN_ALARMS = 10


@dataclass(frozen=True, slots=True)
class GuardFigures:
    """Counts of recipients in the window and in this hour, and the rates that are judged."""

    sent: int
    delivered: int
    hard_bounced: int
    complained: int
    accepted_this_hour: int

    @property
    def bounce_rate(self) -> float:
        """Hard bounces of sent."""
        return round(self.hard_bounced / self.sent, 5) if self.sent else 0.0

    @property
    def complaint_rate(self) -> float:
        """Complaints of delivered."""
        return round(self.complained / self.delivered, 5) if self.delivered else 0.0


@dataclass(frozen=True, slots=True)
class GuardView:
    """State, limits, figures and last alarms of one bridge's guard."""

    state: GuardState
    reason: str | None
    window_hours: int
    figures: GuardFigures
    limits: Limits
    chosen: BridgeGuard | None
    most: dict[str, float]
    counted_from: datetime | None
    checked_at: datetime | None
    exempt_until: datetime | None
    exempt_note: str | None
    alarms: Sequence[GuardAlarm]

    @property
    def tripped(self) -> GuardAlarm | None:
        """The alarm that keeps the bridge paused."""
        return next((alarm for alarm in self.alarms if alarm.ended_at is None and alarm.action == GuardAction.PAUSE), None)

    @property
    def warnings(self) -> list[GuardAlarm]:
        """Open warnings, newest first."""
        return [alarm for alarm in self.alarms if alarm.ended_at is None and alarm.action == GuardAction.WARN]


def view_of(scope: Scope, bridge: Bridge) -> GuardView:
    """The guard of a bridge that was read in this scope."""
    settings = get_settings()
    guard = scope.session.get(BridgeGuard, bridge.id)
    wanted = sa.select(GuardAlarm).where(GuardAlarm.bridge_id == bridge.id)
    alarms = scope.session.scalars(wanted.order_by(GuardAlarm.ended_at.is_(None).desc(), GuardAlarm.id.desc()).limit(_SHOWN_ALARMS)).all()
    exempt_until = guard.exempt_until if guard and guard.exempt_until and guard.exempt_until > now() else None
    state, reason = _state(alarms, exempt_until)
    return GuardView(
        state=state, reason=reason, window_hours=settings.guard_window_hours, figures=_figures(guard), limits=limits_of(guard, settings), chosen=guard,
        most=_most(settings), counted_from=guard.counted_from if guard else None, checked_at=guard.checked_at if guard else None,
        exempt_until=exempt_until, exempt_note=guard.exempt_note if guard and exempt_until else None, alarms=alarms,
    )  # fmt: skip


def _state(alarms: Sequence[GuardAlarm], exempt_until: datetime | None) -> tuple[GuardState, str | None]:
    standing = [alarm for alarm in alarms if alarm.ended_at is None]
    trip = next((alarm for alarm in standing if alarm.action == GuardAction.PAUSE), None)
    if trip is not None:
        return GuardState.TRIPPED, trip.text
    if exempt_until is not None:
        return GuardState.EXEMPT, standing[0].text if standing else None
    return (GuardState.WARNED, standing[0].text) if standing else (GuardState.WATCHING, None)


def _most(settings: Settings) -> dict[str, float]:
    return {name: float(getattr(settings, f"guard_{name}_most")) for name in ("bounce", "complaint", "spike")}


def _figures(guard: BridgeGuard | None) -> GuardFigures:
    known = (guard.figures if guard else None) or {}
    window, hour = BridgeCounts(**known.get("window", {})), BridgeCounts(**known.get("hour", {}))
    return GuardFigures(window.sent, window.delivered, window.hard_bounced, window.complained, hour.accepted)
