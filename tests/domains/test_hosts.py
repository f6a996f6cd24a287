"""Hosts under a tenant's domain: mail carries them once they are seen, and each serves its owner only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.dns_server import DnsServer
from tests.domains.acts import publish, records, standing, verify
from tests.fixtures import Cast, Person
from webapp.domains import service
from webapp.kernel.db import unscoped
from webapp.kernel.ids import uuid7
from webapp.messages.verp import find_recipient, make_return_path
from webapp.tracking.hosts import base_at, bound_host
from webapp.tracking.hotpath import GIF, HitDoor, buffer
from webapp.tracking.tokens import Purpose, make_link_token, make_recipient_token
from worker.dispatch.routes import _look_up_sender
from worker.smtp.return_hosts import takes_returns


@pytest.fixture
def quiet() -> Iterator[list[dict[str, Any]]]:
    """Hits as they are noted, kept from the stream."""
    noted: list[dict[str, Any]] = []
    kept = buffer.add
    buffer.add = noted.append  # type: ignore[method-assign]
    yield noted
    buffer.add = kept  # type: ignore[method-assign]


def fetch(path: str, host: str) -> tuple[str, bytes]:
    """Status and body from the door in front of the application, which itself answers 299."""
    seen: list[str] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("299 Application", [])
        return [b"app"]

    body = HitDoor(application)({"PATH_INFO": path, "REQUEST_METHOD": "GET", "HTTP_HOST": host}, lambda status, headers: seen.append(status))
    return seen[0], b"".join(body)


def add_recipient(person: Person) -> tuple[UUID, UUID]:
    """A message id and a delivered recipient of the person's tenant."""
    message, recipient = uuid7(), uuid7()
    with unscoped("test") as rows:
        rows.execute(
            sa.text(
                "insert into recipients (id, tenant_id, message_id, mode, kind, address, state) "
                "values (:r, :t, :m, 'live', 'to', 'a@b.example', 'delivered')"
            ),
            {"r": recipient, "t": person.tenant_id, "m": message},
        )
    return message, recipient


@pytest.mark.parametrize(
    ("header", "bound"),
    [
        ("links.acme.example", "links.acme.example"), ("Links.ACME.example:8080", "links.acme.example"), ("links.acme.example.", "links.acme.example"),
        ("track.platform.example", ""), ("127.0.0.1:8080", ""), ("[::1]:8080", ""), ("localhost", ""), ("postbridge:8080", ""), ("", ""),
    ],
)  # fmt: skip
def test_names_of_the_platform_bind_nothing(zone: DnsServer, header: str, bound: str) -> None:
    assert bound_host(header) == bound


def test_a_token_is_read_at_its_own_host_only(zone: DnsServer, quiet: list[dict[str, Any]]) -> None:
    message, recipient = uuid7(), uuid7()
    tokens = {host: make_recipient_token(message, recipient, host=host) for host in ("", "links.acme.example", "links.other.example")}
    link = make_link_token(message, "https://shop.example/")
    for bound, token in tokens.items():
        for host in ("127.0.0.1:8080", "links.acme.example", "links.other.example", "unknown.example"):
            good = bound == bound_host(host)
            assert fetch(f"/api/t/o/{token}.gif", host) == ("200 OK" if good else "404 Not Found", GIF), (bound, host)
            assert fetch(f"/api/t/c/{token}.{link}", host)[0] == ("302 Found" if good else "404 Not Found"), (bound, host)
    assert len(quiet) == 6


def test_a_tracking_host_shows_no_dashboard(cast: Cast, zone: DnsServer) -> None:
    standing(cast.owner, zone)
    service.forget_hosts()
    assert fetch("/login", "links.example.com")[0] == "404 Not Found"
    assert fetch("/api/v1/domains", "LINKS.example.com:443")[0] == "404 Not Found"
    assert fetch("/api/unsub/x", "links.example.com")[0] == fetch("/static/css/app.css", "links.example.com")[0] == "299 Application"
    assert fetch("/login", "127.0.0.1:8080")[0] == fetch("/login", "dashboard.example.org")[0] == "299 Application"


