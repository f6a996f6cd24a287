"""Domains over the API and in the dashboard, and what the stranger gets."""

from __future__ import annotations

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from tests.dns_server import DnsServer
from tests.domains.acts import add, publish, records, standing, verify
from tests.fixtures import Cast


def test_the_api_tells_all_that_the_page_does(cast: Cast, app: Flask, zone: DnsServer) -> None:
    api, domain_id = cast.owner.api(app), standing(cast.owner, zone)
    url = f"/api/v1/domains/{domain_id}"
    data = api.get(url).get_json()["data"]
    assert (data["status"], data["score"], data["return_path_host"], data["tracking_host"]) == ("verified", 95, "bounces.example.com", "links.example.com")
    assert [key["state"] for key in data["keys"]] == ["signing", "signing"] and data["alignment"]["passes"] is True
    assert "private_key" not in json.dumps(data) and "PRIVATE" not in json.dumps(data)
    score = api.get(f"{url}/score").get_json()["data"]
    assert score["score"] == sum(item["points"] for item in score["items"]) and all(item["reason"] for item in score["items"])
    found = api.get(f"{url}/records").get_json()["data"]
    assert found["zone_file"].count(" IN ") == len(found["records"]) == 7
    checks = api.get(f"{url}/checks?limit=3").get_json()
    assert len(checks["data"]) == 3 and checks["pagination"]["has_more"]


def test_rotation_and_its_end_over_the_api(cast: Cast, app: Flask, zone: DnsServer) -> None:
    api, domain_id = cast.owner.api(app), standing(cast.owner, zone)
    url = f"/api/v1/domains/{domain_id}/rotate-dkim"
    assert [key["state"] for key in api.post(url).get_json()["data"]["keys"]] == ["waiting", "waiting", "signing", "signing"]
    again = api.post(url)
    assert (again.status_code, again.get_json()["error"]["code"]) == (409, "conflict")
    assert len(api.delete(url).get_json()["data"]["keys"]) == 2
    assert api.delete(url).status_code == 409


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, None),
        ({"tracking_label": ""}, "tracking_label"),
        ({"tracking_label": "a.b"}, "tracking_label"),
        ({"tracking_label": "bounces"}, "tracking_label"),
        ({"return_path_label": "x" * 43}, "return_path_label"),
        ({"covers_subdomains": "perhaps"}, "covers_subdomains"),
        ({"status": "verified"}, "status"),
    ],
)
def test_bad_changes_name_their_field(cast: Cast, app: Flask, body: dict[str, object], param: str | None) -> None:
    answer = cast.owner.api(app).patch(f"/api/v1/domains/{add(cast.owner)}", json=body)
    assert answer.status_code == 422
    assert answer.get_json()["error"]["param"] == param


def test_a_domain_whose_challenge_did_not_suffice_says_why(cast: Cast, app: Flask, zone: DnsServer) -> None:
    standing(cast.stranger, zone)
    api = cast.owner.api(app)
    made = api.post("/api/v1/domains", json={"domain": "example.com"}).get_json()["data"]
    zone.zone["_postbridge.example.com", "TXT"].append(f'"{made["records"][0]["value"]}"')
    answer = api.post(f"/api/v1/domains/{made['id']}/verify").get_json()["data"]
    assert answer["status"] == "pending" and "verified by another tenant" in answer["problem"]
    renewed = api.post(f"/api/v1/domains/{made['id']}/challenge").get_json()["data"]
    assert renewed["records"][0]["value"] != made["records"][0]["value"] and renewed["records"][0]["state"] == "unchecked"


def test_the_page_asks_again_until_nothing_is_waited_for(cast: Cast, app: Flask, zone: DnsServer) -> None:
    browser, domain_id = cast.owner.browser(app), add(cast.owner)
    url = f"/domains/{domain_id}"
    assert 'hx-trigger="every 5s"' in browser.get(url).get_data(as_text=True)
    publish(zone, records(cast.owner, domain_id))
    verify(cast.owner, domain_id)
    fragment = browser.get(url, htmx=True).get_data(as_text=True)
    assert "<html" not in fragment and "Verified" in fragment and "hx-trigger" not in fragment.split(">", 3)[0]
    assert 'hx-trigger="every 5s"' not in fragment


