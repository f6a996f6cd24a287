"""Lists of named things: every order, over pages, while rows come and go."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from flask import Flask

from tests.fixtures import ApiClient, Cast

_NAMES = ["Ärger", "beta", "Alpha", "beta", "Zulu", "alpha", "Mike"]


def rows(client: ApiClient, path: str, sort: str) -> list[dict[str, Any]]:
    """A whole list, read two rows a page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        body = client.get(f"/api/v1{path}?limit=2&sort={sort}{cursor}").json or {}
        found += body["data"]
        if not body["pagination"]["has_more"]:
            return found
        cursor = f"&cursor={body['pagination']['next_cursor']}"


@pytest.mark.parametrize(("path", "name"), [("/pools", "name"), ("/bridges", "name"), ("/credentials", "display_name"), ("/domains", "domain")])
def test_every_order_over_pages(app: Flask, cast: Cast, path: str, name: str) -> None:
    client = cast.owner.api(app)
    client.post("/api/v1/pools", json={"name": "Mike"})
    for number, text in enumerate(_NAMES):
        bodies = {"/pools": {"name": text}, "/domains": {"domain": f"{'zmab'[number % 4]}{number}.example"}}
        made = client.post(f"/api/v1{path.replace('credentials', 'bridges')}", json=bodies.get(path, {"name": f"{text}{number}"}))
        assert made.status_code == 201, made.json
    by_name, back = (rows(client, path, sort) for sort in ("name", "-name"))
    assert [row["id"] for row in back] == [row["id"] for row in by_name][::-1]
    keys = [(row[name], row["id"]) for row in by_name]
    assert len(set(keys)) == len(keys) >= len(_NAMES)
    if path == "/domains":
        assert [key[0] for key in keys] == sorted(key[0] for key in keys)
    oldest, newest = (rows(client, path, sort) for sort in ("created_at", "-created_at"))
    assert [row["id"] for row in oldest] == sorted(row["id"] for row in by_name) == [row["id"] for row in newest][::-1]


def test_a_row_that_goes_away_hides_no_other(app: Flask, cast: Cast) -> None:
    client = cast.owner.api(app)
    ids = {text: (client.post("/api/v1/pools", json={"name": text}).json or {})["data"]["id"] for text in ("a", "b", "c", "d")}
    first = client.get("/api/v1/pools?limit=2&sort=name").json or {}
    assert client.delete(f"/api/v1/pools/{ids['b']}").status_code == 200
    rest = client.get(f"/api/v1/pools?limit=2&sort=name&cursor={first['pagination']['next_cursor']}").json or {}
    assert [row["name"] for row in rest["data"]] == ["c", "d"]


@pytest.mark.parametrize("cursor", ["x", "AAAA", base64.urlsafe_b64encode(bytes(16)).decode(), base64.urlsafe_b64encode(bytes(20)).decode(),
                                    base64.urlsafe_b64encode(bytes(16) + b"\xff").decode()])  # fmt: skip
def test_a_cursor_of_another_order_is_refused(app: Flask, cast: Cast, cursor: str) -> None:
    answer = cast.owner.api(app).get(f"/api/v1/pools?sort=name&cursor={cursor}")
    assert (answer.status_code, (answer.json or {})["error"]["param"]) == (400, "cursor")


def test_an_unknown_order_is_refused(app: Flask, cast: Cast) -> None:
    answer = cast.owner.api(app).get("/api/v1/bridges?sort=colour")
    assert (answer.status_code, (answer.json or {})["error"]["param"]) == (422, "sort")
