"""Single sign-on against a real provider on loopback, with what a false one or a thief would send."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from joserfc.jwk import RSAKey

from tests.accounts.identity_provider import CLIENT, SECRET, Provider, provider
from tests.accounts.post import receive
from tests.accounts.test_second_factor import code_of, enrol
from tests.fixtures import PASSWORD, Browser, Cast
from webapp.settings import get_settings


@pytest.fixture
def idp(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    with provider() as known:
        for name, value in (("ISSUER", known.url), ("CLIENT_ID", CLIENT), ("CLIENT_SECRET", SECRET), ("NAME", "Acme ID")):
            monkeypatch.setenv(f"POSTBRIDGE_OIDC_{name}", value)
        get_settings.cache_clear()
        known.claims["email"] = cast.owner.email
        yield known
    monkeypatch.undo()
    get_settings.cache_clear()


def new_browser(app: Flask) -> Browser:
    return Browser(app, app.response_class, use_cookies=True)


def travel(browser: Browser, idp: Provider) -> str:
    """To the provider and back; where it ends."""
    there = browser.get("/login/oidc?next=/keys")
    assert there.status_code == 303
    return str(browser.get(idp.visit(there.headers["Location"])).headers["Location"])


def is_in(browser: Browser) -> bool:
    return bool(browser.get("/settings").status_code == 200)


def connect(app: Flask, idp: Provider, cast: Cast) -> None:
    browser = new_browser(app)
    assert travel(browser, idp) == "/login?next=/keys"
    browser.post("/login", data={"email": cast.owner.email, "password": PASSWORD})


def test_an_account_is_connected_only_after_its_own_proof(cast: Cast, app: Flask, idp: Provider) -> None:
    browser = new_browser(app)
    assert travel(browser, idp) == "/login?next=/keys"
    assert not is_in(browser), "an address alone opens nothing"
    browser.post("/login", data={"email": cast.owner.email, "password": PASSWORD})
    assert [letter.subject for letter in receive()] == ["Single sign-on was connected"]
    again = new_browser(app)
    assert travel(again, idp) == "/keys" and is_in(again)
    idp.claims["email"] = "renamed@acme.test"  # the provider's name for the person counts, not the address
    assert travel(new_browser(app), idp) == "/keys"


def test_the_proof_of_somebody_else_connects_nothing(cast: Cast, app: Flask, idp: Provider) -> None:
    browser = new_browser(app)
    travel(browser, idp)
    browser.post("/login", data={"email": cast.stranger.email, "password": PASSWORD})
    assert travel(new_browser(app), idp) == "/login?next=/keys"
    assert receive() == []


def test_a_second_factor_is_asked_for_all_the_same(cast: Cast, app: Flask, idp: Provider) -> None:
    connect(app, idp, cast)
    secret = enrol(cast.owner)
    browser = new_browser(app)
    assert travel(browser, idp) == "/login/second-factor?next=/keys"
    assert not is_in(browser)
    browser.post("/login/second-factor", data={"code": code_of(secret)})
    assert is_in(browser)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another journey"}, {"aud": "another client"}, {"iss": "https://evil.test"}, {"exp": int(time.time()) - 3600}, {"sub": None},
        {"email_verified": False}, {"email_verified": "true"}, {"email_verified": None}, {"email": None}, {"aud": [CLIENT, "another"]},
        {"iat": int(time.time()) + 3600},
    ],
)  # fmt: skip
def test_a_token_that_does_not_fit_opens_nothing(cast: Cast, app: Flask, idp: Provider, claims: dict[str, Any]) -> None:
    connect(app, idp, cast)
    idp.claims |= claims
    browser = new_browser(app)
    assert travel(browser, idp) == "/login" and not is_in(browser)


def test_a_token_of_another_key_opens_nothing(cast: Cast, app: Flask, idp: Provider) -> None:
    connect(app, idp, cast)
    idp.published = RSAKey.generate_key(2048, {"kid": "1"})
    browser = new_browser(app)
    assert travel(browser, idp) == "/login" and not is_in(browser)


def test_a_journey_belongs_to_its_browser_and_is_made_once(cast: Cast, app: Flask, idp: Provider) -> None:
    connect(app, idp, cast)
    browser, other = new_browser(app), new_browser(app)
    back = idp.visit(browser.get("/login/oidc").headers["Location"])
    other.get("/login/oidc")
    assert other.get(back).headers["Location"] == "/login" and not is_in(other)
    assert browser.get(back.replace("state=", "state=x")).headers["Location"] == "/login"
    assert browser.get(back).headers["Location"] == "/login" and not is_in(browser), "the journey ended with the wrong state"


def test_only_allowed_domains_and_known_people(cast: Cast, app: Flask, idp: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    idp.claims["email"] = "nobody@acme.test"
    assert travel(new_browser(app), idp) == "/login"
    monkeypatch.setenv("POSTBRIDGE_OIDC_DOMAINS", "elsewhere.test")
    get_settings.cache_clear()
    idp.claims["email"] = cast.owner.email
    assert travel(new_browser(app), idp) == "/login"


def test_a_signed_in_person_connects_and_disconnects(cast: Cast, app: Flask, idp: Provider) -> None:
    browser = cast.owner.browser(app)
    page = browser.post("/settings/security/single-sign-on").text
    url = page.split('href="' + idp.url)[1].split('"')[0].replace("&amp;", "&")
    assert browser.get(idp.visit(idp.url + url)).headers["Location"] == "/settings/security"
    shown = browser.get("/settings/security").text
    assert f"At {idp.url}" in shown
    other = cast.stranger.browser(app)
    page = other.post("/settings/security/single-sign-on").text
    url = page.split('href="' + idp.url)[1].split('"')[0].replace("&amp;", "&")
    assert other.get(idp.visit(idp.url + url)).headers["Location"] == "/login", "one identity, one account"
    identity = shown.split("/single-sign-on/")[1].split("/")[0]
    assert other.post(f"/settings/security/single-sign-on/{identity}/remove").status_code == 404
    assert browser.post(f"/settings/security/single-sign-on/{identity}/remove").status_code == 303
    assert travel(new_browser(app), idp) == "/login?next=/keys"


def test_it_is_off_until_a_provider_is_named(cast: Cast, visitor: Browser) -> None:
    assert visitor.get("/login/oidc").status_code == visitor.get("/login/oidc/callback?code=x&state=y").status_code == 404
    assert "/login/oidc" not in visitor.get("/login").text