def test_the_pages_of_a_domain(cast: Cast, app: Flask, zone: DnsServer) -> None:
    browser, domain_id = cast.owner.browser(app), standing(cast.owner, zone)
    url = f"/domains/{domain_id}"
    page = browser.get(url).get_data(as_text=True)
    assert "Score of example.com: 95 of 100" in page and "DMARC passes." in page and "Rotate keys" in page
    assert "Waits for its record" in browser.post(f"{url}/rotate", htmx=True).get_data(as_text=True)
    assert browser.post(f"{url}/rotate", htmx=True).status_code == 422
    assert "Waits for its record" not in browser.post(f"{url}/rotate/give-up", htmx=True).get_data(as_text=True)
    assert browser.post(f"{url}/hosts", data={"return_path_label": "a b", "tracking_label": "go"}).status_code == 422
    assert browser.post(f"{url}/hosts", data={"return_path_label": "back", "tracking_label": "go"}).status_code == 303
    assert "back.example.com" in browser.get(url).get_data(as_text=True)
    assert "_postbridge.example.com" in browser.get(f"{url}/checks").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(browser.get(f"{url}/checks.csv").get_data(as_text=True))))
    assert {row["state"] for row in rows} == {"ok"} and len(rows) == 7
    assert json.loads(browser.get(f"{url}/records.json").get_data())["records"][0]["purpose"] == "challenge"
    listed = list(csv.DictReader(io.StringIO(browser.get("/domains/export.csv?q=example").get_data(as_text=True))))
    assert [(row["domain"], row["status"]) for row in listed] == [("example.com", "verified")]
    assert browser.post(f"{url}/challenge").status_code == 422


def test_what_a_zone_says_is_text_on_the_page(cast: Cast, app: Flask, zone: DnsServer) -> None:
    domain_id = add(cast.owner)
    zone.zone["_postbridge.example.com", "TXT"] = ['"<script>alert(1)</script>"']
    verify(cast.owner, domain_id)
    browser = cast.owner.browser(app)
    for path in ("", "/checks"):
        page = browser.get(f"/domains/{domain_id}{path}").get_data(as_text=True)
        assert "<script>alert" not in page and "&lt;script&gt;alert" in page


@pytest.mark.parametrize("path", ["score", "records", "checks"])
def test_the_stranger_reads_nothing(cast: Cast, app: Flask, zone: DnsServer, path: str) -> None:
    domain_id = add(cast.owner)
    assert cast.stranger.api(app).get(f"/api/v1/domains/{domain_id}/{path}").status_code == 404


def test_a_viewer_sees_and_changes_nothing(cast: Cast, app: Flask, zone: DnsServer) -> None:
    domain_id = standing(cast.owner, zone)
    browser = cast.teammate.browser(app)
    page = browser.get(f"/domains/{domain_id}").get_data(as_text=True)
    assert "Verify now" not in page and "Rotate keys" not in page and "Save hosts" not in page
    for path in ("verify", "rotate", "rotate/give-up", "challenge", "hosts", "settings", "delete"):
        assert browser.post(f"/domains/{domain_id}/{path}").status_code == 403


def test_one_check_at_a_time_keeps_the_web_server_free(cast: Cast, app: Flask, zone: DnsServer) -> None:
    domain_id, theirs = add(cast.owner), add(cast.stranger, "other.example")
    zone.silent.add("_postbridge.example.com")
    with ThreadPoolExecutor(1) as aside:
        slow = aside.submit(verify, cast.owner, domain_id)
        while not any(name == "_postbridge.example.com" for name, _, _ in zone.queries):
            assert not slow.done()
        refused = cast.owner.api(app).post(f"/api/v1/domains/{domain_id}/verify")
        assert (refused.status_code, refused.get_json()["error"]["code"], refused.headers["Retry-After"]) == (429, "rate_limit_exceeded", "5")
        assert cast.stranger.api(app).post(f"/api/v1/domains/{theirs}/verify").status_code == 200
        assert slow.result(30) == "pending"
    assert records(cast.owner, domain_id)[0].state == "unreachable"


def test_the_overview_warns(cast: Cast, app: Flask, zone: DnsServer) -> None:
    browser, domain_id = cast.owner.browser(app), standing(cast.owner, zone)
    assert "Open the domain" not in browser.get("/").get_data(as_text=True)
    for entry in [entry for entry in zone.zone if "_domainkey" in entry[0] or entry[0].startswith("bounces.example.com")]:
        zone.zone.pop(entry)
    verify(cast.owner, domain_id)
    assert "Mail from example.com fails DMARC" in browser.get("/").get_data(as_text=True)
    zone.zone.pop(("_postbridge.example.com", "TXT"))
    verify(cast.owner, domain_id)
    assert "The proof of example.com is gone from DNS" in browser.get("/").get_data(as_text=True)
    assert "Open the domain" not in cast.stranger.browser(app).get("/").get_data(as_text=True)