def test_unsubscribing_works_at_the_tenant_s_host(cast: Cast, zone: DnsServer, app: Flask) -> None:
    message, recipient = add_recipient(cast.owner)
    token = make_recipient_token(message, recipient, Purpose.UNSUBSCRIBE, "links.example.com")
    client = app.test_client()
    assert client.get(f"/api/unsub/{token}", headers={"Host": "links.example.com"}).status_code == 200
    for host in ("links.other.example", "127.0.0.1"):
        assert client.post(f"/api/unsub/{token}", headers={"Host": host}).status_code == 404
    assert client.post(f"/api/unsub/{token}", headers={"Host": "links.example.com"}).status_code == 200


def test_certificates_are_wanted_for_tracking_hosts_alone(cast: Cast, zone: DnsServer, app: Flask) -> None:
    domain_id = standing(cast.owner, zone)
    asked = app.test_client()
    for host, status in (("links.example.com", 200), ("LINKS.example.com", 200), ("bounces.example.com", 404), ("links.other.example", 404), ("", 404)):
        assert asked.get("/domains/certificate-wanted", query_string={"domain": host}).status_code == status
    with cast.owner.scope() as scope:
        service.delete_domain(scope, domain_id)
    service.forget_hosts()
    assert asked.get("/domains/certificate-wanted?domain=links.example.com").status_code == 404


def test_delivery_takes_the_hosts_that_were_seen(cast: Cast, zone: DnsServer) -> None:
    assert cast.owner.tenant_id is not None
    domain_id = standing(cast.owner, zone, covers=True)
    for name in ("example.com", "news.example.com"):
        sender = _look_up_sender((cast.owner.tenant_id, name))
        assert sender is not None and (sender.return_path, sender.tracking_host) == ("bounces.example.com", "links.example.com")
        assert [signer.selector[12:] for signer in sender.signers] == ["r1", "e1"]
    zone.zone.pop(("bounces.example.com", "CNAME"))
    zone.zone["links.example.com", "CNAME"] = ["elsewhere.example."]
    verify(cast.owner, domain_id)
    sender = _look_up_sender((cast.owner.tenant_id, "example.com"))
    assert sender is not None and (sender.return_path, sender.tracking_host) == (None, None)
    assert base_at("links.example.com") == "http://links.example.com:8080" and base_at(None) == "http://127.0.0.1:8080"


def test_delivery_has_no_sender_for_a_domain_of_somebody_else(cast: Cast, zone: DnsServer) -> None:
    standing(cast.owner, zone)
    assert cast.stranger.tenant_id is not None
    assert _look_up_sender((cast.stranger.tenant_id, "example.com")) is None


def test_bounces_are_taken_at_the_tenant_s_host_for_its_own_recipients(cast: Cast, zone: DnsServer) -> None:
    standing(cast.owner, zone)
    (_, mine), (_, theirs) = add_recipient(cast.owner), add_recipient(cast.stranger)
    assert find_recipient(make_return_path(mine, "bounces.example.com").partition("@")[0]) == mine
    assert takes_returns("bounces.example.com", mine) and takes_returns("BOUNCES.example.com", mine)
    assert not takes_returns("bounces.example.com", theirs)
    assert not takes_returns("bounces.unknown.example", mine) and not takes_returns("example.com", mine)


def test_a_new_return_path_label_still_takes_old_bounces(cast: Cast, zone: DnsServer) -> None:
    domain_id = standing(cast.owner, zone)
    _, recipient = add_recipient(cast.owner)
    with cast.owner.scope() as scope:
        service.update_domain(scope, domain_id, {"return_path_label": "back"})
    publish(zone, records(cast.owner, domain_id))
    verify(cast.owner, domain_id)
    assert takes_returns("bounces.example.com", recipient) and takes_returns("back.example.com", recipient)
