"""A name server on loopback that the process asks, with one domain of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dns_server import DnsServer, dns_in_thread
from webapp.kernel import dns
from webapp.settings import get_settings
from webapp.validation import mailservers

_ZONE = {
    ("good.example", "MX"): ["20 second.good.example.", "10 first.good.example."],
    ("null.example", "MX"): ["0 ."],
    ("plain.example", "A"): ["192.0.2.1"],
    ("text.example", "TXT"): ['"nothing else"'],
    ("gmial.com", "MX"): ["10 mx.parked.example."],
    ("mailinator.com", "MX"): ["10 mail.mailinator.com."],
    ("xn--mnchen-3ya.example", "MX"): ["10 mx.example."],
}


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsServer]:
    """The server; `silent` and `failing` names may be added."""
    with dns_in_thread(_ZONE) as server:
        monkeypatch.setenv("POSTBRIDGE_DNS_SERVERS", server.address)
        monkeypatch.setenv("POSTBRIDGE_VALIDATION_SECONDS", "0.8")
        _forget()
        yield server
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    get_settings.cache_clear()
    dns.resolver.cache_clear()
    mailservers.forget()
