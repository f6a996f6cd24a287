"""What is to be published, and what a check says about what is found instead."""

from __future__ import annotations

import dns.rdatatype
import dns.zone
import pytest

from tests.dns_server import DnsServer
from tests.domains.acts import add, publish, read, record, records, standing, verify
from tests.fixtures import Cast
from webapp.domains import service
from webapp.domains.types import Need, RecordState
from webapp.kernel.errors import ValidationFailed


def test_the_zone_file_is_one_that_name_servers_load(cast: Cast, zone: DnsServer) -> None:
    domain_id = standing(cast.owner, zone)
    with cast.owner.scope() as scope:
        domain = service.get_domain(scope.session, domain_id)
        text = service.zone_file(domain, service.records_for(scope, domain))
    loaded = dns.zone.from_text(text, origin="example.com.", relativize=False, check_origin=False)
    wanted = records(cast.owner, domain_id)
    dkim = next(r for r in wanted if r.purpose == "dkim")
    found = loaded.find_rrset(f"{dkim.name}.", "TXT")[0]
    assert b"".join(found.strings).decode() == dkim.value and all(len(part) <= 255 for part in found.strings)
    assert loaded.find_rrset("bounces.example.com.", "CNAME")[0].to_text() == "bounces.platform.example."
    assert loaded.get_rrset("example.com.", dns.rdatatype.MX) is None and "; example.com. 3600 IN MX 10 localhost." in text


@pytest.mark.parametrize(("name", "host"), [("example.com", "_postbridge"), ("shop.example.co.uk", "_postbridge.shop")])
def test_short_names_are_relative_to_the_registrable_domain(cast: Cast, zone: DnsServer, name: str, host: str) -> None:
    assert record(cast.owner, add(cast.owner, name), "challenge").host == host


def test_what_is_needed_is_told_apart_from_what_is_good(cast: Cast, zone: DnsServer) -> None:
    needs = {r.key.partition(":")[0]: r.need for r in records(cast.owner, add(cast.owner))}
    assert needs == {
        "challenge": Need.REQUIRED, "dkim": Need.RECOMMENDED, "return_path": Need.RECOMMENDED, "dmarc": Need.RECOMMENDED,
        "mx": Need.OPTIONAL, "tracking": Need.OPTIONAL,
    }  # fmt: skip


def test_a_name_that_the_provider_doubled_is_found(cast: Cast, zone: DnsServer) -> None:
    domain_id = add(cast.owner, "shop.example.com")
    wanted = record(cast.owner, domain_id, "challenge")
    zone.zone[wanted.name + ".example.com", "TXT"] = [f'"{wanted.value}"']
    verify(cast.owner, domain_id)
    found = record(cast.owner, domain_id, "challenge")
    assert found.state is RecordState.MISSING and "Change the record's name to _postbridge.shop." in (found.todo or "")


@pytest.mark.parametrize(
    ("kind", "published", "words"),
    [
        ("A", "192.0.2.7", "DNS only"),
        ("AAAA", "2001:db8::7", "DNS only"),
        ("CNAME", "elsewhere.example.", "It points to elsewhere.example"),
        ("TXT", '"anything"', "a CNAME must stand alone"),
    ],
)
def test_a_return_path_that_is_no_cname_of_ours(cast: Cast, zone: DnsServer, kind: str, published: str, words: str) -> None:
    domain_id = add(cast.owner)
    publish(zone, records(cast.owner, domain_id)[:1])
    zone.zone["bounces.example.com", kind] = [published]
    verify(cast.owner, domain_id)
    found = record(cast.owner, domain_id, "return_path")
    assert found.state is RecordState.DIFFERENT and words in (found.todo or "")
    assert read(cast.owner, domain_id).return_path_verified_at is None


def test_two_keys_at_one_selector_and_cut_off_values_are_named(cast: Cast, zone: DnsServer) -> None:
    domain_id = add(cast.owner)
    wanted = [r for r in records(cast.owner, domain_id) if r.purpose == "dkim"]
    publish(zone, wanted)
    zone.zone[wanted[0].name, "TXT"] = [f'"{wanted[0].value[:255]}"']
    zone.zone[wanted[1].name, "TXT"].append('"v=DKIM1; k=ed25519; p=AAAA"')
    verify(cast.owner, domain_id)
    cut, twice = (record(cast.owner, domain_id, r.key) for r in wanted)
    assert cut.state is twice.state is RecordState.DIFFERENT
    assert "cut off" in (cut.todo or "") and "Keep only this value" in (twice.todo or "")


