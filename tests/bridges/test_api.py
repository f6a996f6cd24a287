"""/bridges and /credentials over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from tests.bridges.conftest import Made
from tests.fixtures import ApiClient, Cast
from webapp.domains.service import add_domain
from webapp.kernel.scope import Mode

Make = Callable[..., Made]


def test_the_life_of_a_bridge(cast: Cast, app: Flask, shared_pool: UUID) -> None:
    api = cast.owner.api(app)
    answer = api.post("/api/v1/bridges", json={"name": "shop", "track_opens": True, "allowed_from": ["a@example.com"]})
    made = answer.get_json()["data"]
    assert answer.status_code == 201
    assert (made["pool_id"], made["track_opens"], made["mode"], made["status"]) == (str(shared_pool), True, "live", "active")
    first = made["credentials"]
    assert first["smtp"]["host"] and first["smtp"]["port"] == 2587 and first["api"]["endpoint"].endswith("/api/v1/email/send")
    url = f"/api/v1/bridges/{made['id']}"
    assert api.patch(url, json={"name": "web shop", "track_clicks": True}).get_json()["data"]["name"] == "web shop"
    rotated = api.post(f"{url}/rotate", json={"overlap_days": 3}).get_json()["data"]["credentials"]
    shown = api.get(f"{url}/credentials").get_json()["data"]["credentials"]
    assert [entry["number"] for entry in shown] == [2, 1]
    assert shown[0]["api"]["token"] == rotated["api"]["token"] and shown[1]["expires_at"]
    assert api.post(f"{url}/pause", json={"reason": "x"}).get_json()["data"]["status"] == "paused"
    assert api.post(f"{url}/resume").get_json()["data"]["status"] == "active"
    assert api.delete(url).status_code == 200
    assert api.get(url).status_code == 404


def test_reading_shows_no_secret(cast: Cast, app: Flask, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    api = cast.owner.api(app)
    for path in ("/api/v1/bridges", f"/api/v1/bridges/{made.id}", "/api/v1/credentials", f"/api/v1/credentials/{made.id}"):
        text = api.get(path).get_data(as_text=True)
        assert made.secrets.password not in text and made.secrets.token not in text


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x\ny"}, "name"),
        ({"name": "x", "mode": "test"}, "mode"),
        ({"name": "x", "pool_id": "no"}, "pool_id"),
        ({"name": "x", "pool_id": str(uuid4())}, "pool_id"),
        ({"name": "x", "allowed_from": ["nobody"]}, "allowed_from[0]"),
        ({"name": "x", "nmae": "y"}, "nmae"),
    ],
)
def test_bad_input_names_the_field(cast: Cast, app: Flask, shared_pool: UUID, body: dict[str, Any], param: str) -> None:
    answer = cast.owner.api(app).post("/api/v1/bridges", json=body)
    assert (answer.status_code, answer.get_json()["error"]["param"]) == (422, param)


def test_a_bridge_token_manages_nothing(cast: Cast, app: Flask, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    client = ApiClient(app, app.response_class, use_cookies=False)
    client.key = made.secrets.token
    for path in ("/api/v1/bridges", f"/api/v1/bridges/{made.id}/credentials", "/api/v1/pools", "/api/v1/domains", "/api/v1/suppressions"):
        assert client.get(path).status_code == 403


def test_a_sandbox_key_cannot_reach_a_live_bridge(cast: Cast, app: Flask, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    api = cast.owner.api(app, Mode.SANDBOX)
    assert api.get(f"/api/v1/bridges/{made.id}/credentials").status_code == 404
    assert api.get("/api/v1/bridges").get_json()["data"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/credentials"), ("POST", "/rotate"), ("POST", "/pause"), ("POST", "/resume"),
    ],
)  # fmt: skip
def test_the_stranger_gets_the_answer_of_an_absent_bridge(cast: Cast, app: Flask, make_bridge: Make, method: str, path: str) -> None:
    made, api = make_bridge(cast.owner), cast.stranger.api(app)
    theirs = api.open(f"/api/v1/bridges/{made.id}{path}", method=method, json={})
    absent = api.open(f"/api/v1/bridges/{uuid4()}{path}", method=method, json={})
    assert theirs.status_code == absent.status_code == 404
    assert theirs.get_json()["error"] == absent.get_json()["error"]


def test_credentials_are_bridges_in_other_words(cast: Cast, app: Flask, shared_pool: UUID) -> None:
    with cast.owner.scope() as scope:
        domain_id = str(add_domain(scope, "example.com").id)
    api = cast.owner.api(app)
    answer = api.post("/api/credentials", json={"domain_id": domain_id, "username": "noreply", "display_name": "My App"})
    made = answer.get_json()["data"]
    assert answer.status_code == 201
    assert (made["email"], made["display_name"]) == ("noreply@example.com", "My App")
    assert made["api_key"].startswith(made["smtp"]["username"])
    assert api.get(f"/api/v1/bridges/{made['id']}").get_json()["data"]["allowed_from"] == ["noreply@example.com"]
    assert api.get("/v1/credentials").get_json()["data"][0]["id"] == made["id"]
    assert cast.stranger.api(app).delete(f"/api/v1/credentials/{made['id']}").status_code == 404
    refused = cast.stranger.api(app).post("/api/v1/credentials", json={"domain_id": domain_id, "username": "x"})
    assert refused.status_code == 404
    assert api.delete(f"/api/v1/credentials/{made['id']}").status_code == 200


def test_an_unchanged_bridge_is_not_sent_again(cast: Cast, app: Flask, make_bridge: Make) -> None:
    api, url = cast.owner.api(app), f"/api/v1/bridges/{make_bridge(cast.owner).id}"
    tag = api.get(url).headers["ETag"]
    assert api.get(url, headers={"If-None-Match": tag}).status_code == 304
