"""F48: no spelling of a private address is called, neither when it is saved nor when it is used."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.fixtures import Cast
from tests.webhooks_out.conftest import deliver, happen, make_endpoint, rows
from tests.webhooks_out.receiver import receiving, says
from webapp.kernel import dns
from webapp.kernel.errors import DomainError
from webapp.webhooks.service.addresses import check_url, parse
from worker.webhooks.engine import Engine

PRIVATE = (
    "https://127.0.0.1/", "https://127.1/", "https://0x7f000001/", "https://2130706433/", "https://017700000001/", "https://127.0.0.1.:443/", "https://0/",
    "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fe80::1]/",
    "https://[fd00::1]/", "https://169.254.169.254/latest/meta-data/", "https://10.0.0.1/", "https://192.168.1.1/", "https://100.64.0.1/", "https://0.0.0.0/",
    "https://localhost/", "https://LOCALHOST/", "https://a.localhost/", "https://metadata.google.internal/", "https://[::]/", "https://224.0.0.1/",
)  # fmt: skip
MALFORMED = (
    "", "hooks", "ftp://example.com/", "//example.com/", "https://", "https://user:pass@93.184.216.34/", "https://93.184.216.34/#x", "https://exa mple.com/",
    "https://93.184.216.34\\@127.0.0.1/", "https://93.184.216.34:99999/", "https://93.184.216.34:x/", "https://[::1", "javascript:alert(1)",
    "https://a/\r\nX: y",
)  # fmt: skip


@pytest.fixture
def no_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of the outside resolve to nothing, as where there is no network."""
    real = socket.getaddrinfo

    def look_up(host: str, *rest: Any, **more: Any) -> Any:
        if "internal" in host or "a.localhost" in host:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_are_refused(url: str, no_outside: None) -> None:
    with pytest.raises(DomainError) as refused:
        check_url(url)
    assert refused.value.param == "url" and refused.value.status == 422


@pytest.mark.parametrize("url", [*MALFORMED, "https://93.184.216.34/" + "x" * 2000])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(DomainError) as refused:
        parse(url)
    assert refused.value.param == "url" and refused.value.status == 422


@pytest.mark.parametrize("url", ["http://93.184.216.34/", "https://93.184.216.34:22/", "https://93.184.216.34:6379/", "https://93.184.216.34:25/"])
def test_public_ones_only_by_https_on_web_ports(url: str) -> None:
    with pytest.raises(DomainError) as refused:
        check_url(url)
    assert refused.value.param == "url"


def test_public_ones_are_taken() -> None:
    for url in ("https://93.184.216.34/hooks?a=b", "https://93.184.216.34:8443/", "https://[2606:2800:220:1:248:1893:25c8:1946]/"):
        check_url(url)


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "addresses", lambda name: ("93.184.216.34", "10.0.0.7"))
    with pytest.raises(DomainError):
        check_url("https://mixed.example/")


def test_the_api_names_the_field(app: Flask, cast: Cast) -> None:
    answer = cast.owner.api(app).post("/api/v1/webhooks", json={"url": "https://2130706433/"})
    assert answer.status_code == 422 and (answer.json or {})["error"]["param"] == "url"


def test_a_network_that_was_closed_since_is_not_called(cast: Cast, engine_of_webhooks: Engine, settings: Callable[..., None]) -> None:
    with receiving() as receiver:
        make_endpoint(cast.owner, receiver.url, events=["email.opened"])
        settings(egress_allow="")
        happen(cast.owner, "email.opened")
        deliver(engine_of_webhooks, 0.5)
        assert receiver.connections == 0
    [(log,)] = rows("select log from webhook_deliveries")
    assert "public internet" in log[0]["error"]


def test_a_name_that_changed_its_mind_is_not_called(
    cast: Cast, engine_of_webhooks: Engine, settings: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saved with a public address, it points to this host when it is used (DNS rebinding)."""
    asked = []

    def look_up(name: str) -> tuple[str, ...]:
        asked.append(name)
        return ("93.184.216.34",) if len(asked) == 1 else ("127.0.0.1",)

    monkeypatch.setattr(dns, "addresses", look_up)
    settings(egress_allow="")
    with receiving() as receiver:
        make_endpoint(cast.owner, f"https://rebinds.example:{8443}/", events=["email.opened"])
        happen(cast.owner, "email.opened")
        deliver(engine_of_webhooks, 0.5)
        assert receiver.connections == 0 and len(asked) == 2
    [(log,)] = rows("select log from webhook_deliveries")
    assert log[0]["status"] is None and "public internet" in log[0]["error"]


def test_a_redirect_inward_is_not_followed(cast: Cast, engine_of_webhooks: Engine) -> None:
    with receiving() as inner, receiving(says(307, Location=inner.url)) as outer:
        make_endpoint(cast.owner, outer.url, events=["email.opened"])
        happen(cast.owner, "email.opened")
        deliver(engine_of_webhooks, 0.5)
        assert inner.connections == 0 and outer.calls
