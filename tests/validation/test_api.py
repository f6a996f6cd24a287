"""POST /validate and /validate/batch against a real name server."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask

from tests.dns_server import DnsServer
from tests.fixtures import Cast, Person
from webapp.validation import mailservers
from webapp.validation.mailservers import facts_of
from webapp.validation.types import MailServers


def ask(app: Flask, person: Person, *emails: str) -> list[dict[str, Any]]:
    answer = person.api(app).post("/api/v1/validate/batch", json={"emails": list(emails)})
    assert answer.status_code == 200, answer.json
    return list((answer.json or {})["results"])


@pytest.mark.parametrize(("email", "verdict", "reasons", "suggestion"), [
    ("jo@good.example", "valid", [], None), ("Jo+tag@Good.Example", "valid", [], None), ("jo@null.example", "invalid", ["null_mx"], None),
    ("jo@plain.example", "risky", ["implicit_mx"], None), ("jo@text.example", "invalid", ["no_mail_server"], None),
    ("jo@absent.example", "invalid", ["no_mail_server"], None), ("jo@failing.example", "unknown", ["dns_unavailable"], None),
    ("info@good.example", "risky", ["role"], None), ("jo@gmial.com", "risky", ["disposable", "typo"], "jo@gmail.com"),
    ("jo@mailinator.com", "risky", ["disposable"], None), ("nobody", "invalid", ["syntax"], None), ("a@b@c.example", "invalid", ["syntax"], None),
    ("Jo <jo@good.example>", "invalid", ["syntax"], None),
    ('"jo doe"@good.example', "invalid", ["syntax"], None), ("jo@[192.0.2.1]", "invalid", ["syntax"], None),
    ("jo@münchen.example", "valid", [], None), ("x" * 310 + "@y.example", "invalid", ["syntax"], None), ("jo\x00@good.example", "invalid", ["syntax"], None),
])  # fmt: skip
def test_verdicts(app: Flask, cast: Cast, zone: DnsServer, email: str, verdict: str, reasons: list[str], suggestion: str | None) -> None:
    zone.failing.add("failing.example")
    answer = cast.owner.api(app).post("/api/v1/validate", json={"email": email})
    assert answer.status_code == 200, answer.json
    body = answer.json or {}
    assert (body["verdict"], body["reasons"], body["suggestion"], body["email"]) == (verdict, reasons, suggestion, email)
    assert body["valid"] is (verdict in ("valid", "risky"))
    assert list(body["checks"]) == ["syntax", "mx", "disposable", "role", "typo", "suppression"]


def test_mail_servers_come_in_their_order(app: Flask, cast: Cast, zone: DnsServer) -> None:
    assert ask(app, cast.owner, "jo@good.example")[0]["checks"]["mx"] == {"status": "passed", "detail": None, "records": [
        "first.good.example", "second.good.example",
    ]}  # fmt: skip


def test_the_old_paths_and_headers_work(app: Flask, cast: Cast, zone: DnsServer) -> None:
    for path in ("/api/validate", "/v1/validate"):
        headers = {"X-API-Key": cast.owner.api(app).key, "Authorization": ""}
        answer = cast.owner.api(app).post(path, json={"email": "jo@good.example"}, headers=headers)
        assert (answer.json or {}).get("verdict") == "valid", answer.json


def test_own_suppressions_are_mine_alone(app: Flask, cast: Cast, zone: DnsServer) -> None:
    client = cast.owner.api(app)
    client.post("/api/v1/suppressions", json={"email": "gone@good.example"})
    client.post("/api/v1/suppressions", json={"email": "quiet@good.example", "scope": "bulk"})
    gone, quiet = ask(app, cast.owner, "GONE@good.example", "quiet@good.example")
    assert (gone["verdict"], gone["reasons"], gone["valid"]) == ("invalid", ["suppressed"], False)
    assert (quiet["verdict"], quiet["reasons"], quiet["valid"]) == ("risky", ["suppressed_bulk"], True)
    assert [entry["verdict"] for entry in ask(app, cast.stranger, "gone@good.example", "quiet@good.example")] == ["valid", "valid"]


def test_each_domain_is_asked_once_and_remembered(app: Flask, cast: Cast, zone: DnsServer) -> None:
    ask(app, cast.owner, *(f"jo{number}@good.example" for number in range(20)))
    ask(app, cast.stranger, "jo@good.example")
    assert [kind for name, kind, _ in zone.queries if name == "good.example"] == ["MX"]


def test_what_dns_leaves_open_is_unknown_and_asked_again(app: Flask, cast: Cast, zone: DnsServer) -> None:
    slow = {f"silent{number}.example" for number in range(12)}
    zone.silent |= slow
    before = time.monotonic()
    results = ask(app, cast.owner, *(f"jo@{domain}" for domain in sorted(slow)), "jo@good.example", "nobody")
    assert time.monotonic() - before < 30  # not one after the other: each alone may take five seconds
    assert {result["verdict"] for result in results[:12]} == {"unknown"}
    assert results[13]["verdict"] == "invalid"
    zone.silent.clear()
    zone.zone[("silent0.example", "MX")] = ["10 mx.example."]
    results = ask(app, cast.stranger, "jo@silent0.example", "jo@good.example")
    assert [result["verdict"] for result in results] == ["valid", "valid"]


def test_a_tenant_has_a_share_of_the_threads(cast: Cast, zone: DnsServer) -> None:
    assert cast.owner.tenant_id is not None and cast.stranger.tenant_id is not None
    zone.silent |= {f"hog{number}.example" for number in range(40)}
    facts = facts_of(sorted(zone.silent), cast.owner.tenant_id, 0.2)
    assert {fact.mail for fact in facts.values()} == {MailServers.UNKNOWN}
    assert mailservers._busy[cast.owner.tenant_id] <= mailservers._OF_ONE_TENANT
    assert facts_of(["good.example"], cast.stranger.tenant_id, 5)["good.example"].mail is MailServers.MX


@pytest.mark.parametrize(("body", "param"), [
    ({}, "emails"), ({"emails": []}, "emails"), ({"emails": ["jo@good.example"] * 101}, "emails"), ({"emails": [7]}, "emails[0]"),
    ({"emails": ["x" * 400]}, "emails[0]"), ({"emails": ["a@b.example"], "deep": True}, "deep"),
])  # fmt: skip
def test_refusals_name_the_field(app: Flask, cast: Cast, body: dict[str, Any], param: str) -> None:
    answer = cast.owner.api(app).post("/api/v1/validate/batch", json=body)
    assert (answer.status_code, (answer.json or {})["error"]["param"]) == (422, param)


def test_it_needs_its_permission(app: Flask, cast: Cast, zone: DnsServer) -> None:
    client = cast.owner.api(app)
    for role, status in (("root:readonly", 403), ("root:sending", 200)):
        made = client.post("/api/v1/keys", json={"name": role, "role": role, "mode": "live"}).json or {}
        headers = {"Authorization": f"Bearer {made['data']['key']}"}
        assert client.post("/api/v1/validate", json={"email": "jo@good.example"}, headers=headers).status_code == status


def test_the_page_checks_what_was_pasted(app: Flask, cast: Cast, zone: DnsServer) -> None:
    browser = cast.owner.browser(app)
    assert browser.get("/check-addresses/").status_code == 200
    page = browser.post("/check-addresses/", data={"emails": "jo@good.example; jo@gmial.com\n<script>alert(1)</script>"}).get_data(as_text=True)
    assert "Did you mean" in page and "jo@gmail.com" in page
    assert "<script>alert" not in page
    part = browser.post("/check-addresses/", data={"emails": " ".join(["a@b.example"] * 101)}, htmx=True)
    assert part.status_code == 422 and "100 are checked at once" in part.get_data(as_text=True)
    assert cast.teammate.browser(app).get("/check-addresses/").status_code == 403
