"""/credentials: bridges in the vocabulary of usernames at domains."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.fixtures import ApiClient, Cast
from webapp.bootstrap import ensure_verified_domain
from webapp.messages.service import forget_facts


@pytest.fixture
def client(app: Flask, cast: Cast) -> ApiClient:
    forget_facts()
    with cast.owner.scope() as scope:
        for name in ("acme.test", "sub.acme.test"):
            ensure_verified_domain(scope, name)
    made = cast.owner.api(app)
    assert made.post("/api/v1/pools", json={"name": "Default"}).status_code == 201
    return made


def domain_id(client: ApiClient, name: str) -> str:
    found = (client.get(f"/api/v1/domains?search={name}").json or {})["data"]
    return str(next(row["id"] for row in found if row["domain"] == name))


def make(client: ApiClient, username: str, domain: str, display_name: str | None = None) -> dict[str, Any]:
    body = {"domain_id": domain_id(client, domain), "username": username, **({"display_name": display_name} if display_name else {})}
    answer = client.post("/api/v1/credentials", json=body)
    assert answer.status_code == 201, answer.json
    return dict((answer.json or {})["data"])


def test_they_send_from_their_address_alone(client: ApiClient) -> None:
    made = make(client, "noreply", "acme.test", "My App")
    assert (made["email"], made["username"], made["domain"], made["display_name"]) == ("noreply@acme.test", "noreply", "acme.test", "My App")
    key = {"Authorization": f"Bearer {made['api_key']}"}
    body = {"to": "jo@customer.example", "subject": "Hi", "text": "Hi"}
    assert client.post("/api/v1/email/send", json=body, headers=key).status_code == 202
    refused = client.post("/api/v1/email/send", json={**body, "from": "boss@acme.test"}, headers=key)
    assert refused.status_code == 403


def test_the_list_is_filtered_by_name_and_domain(client: ApiClient) -> None:
    make(client, "one", "acme.test", "First")
    make(client, "two", "sub.acme.test", "Second")
    client.post("/api/v1/bridges", json={"name": "Free", "allowed_from": ["a@acme.test", "b@acme.test"]})

    def names(query: str) -> list[str]:
        return [row["display_name"] for row in (client.get(f"/api/v1/credentials?sort=name{query}").json or {})["data"]]

    assert names("") == ["First", "Free", "Second"]
    assert names("&search=SEC") == ["Second"]
    assert names(f"&domain_id={domain_id(client, 'acme.test')}") == ["First"]


def test_renaming_holds_against_a_change_in_between(client: ApiClient) -> None:
    path = f"/api/v1/credentials/{make(client, 'noreply', 'acme.test')['id']}"
    tag = client.get(path).headers["ETag"]
    assert (client.patch(path, json={"display_name": "New"}, headers={"If-Match": tag}).json or {})["data"]["display_name"] == "New"
    assert client.patch(path, json={"display_name": "Newer"}, headers={"If-Match": tag}).status_code == 409


def test_rotating_leaves_both_valid_for_the_overlap(client: ApiClient) -> None:
    made = make(client, "noreply", "acme.test")
    new = (client.post(f"/api/v1/credentials/{made['id']}/rotate", json={"overlap_days": 1}).json or {})["data"]
    assert new["api_key"] != made["api_key"] and new["smtp"]["password"] != made["smtp"]["password"]
    for key in (made["api_key"], new["api_key"]):
        body = {"to": "jo@customer.example", "subject": "Hi", "text": "Hi"}
        assert client.post("/api/v1/email/send", json=body, headers={"Authorization": f"Bearer {key}"}).status_code == 202
