"""A new secret for the same key: two work for a while, and one sees whether the old one is still in use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.fixtures import Cast
from webapp.access import doors
from webapp.access.service import KeyWish, create_key
from webapp.kernel import clock
from webapp.kernel.errors import Unauthenticated
from webapp.kernel.scope import Mode
from webapp.tenants.service import set_limit
from webapp.tenants.types import LimitName

HERE = "192.0.2.7"
KEYS = "/api/v1/keys"


@pytest.fixture
def key(cast: Cast, app: Flask) -> dict[str, Any]:
    """A key just made, with its plain text."""
    made: dict[str, Any] = cast.owner.api(app).post(KEYS, json={"name": "Shop", "role": "root:sending", "mode": "live"}).json["data"]
    return made


def works(plain: str) -> bool:
    doors.forget_everything()
    try:
        return doors.load_credential(plain, HERE) is not None
    except Unauthenticated:
        return False


def test_both_secrets_are_the_same_key_until_the_overlap_ends(cast: Cast, app: Flask, key: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    client = cast.owner.api(app)
    rolled = client.post(f"{KEYS}/{key['id']}/roll", json={"overlap_seconds": 600}).json["data"]
    assert rolled["id"] == key["id"] and rolled["key"] != key["key"]
    old, new = (doors.load_credential(plain, HERE) for plain in (key["key"], rolled["key"]))
    assert old.key_id == new.key_id and old.permissions == new.permissions and old.actor == new.actor
    later = clock.now() + timedelta(seconds=601)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(Unauthenticated):  # also while it is remembered
        doors.load_credential(key["key"], HERE)
    assert works(rolled["key"])


def test_the_old_secret_is_shown_as_used_or_not(cast: Cast, app: Flask, key: dict[str, Any]) -> None:
    client, path = cast.owner.api(app), f"{KEYS}/{key['id']}"
    assert works(key["key"])
    client.post(f"{path}/roll", json={})
    previous = client.get(path).json["data"]["previous"]
    assert previous["last_four"] == key["last_four"] and previous["last_used_at"] is None
    assert works(key["key"])
    assert client.get(path).json["data"]["previous"]["last_used_at"] is not None
    assert client.get(path).json["data"]["last_used_from"] == HERE


def test_an_overlap_can_be_ended_before_its_time(cast: Cast, app: Flask, key: dict[str, Any]) -> None:
    client, path = cast.owner.api(app), f"{KEYS}/{key['id']}"
    rolled = client.post(f"{path}/roll", json={}).json["data"]
    refused = client.post(f"{path}/roll", json={})
    assert refused.status_code == 409 and "/previous" in refused.json["error"]["message"]
    assert client.delete(f"{path}/previous").json["data"]["previous"] is None
    assert not works(key["key"]) and works(rolled["key"])
    assert client.delete(f"{path}/previous").status_code == 200


def test_a_roll_without_overlap_ends_every_secret_before_it(cast: Cast, app: Flask, key: dict[str, Any]) -> None:
    client, path = cast.owner.api(app), f"{KEYS}/{key['id']}"
    second = client.post(f"{path}/roll", json={}).json["data"]
    third = client.post(f"{path}/roll", json={"overlap_seconds": 0}).json["data"]
    assert [works(made["key"]) for made in (key, second, third)] == [False, False, True]
    assert third["previous"] is None


def test_revoking_ends_both_secrets(cast: Cast, app: Flask, key: dict[str, Any]) -> None:
    client, path = cast.owner.api(app), f"{KEYS}/{key['id']}"
    rolled = client.post(f"{path}/roll", json={}).json["data"]
    client.post(f"{path}/revoke")
    assert not works(key["key"]) and not works(rolled["key"])


def test_a_tenant_that_has_all_its_keys_can_still_roll_one(cast: Cast, app: Flask, key: dict[str, Any]) -> None:
    with cast.owner.scope() as scope:
        set_limit(scope, LimitName.API_KEYS, 3)
    client = cast.owner.api(app)
    refused = client.post(KEYS, json={"name": "one more", "role": "root:sending"})
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "limit_exceeded")
    assert client.post(f"{KEYS}/{key['id']}/roll", json={}).status_code == 201


def test_a_key_may_roll_itself_but_not_lift_its_limits(cast: Cast, app: Flask) -> None:
    with cast.owner.scope() as scope:
        issued = create_key(scope, KeyWish("self", Mode.LIVE, "root:full", rate_limit=100))
    headers = {"Authorization": f"Bearer {issued.plain}"}
    path, plain = f"{KEYS}/{issued.key.id}", app.test_client()
    assert plain.patch(path, json={"rate_limit": 1000}, headers=headers).status_code == 403
    assert plain.post(f"{path}/roll", json={}, headers=headers).status_code == 201


def test_a_key_tells_what_it_is(cast: Cast, app: Flask, key: dict[str, Any]) -> None:
    told = app.test_client().get(f"{KEYS}/current", headers={"Authorization": f"Bearer {key['key']}"}).json["data"]
    assert (told["kind"], told["id"], told["mode"]) == ("api_key", key["id"], "live")
    assert "email.send" in told["permissions"] and "key.create" not in told["permissions"]


@pytest.mark.parametrize("rate", [1801, 10**9])
def test_no_key_gets_a_higher_rate_than_the_tenant_may_have(cast: Cast, app: Flask, rate: int) -> None:
    body = {"name": "fast", "role": "root:sending", "rate_limit": rate}
    refused = cast.owner.api(app).post(KEYS, json=body)
    assert (refused.status_code, refused.json["error"]["param"]) == (422, "rate_limit")
    with cast.owner.scope() as scope:
        set_limit(scope, LimitName.KEY_RATE, rate)
    assert cast.owner.api(app).post(KEYS, json=body).status_code == 201


def test_the_page_shows_both_secrets_and_ends_the_old_one(cast: Cast, app: Flask, key: dict[str, Any]) -> None:
    browser = cast.owner.browser(app)
    assert browser.post(f"/keys/{key['id']}/roll").status_code == 200
    assert f"…{key['last_four']} works too" in browser.get("/keys").text
    assert browser.post(f"/keys/{key['id']}/end-previous").status_code == 303
    assert "works too" not in browser.get("/keys").text
    assert browser.post(f"/keys/{key['id']}/adopt").status_code == 303
    assert cast.owner.api(app).get(f"{KEYS}/{key['id']}").json["data"]["made_by"]["name"] == "Olivia Owner"
    assert cast.teammate.browser(app).post(f"/keys/{key['id']}/adopt").status_code == 403
