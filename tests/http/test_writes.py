"""Writes of the management API that come twice or too late."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.views import MethodView

from tests.architecture.estate import Estate, json_of, make_estate
from tests.architecture.matrix import ROUTES
from tests.architecture.test_tenancy_matrix import addresses, rules
from tests.fixtures import Cast
from webapp.http.writes import reader_of
from webapp.kernel.db import unscoped

POOLS = "/api/v1/pools"


def pools_of(client: Any) -> list[str]:
    """Names of the tenant's own pools."""
    return [pool["name"] for pool in json_of(client.get(POOLS))["data"] if pool["name"].startswith("Once")]


def test_a_key_does_a_thing_once_and_answers_the_same(app: Flask, cast: Cast) -> None:
    client = cast.owner.api(app)
    first, second = (client.post(POOLS, json={"name": "Once"}, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.get_data() == second.get_data()
    assert "Idempotent-Replayed" not in first.headers and second.headers["Idempotent-Replayed"] == "true"
    assert pools_of(client) == ["Once"]


def test_a_key_with_another_body_or_path_is_refused(app: Flask, cast: Cast) -> None:
    client = cast.owner.api(app)
    client.post(POOLS, json={"name": "Once"}, headers={"X-Idempotency-Key": "k1"})
    for path, body in ((POOLS, {"name": "Once more"}), ("/api/v1/roles", {"name": "Once"})):
        refused = client.post(path, json={**body, **({"permissions": ["email.send"]} if "roles" in path else {})}, headers={"Idempotency-Key": "k1"})
        assert refused.status_code == 409 and json_of(refused)["error"]["code"] == "idempotency_conflict"
    assert pools_of(client) == ["Once"]


def test_a_refused_write_leaves_its_key_free(app: Flask, cast: Cast) -> None:
    client = cast.owner.api(app)
    assert client.post(POOLS, json={"name": ""}, headers={"Idempotency-Key": "k1"}).status_code == 422
    assert client.post(POOLS, json={"name": "Once"}, headers={"Idempotency-Key": "k1"}).status_code == 201


def test_keys_of_tenants_and_modes_are_apart(app: Flask, cast: Cast) -> None:
    for client in (cast.owner.api(app), cast.stranger.api(app)):
        assert client.post(POOLS, json={"name": "Once"}, headers={"Idempotency-Key": "k1"}).status_code == 201
        assert pools_of(client) == ["Once"]


@pytest.mark.parametrize("headers", [{"Idempotency-Key": ""}, {"Idempotency-Key": "x" * 256}, {"Idempotency-Key": "a", "X-Idempotency-Key": "b"}])
def test_keys_that_are_none_are_named(app: Flask, cast: Cast, headers: dict[str, str]) -> None:
    refused = cast.owner.api(app).post(POOLS, json={"name": "Once"}, headers=headers)
    assert refused.status_code == 400
    assert json_of(refused)["error"]["param"] == "Idempotency-Key"


def test_a_secret_shown_once_is_shown_again_to_its_key_and_stored_sealed(app: Flask, cast: Cast) -> None:
    client = cast.owner.api(app)
    made = [client.post("/api/v1/keys", json={"name": "Once", "role": "root:readonly"}, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    plain = [json_of(answer)["data"]["key"] for answer in made]
    assert plain[0] == plain[1]
    with unscoped("test") as rows:
        stored = rows.execute(sa.text("select body from api_answers")).scalar_one()
    assert plain[0].encode() not in bytes(stored)


def test_a_race_of_one_key_does_one_thing(app: Flask, cast: Cast) -> None:
    clients = [cast.owner.api(app) for _ in range(8)]
    statuses: list[int] = []

    def post(client: Any) -> None:
        statuses.append(client.post(POOLS, json={"name": "Once"}, headers={"Idempotency-Key": "k1"}).status_code)

    threads = [threading.Thread(target=post, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {201, 409} and 201 in statuses
    assert pools_of(clients[0]) == ["Once"]


def test_a_write_on_what_was_seen_goes_through_and_one_too_late_does_not(app: Flask, cast: Cast) -> None:
    client = cast.owner.api(app)
    address = f"{POOLS}/{json_of(client.post(POOLS, json={'name': 'Once'}))['data']['id']}"
    seen = client.get(address).headers["ETag"]
    assert client.patch(address, json={"name": "Once A"}, headers={"If-Match": seen}).status_code == 200
    late = client.patch(address, json={"name": "Once B"}, headers={"If-Match": seen})
    assert late.status_code == 409 and json_of(late)["error"]["code"] == "conflict" and json_of(late)["error"]["param"] == "If-Match"
    assert pools_of(client) == ["Once A"]
    assert client.patch(address, json={"name": "Once C"}, headers={"If-Match": "*"}).status_code == 200
    assert client.delete(address, headers={"If-Match": seen}).status_code == 409
    assert client.delete(address, headers={"If-Match": client.get(address).headers["ETag"]}).status_code in (200, 204)


def test_every_write_with_a_read_beside_it_honours_if_match(app: Flask, cast: Cast) -> None:
    estate: Estate = make_estate(app, cast)
    client = cast.owner.api(app)
    ignored, tried = [], 0
    for rule, method in rules(app):
        view = getattr(app.view_functions[rule.endpoint], "view_class", None)
        if method in ("PATCH", "PUT", "DELETE") and view is not None and issubclass(view, MethodView) and reader_of(view):
            body = ROUTES[f"{method} {rule.endpoint}"]
            address = next(iter(addresses(rule, estate.ids)))
            answer = client.open(address, method=method, headers={"If-Match": 'W/"stale"'}, **({} if body is None else {"json": body}))
            tried += 1
            if answer.status_code != 409 or json_of(answer)["error"]["param"] != "If-Match":
                ignored.append(f"{method} {address}: {answer.status_code}")
    assert tried > 10 and ignored == []


def test_the_document_names_both_headers(app: Flask) -> None:
    paths = json_of(app.test_client().get("/api/v1/openapi.json"))["paths"]
    assert "Idempotency-Key" in {parameter["name"] for parameter in paths["/api/v1/pools"]["post"]["parameters"]}
    assert "If-Match" in {parameter["name"] for parameter in paths["/api/v1/pools/{pool_id}"]["patch"]["parameters"]}
