"""Keys and roles over API and pages, also as the stranger; what a key may give on; where plain keys must not lie (reliability F34)."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import Cast
from webapp.access import service
from webapp.access.models import ApiKey
from webapp.access.service import KeyWish
from webapp.kernel.clock import now, rfc3339
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Forbidden, LimitExceeded
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import PRESETS
from webapp.kernel.scope import Mode

KEYS, ROLES = "/api/v1/keys", "/api/v1/roles"


def make_key(client: Any, **body: Any) -> Any:
    return client.post(KEYS, json={"name": "Shop", "role": "root:sending", **body})


def test_a_key_is_made_shown_once_listed_changed_rolled_and_revoked(cast: Cast, app: Flask) -> None:
    client = cast.owner.api(app)
    made = make_key(client, mode="live", allowed_networks=["127.0.0.0/8"], rate_limit=77, expires_at=rfc3339(now() + timedelta(days=3)))
    assert made.status_code == 201, made.text
    key = made.json["data"]
    assert key["key"].startswith("mp_live_") and key["key"].endswith(key["last_four"])
    path = f"{KEYS}/{key['id']}"
    shown = client.get(path)
    assert "key" not in shown.json["data"] and shown.json["data"]["created_by"] == "live key"
    assert client.get(path, headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    assert key["id"] in {row["id"] for row in client.get(f"{KEYS}?mode=live&active=true").json["data"]}
    changed = client.patch(path, json={"name": "Shop 2"}).json["data"]
    assert (changed["name"], changed["rate_limit"]) == ("Shop 2", 77)
    assert client.patch(path, json={"rate_limit": None}).json["data"]["rate_limit"] is None
    rolled = client.post(f"{path}/roll", json={"overlap_seconds": 3600})
    assert rolled.status_code == 201 and rolled.json["data"]["id"] == key["id"]
    assert client.get(path).json["data"]["previous"]["expires_at"] < rfc3339(now() + timedelta(seconds=3700))
    for token in (key["key"], rolled.json["data"]["key"]):
        assert app.test_client().get("/api/v1/permissions", headers={"X-API-Key": token}).status_code == 200
    assert client.post(f"{path}/revoke").json["data"]["status"] == "revoked"
    assert client.delete(path).status_code == 200
    for token in (key["key"], rolled.json["data"]["key"]):
        refused = app.test_client().get("/api/v1/permissions", headers={"X-API-Key": token})
        assert (refused.status_code, refused.json["error"]["code"]) == (401, "authentication_required")
    assert client.post(f"{path}/roll", json={}).status_code == 409


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"name": ""}, "name"), ({"name": "a\nb"}, "name"), ({"name": "a\x00b"}, "name"), ({"mode": "both"}, "mode"), ({"role": "root:nothing"}, "role"),
        ({"role": str(uuid4())}, "role"), ({"allowed_networks": ["10.0.0.1/8"]}, "allowed_networks[0]"),
        ({"allowed_networks": ["here"]}, "allowed_networks[0]"), ({"rate_limit": 0}, "rate_limit"), ({"rate_limit": "many"}, "rate_limit"),
        ({"expires_at": "tomorrow"}, "expires_at"), ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"), ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_the_name_of_its_field(cast: Cast, app: Flask, body: dict[str, Any], param: str) -> None:
    refused = make_key(cast.owner.api(app), **body)
    assert refused.status_code == 422, refused.text
    assert refused.json["error"]["param"] == param and refused.json["ok"] is False


def test_a_role_is_made_used_changed_and_deleted(cast: Cast, app: Flask) -> None:
    client = cast.owner.api(app)
    made = client.post(ROLES, json={"name": "Marketing", "permissions": ["domain.*", "email.send"]})
    assert made.status_code == 201, made.text
    role_id = made.json["data"]["id"]
    assert client.post(ROLES, json={"name": "Marketing", "permissions": ["email.send"]}).status_code == 409
    key = make_key(client, role="Marketing").json["data"]
    assert key["role"] == role_id
    assert client.delete(f"{ROLES}/{role_id}").status_code == 409
    assert client.patch(f"{ROLES}/{role_id}", json={"permissions": ["key.read"]}).json["data"]["permissions"] == ["key.read"]
    as_key = {"Authorization": f"Bearer {key['key']}"}
    assert app.test_client().get(KEYS, headers=as_key).status_code == 200
    refused = app.test_client().post(KEYS, json={"name": "x", "role": "root:full"}, headers=as_key)
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "insufficient_permissions")
    client.delete(f"{KEYS}/{key['id']}")
    assert client.delete(f"{ROLES}/{role_id}").status_code == 200
    assert client.get(f"{ROLES}/{role_id}").status_code == 404


@pytest.mark.parametrize("permissions", [[], ["email.fly"], ["email"], ["**"], ["email.send", "nope.*"]])
def test_a_role_lists_known_permissions_only(cast: Cast, app: Flask, permissions: list[str]) -> None:
    refused = cast.owner.api(app).post(ROLES, json={"name": "r", "permissions": permissions})
    assert (refused.status_code, refused.json["error"]["param"]) == (422, "permissions")


def test_the_vocabulary_is_told(cast: Cast, app: Flask) -> None:
    data = cast.owner.api(app).get("/api/v1/permissions").json["data"]
    described = {entry["name"]: entry["description"] for entry in (*data["permissions"], *data["wildcards"])}
    assert described["email.send"] == "Send, resend, re-time and cancel mail" and described["domain.*"] == "Everything about domains"
    assert {"root:full", "root:readonly", "root:webhook_admin", "root:provider_admin"} <= {preset["name"] for preset in data["presets"]}
    assert [role["name"] for role in data["member_roles"]] == ["owner", "admin", "developer", "viewer"]
    assert "root:full" in {preset["name"] for preset in data["presets"]} and "owner" not in {preset["name"] for preset in data["presets"]}


def test_a_stranger_gets_the_answer_of_an_absent_id(cast: Cast, app: Flask) -> None:
    ours, theirs = cast.owner.api(app), cast.stranger.api(app)
    key_id = make_key(ours).json["data"]["id"]
    role_id = ours.post(ROLES, json={"name": "r", "permissions": ["email.send"]}).json["data"]["id"]
    calls: list[tuple[str, str, Any]] = [
        ("GET", f"{KEYS}/%s", None), ("PATCH", f"{KEYS}/%s", {"name": "x"}), ("DELETE", f"{KEYS}/%s", None), ("POST", f"{KEYS}/%s/revoke", None),
        ("POST", f"{KEYS}/%s/roll", {}), ("GET", f"{ROLES}/%s", None), ("PATCH", f"{ROLES}/%s", {"name": "x"}), ("DELETE", f"{ROLES}/%s", None),
    ]  # fmt: skip
    for method, path, body in calls:
        own_id = key_id if "/keys/" in path else role_id
        foreign, absent = (theirs.open(path % some, method=method, json=body) for some in (own_id, uuid7()))
        assert foreign.status_code == absent.status_code == 404, (method, path)
        assert foreign.json["error"] == absent.json["error"]
    assert make_key(theirs, role=role_id).status_code == 422
    assert make_key(theirs, role="r").status_code == 422
    assert ours.get(f"{KEYS}/{key_id}").json["data"]["revoked_at"] is None
    assert key_id not in theirs.get(KEYS).text
    browser = cast.stranger.browser(app)
    for path in (f"/keys/{key_id}/revoke", f"/keys/{key_id}/roll", f"/roles/{role_id}/delete", f"/roles/{role_id}"):
        assert browser.post(path, data={"name": "x", "permissions": "email.send"}).status_code in (303, 404)
    assert ours.get(f"{KEYS}/{key_id}").json["data"]["revoked_at"] is None
    assert ours.get(f"{ROLES}/{role_id}").status_code == 200


def test_a_key_gives_no_more_than_it_has(cast: Cast, app: Flask) -> None:
    soon = now() + timedelta(hours=1)
    with cast.owner.scope() as scope:
        service.create_role(scope, "key makers", ["key.*", "email.send"])
        wish = KeyWish("maker", Mode.SANDBOX, "key makers", ("127.0.0.0/8",), None, soon)
        maker = service.create_key(scope, wish).plain
    client = cast.owner.api(app)
    client.key = maker
    good = {"role": "key makers", "allowed_networks": ["127.0.0.1"], "expires_at": rfc3339(soon - timedelta(minutes=1))}
    assert make_key(client, **good).status_code == 201
    for more in ({"role": "root:full"}, {"mode": "live"}, {"allowed_networks": []}, {"allowed_networks": ["0.0.0.0/0"]}, {"expires_at": None}):
        refused = make_key(client, **{**good, **more})
        assert (refused.status_code, refused.json["error"]["code"]) == (403, "insufficient_permissions"), more


def test_a_key_does_not_lift_its_own_limits(cast: Cast, app: Flask) -> None:
    client = cast.owner.api(app)
    own = next(row for row in client.get(KEYS).json["data"] if row["name"] == "live key")
    assert client.patch(f"{KEYS}/{own['id']}", json={"rate_limit": 1000000}).status_code == 403


def test_a_developer_makes_no_key_above_a_developer(cast: Cast) -> None:
    with cast.owner.scope(permissions=PRESETS["developer"]) as scope:
        service.create_key(scope, KeyWish("ok", Mode.SANDBOX, "root:sending"))
        with pytest.raises(Forbidden):
            service.create_key(scope, KeyWish("too much", Mode.SANDBOX, "root:full"))


def test_the_hundred_and_first_key_is_refused_until_one_is_revoked(cast: Cast, app: Flask) -> None:
    with cast.owner.scope() as scope:
        for number in range(98):  # two are the cast's
            last = service.create_key(scope, KeyWish(f"key {number}", Mode.SANDBOX, "root:sending"))
    refused = make_key(cast.owner.api(app))
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "limit_exceeded")
    with cast.owner.scope() as scope:
        with pytest.raises(LimitExceeded):
            service.create_key(scope, KeyWish("one more", Mode.SANDBOX, "root:sending"))
        service.revoke_key(scope, last.key.id)
    assert make_key(cast.owner.api(app)).status_code == 201
    assert make_key(cast.stranger.api(app)).status_code == 201


def test_pages_of_keys_hold_every_key_once(cast: Cast, app: Flask) -> None:
    client = cast.owner.api(app)
    for number in range(5):
        make_key(client, name=f"key {number}")
    seen: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"{KEYS}?limit=3{cursor}").json
        seen += [row["id"] for row in page["data"]]
        if not page["pagination"]["has_more"]:
            break
        cursor = f"&cursor={page['pagination']['next_cursor']}"
    assert len(seen) == len(set(seen)) == 7


def test_no_plain_key_lies_in_database_or_logs(cast: Cast, app: Flask, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    key = make_key(cast.owner.api(app)).json["data"]["key"]
    cast.owner.browser(app).get(f"/keys?q={key[-4:]}")
    app.test_client().get("/api/v1/keys", headers={"Authorization": f"Bearer {key}x"})
    with unscoped("test") as rows:
        tables = rows.scalars(sa.text("select c.oid::regclass::text from pg_class c where relkind = 'r' and relnamespace = 'public'::regnamespace")).all()
        for table in tables:
            hits = rows.scalar(sa.text(f"select count(*) from {table} t where t::text like '%' || :secret || '%'"), {"secret": key[8:-6]})
            assert hits == 0, table
    logged = capfd.readouterr()
    assert key[8:-6] not in caplog.text + logged.out + logged.err


def test_every_act_stands_in_the_activity_log_with_its_actor(cast: Cast, app: Flask) -> None:
    client = cast.owner.api(app)
    key = make_key(client).json["data"]
    cast.owner.browser(app).post(f"/keys/{key['id']}/revoke")
    entries = client.get(f"/api/v1/activity?object_id={key['id']}").json["data"]
    assert [(e["action"], e["actor"]["kind"], e["actor"]["name"]) for e in entries] == [
        ("api_key.revoked", "member", "Olivia Owner"), ("api_key.created", "api_key", "live key"),
    ]  # fmt: skip
    assert key["key"] not in json.dumps(entries)


def test_roles_are_edited_in_the_dashboard(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    made = browser.post("/roles", data={"name": "Shop", "permissions": ["email.send", "email.read"], "patterns": "domain.*"})
    assert made.status_code == 303, made.text
    with cast.owner.scope() as scope:
        [role_id] = [row.id for row in service_roles(scope)]
    assert "domain.*" in browser.get(f"/roles/{role_id}").text
    assert browser.post(f"/roles/{role_id}", data={"name": "Shop", "patterns": "nonsense.*"}).status_code == 422
    assert browser.post(f"/roles/{role_id}/delete").status_code == 303
    viewer = cast.teammate.browser(app)
    assert viewer.get("/roles").status_code == 200
    assert viewer.post("/roles", data={"name": "Mine", "permissions": "email.read"}).status_code == 403


def service_roles(scope: Any) -> Any:
    from webapp.access.queries import list_roles

    return list_roles(scope).items


def test_a_refused_key_form_keeps_what_was_typed(cast: Cast, app: Flask) -> None:
    answer = cast.owner.browser(app).post("/keys", data={"name": "Kept name", "mode": "live", "role": "root:sending", "networks": "here\n192.0.2.1"})
    assert answer.status_code == 422
    assert "Kept name" in answer.text and "is no address or network" in answer.text
    with cast.owner.scope() as scope:
        assert scope.session.scalar(sa.select(ApiKey.id).where(ApiKey.name == "Kept name")) is None


def test_a_script_in_a_name_stays_text(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    browser.post("/keys", data={"name": "<script>alert(1)</script>", "mode": "sandbox", "role": "root:sending"})
    for path in ("/keys", "/activity/"):
        assert "<script>alert" not in browser.get(path).text
