"""A zone on loopback that the process asks, and what people do with domains."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dns_server import DnsServer, dns_in_thread
from webapp.domains import service
from webapp.kernel import dns
from webapp.settings import get_settings
from webapp.tracking import hosts

_SETTINGS = {"POSTBRIDGE_TRACKING_HOST": "track.platform.example", "POSTBRIDGE_BOUNCE_DOMAIN": "bounces.platform.example"}
_BOUNCE_ZONE = {("bounces.platform.example", "TXT"): ['"v=spf1 ip4:192.0.2.25 -all"'], ("bounces.platform.example", "MX"): ["10 mx.platform.example."]}


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsServer]:
    """A name server on loopback that the process asks; the platform's own names are in it."""
    with dns_in_thread(_BOUNCE_ZONE) as server:
        for name, value in {**_SETTINGS, "POSTBRIDGE_DNS_SERVERS": server.address}.items():
            monkeypatch.setenv(name, value)
        _forget()
        yield server
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    get_settings.cache_clear()
    dns.resolver.cache_clear()
    service.forget_hosts()
    hosts._own_names.cache_clear()
