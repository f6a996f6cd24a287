"""The providers of the domains that a delivery process has seen lately."""

from __future__ import annotations

from webapp.pace.service.providers import provider_of_host
from worker.delivery.resolver import Destination

_MOST = 50_000


def provider_of(domain: str, destinations: tuple[Destination, ...]) -> str:
    """The provider of a domain whose mail goes to ``destinations``, best first; none: its own registrable part."""
    return provider_of_host(domain, destinations[0].host if destinations else None)


class Providers:
    """The providers of domains seen lately. A domain is judged once for as long as its MX answer is the same."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[Destination, ...], str]] = {}

    def of(self, domain: str, destinations: tuple[Destination, ...]) -> str:
        """As ``provider_of``, remembered."""
        known = self._known.get(domain)
        if known is not None and (known[0] is destinations or known[0] == destinations):
            return known[1]
        if len(self._known) >= _MOST:
            self._known.clear()
        provider = provider_of(domain, destinations)
        self._known[domain] = (destinations, provider)
        return provider
