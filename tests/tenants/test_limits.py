"""What a tenant may use and uses, and asking for more."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from tests.fixtures import Cast
from webapp.kernel.errors import Conflict, LimitExceeded, NotFound
from webapp.kernel.permissions import PRESETS, PermissionSet
from webapp.kernel.scope import Actor, ActorKind, Scope
from webapp.pools.service import create_pool
from webapp.tenants import service
from webapp.tenants.queries import list_open_requests
from webapp.tenants.types import LimitName, LimitRequestStatus

LIMITS, REQUESTS = "/api/v1/limits", "/api/v1/limit-requests"


def limits_of(client: Any) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in client.get(LIMITS).json["data"]}


def as_staff(scope: Scope, cast: Cast) -> Scope:
    return Scope(scope.session, scope.tenant_id, Actor(ActorKind.STAFF, cast.staff.user_id, cast.staff.name), PRESETS["owner"])


def test_every_limit_is_listed_and_what_is_used_counts_at_once(cast: Cast, app: Flask) -> None:
    client = cast.owner.api(app)
    before = limits_of(client)
    assert set(before) == {name.value for name in LimitName}
    assert before["api_keys"] == {**before["api_keys"], "limit": 100, "default": 100, "used": 2, "remaining": 98}
    assert (before["members"]["used"], before["message_recipients"]["limit"]) == (2, 1000)
    things = {
        "pools": {"name": "p"}, "bridges": {"name": "b"}, "roles": {"name": "r", "permissions": ["email.send"]}, "domains": {"domain": "acme.example"},
        "templates": {"slug": "t", "name": "t", "subject": "t", "text": "t"},
    }  # fmt: skip
    for path, body in things.items():
        assert client.post(f"/api/v1/{path}", json=body).status_code == 201, path
    after = limits_of(client)
    assert {name for name in things if after[name]["used"] != before[name]["used"] + 1} == set()


@pytest.mark.parametrize(
    ("name", "path", "bodies"),
    [
        (LimitName.POOLS, "pools", [{"name": "a"}, {"name": "b"}]),
        (LimitName.BRIDGES, "bridges", [{"name": "a"}, {"name": "b"}]),
        (LimitName.ROLES, "roles", [{"name": "a", "permissions": ["email.send"]}, {"name": "b", "permissions": ["email.send"]}]),
        (LimitName.DOMAINS, "domains", [{"domain": "a.example"}, {"domain": "b.example"}]),
        (LimitName.SENDING_ACCOUNTS, "providers", [{"name": "a", "host": "93.184.216.34"}, {"name": "b", "host": "93.184.216.34"}]),
        (LimitName.TEMPLATES, "templates", [{"slug": slug, "name": "t", "subject": "t", "text": "t"} for slug in ("a", "b")]),
        (LimitName.WEBHOOKS, "webhooks", [{"url": "https://93.184.216.34/a"}, {"url": "https://93.184.216.34/b"}]),
        (LimitName.MEMBERS, "team/invitations", [{"email": "a@invited.example"}, {"email": "b@invited.example"}]),
    ],
)
def test_one_too_many_is_refused_and_tells_what_to_do(cast: Cast, app: Flask, name: LimitName, path: str, bodies: list[dict[str, Any]]) -> None:
    with cast.owner.scope() as scope:
        create_pool(scope, "for bridges")
        service.set_limit(scope, name, (service.get_limit(scope, name).used or 0) + 1)
    client = cast.owner.api(app)
    assert client.post(f"/api/v1/{path}", json=bodies[0]).status_code == 201
    refused = client.post(f"/api/v1/{path}", json=bodies[1])
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "limit_exceeded")
    assert "limit-requests" in refused.json["error"]["message"]


def test_a_race_for_the_last_place_has_one_winner(cast: Cast) -> None:
    with cast.owner.scope() as scope:
        service.set_limit(scope, LimitName.POOLS, 1)
    made: list[bool] = []

    def make() -> None:
        try:
            with cast.owner.scope() as scope:
                create_pool(scope, "raced")
            made.append(True)
        except LimitExceeded:
            made.append(False)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False] * 5 + [True]


def test_a_request_is_made_once_decided_by_staff_and_acts(cast: Cast, app: Flask) -> None:
    client = cast.owner.api(app)
    made = client.post(REQUESTS, json={"limit": "api_keys", "wanted": 250, "reason": "a key for each shop"})
    assert made.status_code == 201, made.text
    request_id, path = made.json["data"]["id"], f"{REQUESTS}/{made.json['data']['id']}"
    assert client.post(REQUESTS, json={"limit": "api_keys", "wanted": 300, "reason": "more"}).status_code == 409
    with cast.owner.scope() as scope:
        assert [(str(row.id), tenant.name) for row, tenant in list_open_requests(scope.session)] == [(request_id, "Acme")]
        service.grant_request(as_staff(scope, cast), UUID(request_id), granted=200, answer="200 for now")
    shown = client.get(path).json["data"]
    assert (shown["status"], shown["present"], shown["granted"], shown["answer"]) == ("granted", 100, 200, "200 for now")
    assert limits_of(client)["api_keys"]["limit"] == 200
    assert client.delete(path).status_code == 409
    actions = {entry["action"] for entry in client.get("/api/v1/activity").json["data"]}
    assert {"limit_request.made", "limit_request.granted", "tenant.limit_set"} <= actions


def test_a_request_can_be_declined_or_withdrawn(cast: Cast, app: Flask) -> None:
    client = cast.owner.api(app)
    first = client.post(REQUESTS, json={"limit": "roles", "wanted": 250, "reason": "x"}).json["data"]["id"]
    with cast.owner.scope() as scope:
        row = service.decline_request(as_staff(scope, cast), UUID(first), "not needed")
        assert row.status == LimitRequestStatus.DECLINED
        with pytest.raises(Conflict):
            service.grant_request(as_staff(scope, cast), UUID(first))
    second = client.post(REQUESTS, json={"limit": "roles", "wanted": 250, "reason": "x"}).json["data"]["id"]
    assert client.delete(f"{REQUESTS}/{second}").json["data"]["status"] == "withdrawn"
    assert [row["id"] for row in client.get(f"{REQUESTS}?status=declined&limit_name=roles").json["data"]] == [first]


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"limit": "api_keys", "wanted": 100, "reason": "x"}, 422, "wanted"), ({"limit": "moon", "wanted": 1, "reason": "x"}, 422, "limit"),
        ({"limit": "daily_recipients", "wanted": 5, "reason": "x"}, 409, "limit"), ({"limit": "api_keys", "wanted": 200, "reason": " "}, 422, "reason"),
        ({"limit": "api_keys", "wanted": 10**12, "reason": "x"}, 422, "wanted"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named(cast: Cast, app: Flask, body: dict[str, Any], status: int, param: str) -> None:
    refused = cast.owner.api(app).post(REQUESTS, json=body)
    assert (refused.status_code, refused.json["error"]["param"]) == (status, param)


def test_strangers_and_viewers_neither_see_nor_ask(cast: Cast, app: Flask) -> None:
    request_id = cast.owner.api(app).post(REQUESTS, json={"limit": "roles", "wanted": 250, "reason": "x"}).json["data"]["id"]
    stranger = cast.stranger.api(app)
    assert stranger.get(f"{REQUESTS}/{request_id}").status_code == 404 and stranger.delete(f"{REQUESTS}/{request_id}").status_code == 404
    with cast.stranger.scope() as scope, pytest.raises(NotFound):
        service.grant_request(as_staff(scope, cast), UUID(request_id))
    viewer = cast.teammate.browser(app)
    assert viewer.get("/limits/").status_code == 200
    assert viewer.post("/limits/requests", data={"limit": "roles", "wanted": "300", "reason": "x"}).status_code == 403
    assert PermissionSet(PRESETS["admin"]).allows("limit.request")


def test_the_page_shows_use_and_takes_a_request(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    assert "API keys that are neither revoked nor expired" in browser.get("/limits/").text
    assert browser.post("/limits/requests", data={"limit": "roles", "wanted": "1", "reason": "x"}).status_code == 422
    assert browser.post("/limits/requests", data={"limit": "roles", "wanted": "300", "reason": "<b>more</b>"}).status_code == 303
    page = browser.get("/limits/").text
    assert "&lt;b&gt;more&lt;/b&gt;" in page and "<b>more</b>" not in page
