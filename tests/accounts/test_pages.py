"""The account pages, through the real application."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.fixtures import PASSWORD, Browser, Cast


@pytest.mark.parametrize("path", ["/login", "/sign-up", "/forgot-password", "/reset-password?token=x", "/invitation?token=x", "/confirm-email?token=x"])
def test_a_visitor_sees_the_pages_before_login(cast: Cast, visitor: Browser, path: str) -> None:
    response = visitor.get(path)
    assert response.status_code in (200, 422)
    assert "<h1" in response.text


@pytest.mark.parametrize("path", ["/settings", "/team", "/keys", "/roles", "/roles/new", "/activity/", "/activity/panel", "/activity/export.csv"])
def test_an_owner_sees_the_settings_pages(cast: Cast, app: Flask, path: str) -> None:
    response = cast.owner.browser(app).get(path)
    assert response.status_code == 200, response.text


def test_logging_in_and_out(cast: Cast, app: Flask, visitor: Browser) -> None:
    response = visitor.post("/login", data={"email": "Olivia@ACME.test", "password": PASSWORD, "next": "/keys"})
    assert (response.status_code, response.headers["Location"]) == (303, "/keys")
    assert visitor.get("/keys").status_code == 200
    assert visitor.post("/logout").status_code == 303
    assert visitor.get("/keys").status_code == 302


def test_a_key_is_shown_once(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    made = browser.post("/keys", data={"name": "Shop", "mode": "sandbox", "role": "root:sending"})
    assert made.status_code == 200, made.text
    key = re.search(r"mp_test_[0-9A-Za-z]{33}", made.text)
    assert key
    assert key[0] not in browser.get("/keys").text
