"""Health warnings of the overview: what is wrong, in one sentence, with the action to take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from webapp.bridges.service import bridge_names, list_bridges
from webapp.domains.models import Domain
from webapp.domains.service import list_troubled
from webapp.domains.types import DomainStatus
from webapp.kernel.clock import now
from webapp.kernel.ids import parse_uuid
from webapp.kernel.scope import Mode, Scope
from webapp.stats.figures import Figures
from webapp.stats.queries import About, figures_by_key
from webapp.stats.types import Dimension

#: Below this many recipients a rate says nothing.
_ENOUGH = 100
_BOUNCES, _COMPLAINTS = 0.05, 0.001
#: More than this nobody reads; the worst come first.
_MOST = 6


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
    found = [_of_domain(domain) for domain in list_troubled(scope.session)]
    for bridge in list_bridges(scope, paused=True, limit=_MOST).items:
        text = bridge.pause_reason or "Its mail waits until somebody resumes it."
        found.append(HealthWarning(f"{bridge.name} is paused", text, "warn", "bridges.show", {"bridge_id": str(bridge.id)}, "Open the bridge"))
    if scope.mode is Mode.LIVE:
        found += _of_figures(scope)
    return sorted(found, key=lambda warning: warning.tone != "bad")[:_MOST]


def _of_figures(scope: Scope) -> list[HealthWarning]:
    """Of the bridges with the highest rates, whichever of a thousand they are."""
    figures = figures_by_key(scope, About(Dimension.BRIDGE), since=now() - timedelta(days=7))
    bad = {key: sums for key, sums in figures.items() if sums.sent >= _ENOUGH and (sums.bounce_rate >= _BOUNCES or sums.complaint_rate >= _COMPLAINTS)}
    worst = sorted(bad.items(), key=lambda item: -max(item[1].bounce_rate / _BOUNCES, item[1].complaint_rate / _COMPLAINTS))[:_MOST]
    names = bridge_names(scope) if worst else {}
    found = []
    for key, sums in worst:
        bridge_id = parse_uuid(key)
        if bridge_id in names:
            found += _of_bridge(bridge_id, names[bridge_id], sums)
    return found


def _of_bridge(bridge_id: UUID, name: str, sums: Figures) -> list[HealthWarning]:
    found = []
    if sums.bounce_rate >= _BOUNCES:
        title = f"{sums.bounce_rate:.1%} of {name}'s mail bounced this week"
        text = "Mailbox providers react to bounces above 5 %. Look at the addresses that bounce and stop writing to them."
        bounces = {"bridge": str(bridge_id), "state": "bounced"}
        found.append(HealthWarning(title, text, "bad", "messages.index", bounces, "See the bounces"))
    if sums.complaint_rate >= _COMPLAINTS:
        title = f"{sums.complaint_rate:.2%} of {name}'s recipients complained this week"
        text = "Above 0.1 % mailbox providers begin to filter. Write only to people who asked for it, and make leaving easy."
        complaints = {"bridge": str(bridge_id), "state": "complained"}
        found.append(HealthWarning(title, text, "bad", "messages.index", complaints, "See who complained"))
    return found


def _of_domain(domain: Domain) -> HealthWarning:
    title, text, tone = {
        DomainStatus.FAILING: (f"The proof of {domain.name} is gone from DNS", "Publish it again, or mail from the domain is refused in a few days.", "bad"),
        DomainStatus.OFF: (f"{domain.name} is switched off", "Live mail from it is refused until it is proven again.", "bad"),
    }.get(DomainStatus(domain.status), (f"Mail from {domain.name} fails DMARC", "Publish its DKIM records or its return path.", "warn"))
    return HealthWarning(title, text, tone, "domains.show", {"domain_id": str(domain.id)}, "Open the domain")