def test_the_tenant_s_own_dmarc_and_mx_stay(cast: Cast, zone: DnsServer) -> None:
    zone.zone["_dmarc.example.com", "TXT"] = ['"v=DMARC1; p=reject; rua=mailto:d@example.com"']
    zone.zone["example.com", "MX"] = ["1 aspmx.l.google.com."]
    domain_id = add(cast.owner, "shop.example.com")
    verify(cast.owner, domain_id)
    found = record(cast.owner, domain_id, "dmarc")
    assert found.state is RecordState.OK and "The record of example.com applies here too" in (found.note or "")
    above = add(cast.owner)
    verify(cast.owner, above)
    mx = record(cast.owner, above, "mx")
    assert mx.state is RecordState.OK and mx.found == ("1 aspmx.l.google.com",) and "Change nothing" in (mx.note or "")


def test_a_null_mx_is_no_good_sender(cast: Cast, zone: DnsServer) -> None:
    zone.zone["example.com", "MX"] = ["0 ."]
    domain_id = add(cast.owner)
    verify(cast.owner, domain_id)
    assert record(cast.owner, domain_id, "mx").state is RecordState.DIFFERENT


def test_other_texts_beside_the_challenge_do_no_harm(cast: Cast, zone: DnsServer) -> None:
    domain_id = add(cast.owner)
    wanted = record(cast.owner, domain_id, "challenge")
    zone.zone[wanted.name, "TXT"] = [*(f'"other {number}"' for number in range(30)), f'"{wanted.value}"']
    zone.truncated.add(wanted.name)  # too long for a datagram: asked again over TCP
    assert verify(cast.owner, domain_id) == "verified"
    assert len(record(cast.owner, domain_id, "challenge").found) <= 10


def test_what_a_stranger_s_zone_says_is_kept_short_and_without_nul(cast: Cast, zone: DnsServer) -> None:
    domain_id = add(cast.owner)
    zone.zone["_postbridge.example.com", "TXT"] = [" ".join(['"' + "x" * 250 + '"'] * 4), '"a\\000b"']
    verify(cast.owner, domain_id)
    found = record(cast.owner, domain_id, "challenge").found
    assert {len(text) for text in found} == {600, 2}


def test_the_provider_is_recognised_by_its_name_servers(cast: Cast, zone: DnsServer) -> None:
    zone.zone["example.com", "NS"] = ["ada.ns.cloudflare.com.", "bob.ns.cloudflare.com."]
    domain_id = add(cast.owner, "shop.example.com")
    verify(cast.owner, domain_id)
    assert read(cast.owner, domain_id).findings["_zone"] == {"name": "example.com", "provider": "cloudflare"}


@pytest.mark.parametrize("label", ["", "a b", "x" * 43, "-x", "a.b", "ünder", "links"])
def test_hosts_need_names_of_their_own(cast: Cast, zone: DnsServer, label: str) -> None:
    domain_id = add(cast.owner)
    with cast.owner.scope() as scope, pytest.raises(ValidationFailed) as refused:
        service.update_domain(scope, domain_id, {"return_path_label": label})
    assert refused.value.param == "return_path_label"


def test_a_host_with_another_name_is_used_once_it_is_seen(cast: Cast, zone: DnsServer) -> None:
    domain_id = standing(cast.owner, zone)
    with cast.owner.scope() as scope:
        service.update_domain(scope, domain_id, {"tracking_label": "Go"})
    assert read(cast.owner, domain_id).tracking_verified_at is None
    assert record(cast.owner, domain_id, "tracking").state is RecordState.MISSING or record(cast.owner, domain_id, "tracking").name == "go.example.com"
    publish(zone, records(cast.owner, domain_id))
    verify(cast.owner, domain_id)
    assert read(cast.owner, domain_id).tracking_verified_at is not None


def test_the_score_grows_with_what_is_published_and_says_why(cast: Cast, zone: DnsServer) -> None:
    domain_id = add(cast.owner)
    verify(cast.owner, domain_id)
    assert read(cast.owner, domain_id).score == 10
    publish(zone, records(cast.owner, domain_id))
    verify(cast.owner, domain_id)
    assert read(cast.owner, domain_id).score == 95
    zone.zone["_dmarc.example.com", "TXT"] = ['"v=DMARC1; p=reject"']
    verify(cast.owner, domain_id)
    assert read(cast.owner, domain_id).score == 100
    zone.zone["example.com", "TXT"] = ['"v=spf1 -all"', '"v=spf1 ~all"']
    verify(cast.owner, domain_id)
    with cast.owner.scope() as scope:
        score = service.score_for(scope, service.get_domain(scope.session, domain_id))
    assert score.score == 95 == sum(item.points for item in score.items)
    assert next(item for item in score.items if item.key == "hygiene").reason.startswith("There are 2 SPF records")
    assert sum(item.most for item in score.items) == 100
