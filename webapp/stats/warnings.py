"""Health warnings of the overview: what is wrong, in one sentence, with the action to take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from webapp.bridges.service import list_bridges
from webapp.domains.models import Domain
from webapp.domains.service import list_troubled
from webapp.domains.types import DomainStatus
from webapp.kernel.clock import now
from webapp.kernel.scope import Scope
from webapp.stats.queries import figures_by_bridge

#: Below this many recipients a rate says nothing.
_ENOUGH = 100
_BOUNCES, _COMPLAINTS = 0.05, 0.001


@dataclass(frozen=True, slots=True)
class HealthWarning:
    """One warning; ``endpoint`` and ``values`` name the page where something can be done."""

    title: str
    text: str
    tone: str
    endpoint: str
    values: dict[str, str]
    action: str


def health_warnings(scope: Scope) -> list[HealthWarning]:
    """Domains that are failing, bridges whose bounces or complaints of the last seven days are over what mailbox providers bear, and paused bridges."""
    bridges = list_bridges(scope, limit=100).items
    figures = figures_by_bridge(scope, [b.id for b in bridges], now() - timedelta(days=7))
    found = [_of_domain(domain) for domain in list_troubled(scope.session)]
    for bridge in bridges:
        place = {"bridge_id": str(bridge.id)}
        if bridge.paused_at is not None:
            text = bridge.pause_reason or "Its mail waits until somebody resumes it."
            found.append(HealthWarning(f"{bridge.name} is paused", text, "warn", "bridges.show", place, "Open the bridge"))
        sums = figures.get(bridge.id)
        if sums is None or sums.sent < _ENOUGH:
            continue
        if sums.bounce_rate >= _BOUNCES:
            title = f"{sums.bounce_rate:.1%} of {bridge.name}'s mail bounced this week"
            text = "Mailbox providers react to bounces above 5 %. Look at the addresses that bounce and stop writing to them."
            bounces = {"bridge": str(bridge.id), "state": "bounced"}
            found.append(HealthWarning(title, text, "bad", "messages.index", bounces, "See the bounces"))
        if sums.complaint_rate >= _COMPLAINTS:
            title = f"{sums.complaint_rate:.2%} of {bridge.name}'s recipients complained this week"
            text = "Above 0.1 % mailbox providers begin to filter. Write only to people who asked for it, and make leaving easy."
            found.append(HealthWarning(title, text, "bad", "bridges.show", place, "Open the bridge"))
    return found


def _of_domain(domain: Domain) -> HealthWarning:
    title, text, tone = {
        DomainStatus.FAILING: (f"The proof of {domain.name} is gone from DNS", "Publish it again, or mail from the domain is refused in a few days.", "bad"),
        DomainStatus.OFF: (f"{domain.name} is switched off", "Live mail from it is refused until it is proven again.", "bad"),
    }.get(DomainStatus(domain.status), (f"Mail from {domain.name} fails DMARC", "Publish its DKIM records or its return path.", "warn"))
    return HealthWarning(title, text, tone, "domains.show", {"domain_id": str(domain.id)}, "Open the domain")
