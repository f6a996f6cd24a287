"""Web pages of other origins: off by default, and only for the origins that the operator lists."""

from __future__ import annotations

import dataclasses

import pytest
from flask import Flask

from tests.fixtures import Cast
from webapp.app import create_app
from webapp.settings import get_settings

PAGE = "https://app.example.com"
_ASK = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture(scope="module")
def open_app(app: Flask) -> Flask:
    """The application of an operator who lists one origin."""
    return create_app(dataclasses.replace(get_settings(), cors_origins=(PAGE,)))


def test_it_is_off_by_default(cast: Cast, app: Flask) -> None:
    for answer in (cast.owner.api(app).get("/api/v1/pools", headers=_ASK), app.test_client().options("/api/v1/email/send", headers=_ASK)):
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("path", ["/api/v1/email/send", "/v1/pools", "/api/email/send/batch"])
def test_a_listed_origin_may_ask_and_call(open_app: Flask, cast: Cast, path: str) -> None:
    asked = open_app.test_client().options(path, headers=_ASK)
    assert asked.status_code == 204 and asked.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Idempotency-Key" in asked.headers["Access-Control-Allow-Headers"] and "POST" in asked.headers["Access-Control-Allow-Methods"]
    answer = open_app.test_client().post(path, json={}, headers={"Origin": PAGE})
    assert answer.status_code == 401 and answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"] and "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers.getlist("Vary")


@pytest.mark.parametrize("origin", ["https://evil.example", "https://app.example.com.evil.example", "null", ""])
def test_any_other_origin_gets_nothing(open_app: Flask, cast: Cast, origin: str) -> None:
    answer = open_app.test_client().options("/api/v1/pools", headers={**_ASK, "Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_pages_and_tracked_links_never_take_part(open_app: Flask, cast: Cast) -> None:
    for path in ("/login", "/api/t/o/x", "/docs/"):
        assert "Access-Control-Allow-Origin" not in open_app.test_client().get(path, headers=_ASK).headers
