"""Domains: proof by TXT challenge, DKIM keys, who may hold a domain, who signs for what."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.dns_server import DnsServer
from tests.domains.acts import add, publish, read, records, verify
from tests.fixtures import Cast
from webapp.domains import dkim, service
from webapp.domains.models import DkimKey
from webapp.domains.types import DkimAlgorithm, DomainStatus, RecordState
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Conflict, Forbidden, NotFound, ValidationFailed
from webapp.kernel.permissions import PRESETS


def test_a_published_challenge_verifies_and_dkim_records_activate_their_keys(cast: Cast, zone: DnsServer) -> None:
    domain_id = add(cast.owner)
    wanted = records(cast.owner, domain_id)
    assert [record.purpose for record in wanted] == ["challenge", "dkim", "dkim", "return_path", "dmarc", "mx", "tracking"]
    assert {record.state for record in wanted} == {RecordState.UNCHECKED}
    publish(zone, wanted)
    assert verify(cast.owner, domain_id) == DomainStatus.VERIFIED
    assert {record.state for record in records(cast.owner, domain_id)} == {RecordState.OK}
    with unscoped("test") as session:
        assert cast.owner.tenant_id is not None
        identity = service.sending_identity(session, cast.owner.tenant_id, "example.com")
    assert identity is not None
    assert [signer.algorithm for signer in identity.signers] == [DkimAlgorithm.RSA, DkimAlgorithm.ED25519]
    assert all(signer.private_key.startswith("-----BEGIN PRIVATE KEY") for signer in identity.signers)


def test_the_challenge_alone_is_enough_to_send_unsigned(cast: Cast, zone: DnsServer) -> None:
    domain_id = add(cast.owner)
    publish(zone, records(cast.owner, domain_id)[:1])
    assert verify(cast.owner, domain_id) == DomainStatus.VERIFIED
    assert [record.state for record in records(cast.owner, domain_id)] == [RecordState.OK, *[RecordState.MISSING] * 6]
    with cast.owner.scope() as scope:
        identity = service.sending_identity(scope.session, scope.tenant_id, "example.com")
        assert identity is not None and identity.signers == ()
        assert service.has_verified_domain(scope)


def test_a_wrong_challenge_shows_what_was_found(cast: Cast, zone: DnsServer) -> None:
    domain_id = add(cast.owner)
    zone.zone["_postbridge.example.com", "TXT"] = ['"postbridge-verification=something-else"']
    assert verify(cast.owner, domain_id) == DomainStatus.PENDING
    challenge = records(cast.owner, domain_id)[0]
    assert (challenge.state, challenge.found) == (RecordState.DIFFERENT, ("postbridge-verification=something-else",))


def test_a_name_server_that_fails_is_told_apart_from_an_absent_record(cast: Cast, zone: DnsServer) -> None:
    domain_id = add(cast.owner)
    zone.failing.add("_postbridge.example.com")
    verify(cast.owner, domain_id)
    assert records(cast.owner, domain_id)[0].state is RecordState.UNREACHABLE


def test_a_verified_domain_goes_on_while_its_proof_is_gone(cast: Cast, zone: DnsServer) -> None:
    domain_id = add(cast.owner)
    publish(zone, records(cast.owner, domain_id))
    verify(cast.owner, domain_id)
    zone.zone.clear()
    assert verify(cast.owner, domain_id) == DomainStatus.FAILING
    with cast.owner.scope() as scope:
        assert service.sending_identity(scope.session, scope.tenant_id, "example.com") is not None


def test_another_tenant_s_challenge_proves_nothing(cast: Cast, zone: DnsServer) -> None:
    mine, theirs = add(cast.owner), add(cast.stranger)
    publish(zone, records(cast.owner, mine)[:1])
    assert verify(cast.stranger, theirs) == DomainStatus.PENDING


def test_only_one_tenant_can_hold_a_domain_verified(cast: Cast, zone: DnsServer) -> None:
    mine, theirs = add(cast.owner), add(cast.stranger)
    zone.zone["_postbridge.example.com", "TXT"] = [f'"{records(person, id_)[0].value}"' for person, id_ in ((cast.owner, mine), (cast.stranger, theirs))]
    assert verify(cast.owner, mine) == DomainStatus.VERIFIED
    assert verify(cast.stranger, theirs) == DomainStatus.PENDING
    assert "verified by another tenant" in (read(cast.stranger, theirs).problem or "")
    with cast.owner.scope() as scope:
        service.delete_domain(scope, mine)
    assert verify(cast.stranger, theirs) == DomainStatus.VERIFIED


@pytest.mark.parametrize(("covers", "found"), [(True, "example.com"), (False, None)])
def test_sub_domains_are_covered_only_when_the_owner_says_so(cast: Cast, zone: DnsServer, covers: bool, found: str | None) -> None:
    domain_id = add(cast.owner, covers=covers)
    publish(zone, records(cast.owner, domain_id))
    verify(cast.owner, domain_id)
    with cast.owner.scope() as scope:
        identity = service.sending_identity(scope.session, scope.tenant_id, "a.news.example.com")
        assert (identity.domain if identity else None) == found
        assert service.sending_identity(scope.session, scope.tenant_id, "notexample.com") is None
    with cast.stranger.scope() as scope:
        assert service.sending_identity(scope.session, scope.tenant_id, "example.com") is None


@pytest.mark.parametrize("name", ["co.uk", "github.io", "com", "example", "a b.com", "-.com", "exa_mple..com", "", "1.2.3.4", "x" * 260 + ".com"])
def test_public_suffixes_and_what_is_no_domain_are_refused(cast: Cast, name: str) -> None:
    with cast.owner.scope() as scope, pytest.raises(ValidationFailed) as refused:
        service.add_domain(scope, name)
    assert refused.value.param == "domain"


def test_names_are_normalised_and_unique(cast: Cast) -> None:
    with cast.owner.scope() as scope:
        assert service.add_domain(scope, " BÜCHER.Example.com. ").name == "xn--bcher-kva.example.com"
        with pytest.raises(Conflict):
            service.add_domain(scope, "xn--bcher-kva.example.com")


def test_selectors_belong_to_one_tenant_and_keys_are_sealed(cast: Cast) -> None:
    add(cast.owner)
    add(cast.stranger)
    with unscoped("test") as session:
        keys = session.scalars(sa.select(DkimKey)).all()
    assert len({key.selector for key in keys}) == len(keys) == 4
    assert all(b"PRIVATE KEY" not in key.private_key for key in keys)


@pytest.mark.parametrize(
    ("found", "same"),
    [
        ("v=DKIM1; k=rsa; p=AB+C==", True),
        ("k=rsa;p=AB+C==;v=DKIM1", True),
        ("v=DKIM1; p=AB +C==", True),
        ("v=DKIM1; k=rsa; p=AB+C==; t=s", True),
        ("v=DKIM1; k=rsa; p=other", False),
        ("v=DKIM1; k=ed25519; p=AB+C==", False),
        ("v=DKIM1; k=rsa; p=", False),
        ("", False),
    ],
)
def test_dkim_records_are_compared_by_their_tags(found: str, same: bool) -> None:
    assert dkim.same_record("v=DKIM1; k=rsa; p=AB+C==", found) is same


@pytest.mark.parametrize("act", ["get", "verify", "update", "renew", "rotate", "give up", "delete"])
def test_the_stranger_finds_no_such_domain(cast: Cast, zone: DnsServer, act: str) -> None:
    domain_id = add(cast.owner)
    acts: dict[str, Any] = {
        "get": lambda scope: service.get_domain(scope.session, domain_id),
        "verify": lambda scope: service.verify_domain(scope, domain_id),
        "update": lambda scope: service.update_domain(scope, domain_id, {"covers_subdomains": True}),
        "renew": lambda scope: service.renew_challenge(scope, domain_id),
        "rotate": lambda scope: service.rotate_dkim(scope, domain_id),
        "give up": lambda scope: service.give_up_rotation(scope, domain_id),
        "delete": lambda scope: service.delete_domain(scope, domain_id),
    }
    with cast.stranger.scope() as scope, pytest.raises(NotFound):
        acts[act](scope)


def test_a_viewer_changes_nothing(cast: Cast) -> None:
    domain_id = add(cast.owner)
    with cast.owner.scope(permissions=PRESETS["viewer"]) as scope:
        for act in (service.delete_domain, service.verify_domain):
            with pytest.raises(Forbidden):
                act(scope, domain_id)
        with pytest.raises(Forbidden):
            service.add_domain(scope, "x.com")


def test_the_api_adds_shows_and_verifies(cast: Cast, app: Flask, zone: DnsServer) -> None:
    api = cast.owner.api(app)
    made = api.post("/api/domains", json={"domain": "example.com"}).get_json()["data"]
    assert (made["domain"], made["status"], len(made["records"])) == ("example.com", "pending", 7)
    zone.zone[made["records"][0]["name"], "TXT"] = [f'"{made["records"][0]["value"]}"']
    url = f"/api/v1/domains/{made['id']}"
    assert api.post(f"{url}/verify").get_json()["data"]["status"] == "verified"
    assert api.get(f"{url}/records").get_json()["data"]["records"][0]["state"] == "ok"
    assert api.get(f"{url}/score").get_json()["data"]["score"] == 25
    assert len(api.get(f"{url}/checks").get_json()["data"]) == 7
    assert api.patch(url, json={"covers_subdomains": True}).get_json()["data"]["covers_subdomains"] is True
    for method, path in (("GET", ""), ("GET", "/records"), ("POST", "/verify"), ("PATCH", ""), ("DELETE", "")):
        assert cast.stranger.api(app).open(url + path, method=method, json={"covers_subdomains": False}).status_code == 404
    assert api.delete(url).status_code == 200


def test_the_pages_show_records_and_verify_in_place(cast: Cast, app: Flask, zone: DnsServer) -> None:
    browser = cast.owner.browser(app)
    assert browser.post("/domains/", data={"domain": "co.uk"}).status_code == 422
    url = browser.post("/domains/", data={"domain": "example.com"}).headers["Location"]
    page = browser.get(url).get_data(as_text=True)
    assert "postbridge-verification=" in page and "_domainkey.example.com" in page
    fragment = browser.post(f"{url}/verify", htmx=True)
    assert fragment.status_code == 200 and "<html" not in fragment.get_data(as_text=True) and "Missing" in fragment.get_data(as_text=True)
    assert "IN TXT" in browser.get(f"{url}/zone.txt").get_data(as_text=True)
    assert 'aria-checked="true"' in browser.post(f"{url}/settings", data={"on": "1"}, htmx=True).get_data(as_text=True)
    for path in ("", "/zone.txt"):
        assert cast.stranger.browser(app).get(url + path).status_code == 404
    for path in ("/verify", "/settings", "/delete"):
        assert cast.stranger.browser(app).post(url + path, data={"on": "1"}).status_code == 404
    assert browser.post(f"{url}/delete").status_code == 303
