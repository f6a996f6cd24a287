"""Second factors: set up, asked for, taken once, throttled; lost ones, policies, and the proof before what matters."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa
from flask import Flask

from tests.accounts.post import receive
from tests.fixtures import PASSWORD, Browser, Cast, Person
from webapp.accounts import recovery, service, totp
from webapp.accounts.doors import has_fresh_second_factor, load_session
from webapp.accounts.models import RecoveryCode, SignIn, TotpSecret, User, UserSession
from webapp.kernel import clock
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Forbidden


def new_browser(app: Flask) -> Browser:
    return Browser(app, app.response_class, use_cookies=True)


def enrol(person: Person) -> str:
    """An authenticator app in force; its secret. The code used for it is of the past, so that the present one is still good."""
    with unscoped("test") as rows:
        secret = service.begin_totp(rows, person.user_id)
        rows.get_one(TotpSecret, person.user_id).confirmed_at = clock.now()
    return secret


def code_of(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(time.time()) + steps * totp.STEP)


def password_right(browser: Browser, person: Person) -> None:
    answer = browser.post("/login", data={"email": person.email, "password": PASSWORD, "next": "/keys"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login/second-factor?next=/keys")


def is_in(browser: Browser) -> bool:
    return bool(browser.get("/settings").status_code == 200)


def test_an_app_is_set_up_on_the_page_and_asked_for_at_the_next_sign_in(cast: Cast, app: Flask) -> None:
    browser, other = cast.owner.browser(app), cast.owner.browser(app)
    page = browser.get("/settings/security/authenticator")
    key = re.search(r'id="totp-key">([A-Z2-7 ]+)<', page.text)
    assert key and 'class="qr"' in page.text and "style=" not in page.text.split('class="qr"')[1].split("</svg>")[0]
    secret = key[1].replace(" ", "")
    assert browser.post("/settings/security/authenticator", data={"code": "000000"}).status_code == 422
    assert browser.get("/settings/security/authenticator").text.count(key[1]) == 1, "a wrong code must not change the secret"
    done = browser.post("/settings/security/authenticator", data={"code": code_of(secret)})
    codes = re.findall(r"^[0-9a-z]{4}(?:-[0-9a-z]{4}){3}$", re.sub(r"<[^>]+>", "\n", done.text), re.MULTILINE)
    assert done.status_code == 200 and len(set(codes)) == recovery.COUNT
    assert is_in(browser) and not is_in(other), "all other sessions end"
    assert [letter.subject for letter in receive()] == ["An authenticator app was added"]

    again = new_browser(app)
    password_right(again, cast.owner)
    assert not is_in(again)
    assert again.post("/login/second-factor", data={"code": code_of(secret), "next": "/keys"}).status_code == 422, "this very code was used to set up"
    assert again.post("/login/second-factor", data={"code": code_of(secret, 1), "next": "/keys"}).headers["Location"] == "/keys"
    assert is_in(again)


def test_a_code_is_taken_once_and_none_before_it(cast: Cast, app: Flask) -> None:
    secret = enrol(cast.owner)
    first, second = new_browser(app), new_browser(app)
    for browser in (first, second):
        password_right(browser, cast.owner)
    code, before = code_of(secret), code_of(secret, -1)
    assert first.post("/login/second-factor", data={"code": code}).status_code == 303
    for used in (code, before):
        assert second.post("/login/second-factor", data={"code": used}).status_code == 422
    assert second.post("/login/second-factor", data={"code": code_of(secret, 1)}).status_code == 303


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
def test_codes_of_other_times_are_refused(steps: int) -> None:
    secret, moment = totp.new_secret(), 1_800_000_015.0
    code = pyotp.TOTP(secret).at(int(moment) + steps * totp.STEP)
    assert totp.matching_step(secret, code, 0, moment) is None


def test_the_sign_in_that_waits_serves_once_and_only_its_browser(cast: Cast, app: Flask) -> None:
    secret = enrol(cast.owner)
    assert new_browser(app).post("/login/second-factor", data={"code": code_of(secret)}).headers["Location"] == "/login"
    browser = new_browser(app)
    password_right(browser, cast.owner)
    with browser.session_transaction() as cookie:
        token = cookie["sign_in"]
    assert browser.post("/login/second-factor", data={"code": code_of(secret)}).status_code == 303
    copy = new_browser(app)
    with copy.session_transaction() as cookie:
        cookie["sign_in"] = token
    assert copy.post("/login/second-factor", data={"code": code_of(secret, 1)}).headers["Location"] == "/login"
    assert not is_in(copy)


def test_guessing_codes_is_throttled_by_account(cast: Cast, app: Flask) -> None:
    secret = enrol(cast.owner)
    statuses = []
    for _ in range(11):
        browser = new_browser(app)
        password_right(browser, cast.owner)
        statuses.append(browser.post("/login/second-factor", data={"code": "123"}).status_code)
    assert statuses == [422] * 10 + [429]
    assert browser.post("/login/second-factor", data={"code": code_of(secret)}).status_code == 429


def test_a_recovery_code_stands_in_once_and_is_told(cast: Cast, app: Flask) -> None:
    enrol(cast.owner)
    with unscoped("test") as rows:
        codes = service.renew_codes(rows, cast.owner.user_id)
    browser = new_browser(app)
    password_right(browser, cast.owner)
    assert browser.post("/login/second-factor", data={"code": codes[0].upper().replace("-", " ")}).status_code == 303
    again = new_browser(app)
    password_right(again, cast.owner)
    assert again.post("/login/second-factor", data={"code": codes[0]}).status_code == 422
    assert [letter.subject for letter in receive()] == ["A recovery code was used"]
    assert "9 of ten left" in browser.get("/settings/security").text
    renewed = browser.post("/settings/security/recovery-codes")
    assert renewed.status_code == 200 and codes[1] not in renewed.text
    assert again.post("/login/second-factor", data={"code": codes[1]}).status_code == 422


def test_secrets_and_codes_lie_in_the_database_sealed_or_hashed(cast: Cast) -> None:
    secret = enrol(cast.owner)
    with unscoped("test") as rows:
        codes = service.renew_codes(rows, cast.owner.user_id)
        dump = str(rows.execute(sa.text("select t::text from totp_secrets t union all select r::text from recovery_codes r")).all())
        assert rows.scalar(sa.select(sa.func.count()).select_from(RecoveryCode)) == recovery.COUNT
    assert secret not in dump and secret.encode().hex() not in dump
    assert not [code for code in codes if code in dump or code.replace("-", "") in dump]


def test_what_matters_asks_for_a_fresh_factor_and_leads_back(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    secret = enrol(cast.owner)
    refused = browser.post("/settings/security/authenticator/remove")
    assert refused.headers["Location"].startswith("/confirm-it-is-you?next=")
    assert browser.post("/confirm-it-is-you", data={"password": PASSWORD}).status_code == 422, "a password is not enough for who has more"
    proven = browser.post("/confirm-it-is-you", data={"code": code_of(secret), "next": "/settings/security"})
    assert proven.headers["Location"] == "/settings/security"
    assert browser.post("/confirm-it-is-you", data={"code": code_of(secret, 1), "next": "//evil.test"}).headers["Location"] == "/"
    assert browser.post("/settings/security/authenticator/remove").headers["Location"] == "/settings/security"
    with unscoped("test") as rows:
        assert not rows.get(TotpSecret, cast.owner.user_id)
        assert rows.scalar(sa.select(sa.func.count()).select_from(RecoveryCode)) == 0


def test_without_a_factor_the_password_is_the_proof_and_grows_old(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    with unscoped("test") as rows:
        rows.execute(sa.update(UserSession).values(confirmed_at=clock.now() - timedelta(hours=1)))
    assert browser.get("/settings/security/authenticator").headers["Location"] == "/confirm-it-is-you?next=/settings/security/authenticator"
    assert browser.post("/confirm-it-is-you", data={"password": "wrong password here"}).status_code == 422
    answer = browser.post("/confirm-it-is-you", data={"password": PASSWORD, "next": "/settings/security/authenticator"})
    assert answer.headers["Location"] == "/settings/security/authenticator"
    assert browser.get("/settings/security/authenticator").status_code == 200


def test_a_fresh_factor_is_one_that_was_given_here_and_lately(cast: Cast, app: Flask) -> None:
    enrol(cast.owner)

    def fresh(factor_at: object) -> bool:
        browser = cast.owner.browser(app)
        with browser.session_transaction() as cookie:
            token = cookie["_user_id"]
        with unscoped("test") as rows:
            rows.execute(sa.update(UserSession).values(factor_at=factor_at))
        with app.test_request_context("/"):
            from webapp.accounts.doors.session import _load_door

            door = _load_door(token)
            assert door is not None and load_session() is None
            return has_fresh_second_factor(timedelta(minutes=5), door)

    assert [fresh(at) for at in (None, clock.now() - timedelta(minutes=6), clock.now() - timedelta(minutes=4))] == [False, False, True]


def test_a_tenant_can_ask_everybody_for_a_factor(cast: Cast, app: Flask) -> None:
    browser, mate = cast.owner.browser(app), cast.teammate.browser(app)
    assert browser.post("/settings/tenant/second-factor", data={"on": "1"}).headers["Location"] == "/settings/security", "an owner without one"
    assert mate.get("/keys").status_code == 200
    secret = enrol(cast.owner)
    browser.post("/confirm-it-is-you", data={"code": code_of(secret)})
    assert browser.post("/settings/tenant/second-factor", data={"on": "1"}).headers["Location"] == "/settings"
    for path in ("/keys", "/", "/settings", "/activity/export.csv"):
        assert mate.get(path).headers["Location"] == "/settings/security/required", path
    held = mate.get("/activity/panel", htmx=True)
    assert (held.status_code, held.headers["HX-Redirect"], held.text) == (403, "/settings/security/required", "")
    assert mate.get("/settings/security/required").status_code == mate.get("/settings/security/authenticator").status_code == 200
    with unscoped("test") as rows:
        theirs = service.begin_totp(rows, cast.teammate.user_id)
    assert mate.post("/settings/security/authenticator", data={"code": code_of(theirs)}).status_code == 200
    assert mate.get("/keys").status_code == 200
    assert cast.stranger.browser(app).get("/keys").status_code == 200, "another tenant asks nobody"
    assert mate.post("/settings/tenant/second-factor", data={"on": "0"}).status_code == 403


def test_staff_reach_nothing_before_they_have_a_factor(cast: Cast, app: Flask, visitor: Browser) -> None:
    visitor.post("/login", data={"email": cast.staff.email, "password": PASSWORD})
    assert visitor.get("/styleguide").headers["Location"] == "/settings/security/required"
    with unscoped("test") as rows:
        secret = service.begin_totp(rows, cast.staff.user_id)
    assert visitor.post("/settings/security/authenticator", data={"code": code_of(secret)}).status_code == 200
    assert visitor.get("/styleguide").status_code == 200


def test_an_owner_removes_a_lost_factor_and_the_member_is_told(cast: Cast, app: Flask) -> None:
    enrol(cast.teammate)
    theirs, browser = cast.teammate.browser(app), cast.owner.browser(app)
    assert browser.post(f"/team/{cast.teammate.user_id}/reset-factors").status_code == 303
    assert not is_in(theirs)
    [letter] = receive()
    assert (letter.to, letter.subject) == (cast.teammate.email, "Your second factors were removed")
    assert cast.owner.name in letter.text
    assert new_browser(app).post("/login", data={"email": cast.teammate.email, "password": PASSWORD}).headers["Location"] == "/"
    assert "member.factors_reset" in browser.get("/activity/export.csv").text


def test_nobody_weakens_an_account_that_opens_other_doors(cast: Cast, app: Flask) -> None:
    enrol(cast.teammate)
    with cast.stranger.scope() as scope:
        user = scope.session.get_one(User, cast.teammate.user_id)
        service.add_member(scope, user, cast.stranger.role or user.role)
    assert cast.owner.browser(app).post(f"/team/{cast.teammate.user_id}/reset-factors").status_code == 403
    for person, other in ((cast.owner, cast.owner), (cast.teammate, cast.owner)):
        with person.scope() as scope, pytest.raises(Forbidden):
            service.reset_member_factors(scope, other.user_id, works_elsewhere=False)
    with unscoped("test") as rows:
        assert rows.get(TotpSecret, cast.teammate.user_id)


def test_the_history_knows_right_and_wrong_tries_and_tells_of_new_places(cast: Cast, app: Flask) -> None:
    def sign_in(agent: str, password: str = PASSWORD, address: str = "198.51.100.7") -> Browser:
        browser = new_browser(app)
        browser.post(
            "/login", data={"email": cast.owner.email, "password": password}, headers={"User-Agent": agent}, environ_base={"REMOTE_ADDR": address}
        )  # fmt: skip
        return browser

    home = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
    sign_in(home)
    sign_in(home, address="198.51.100.99")  # the same neighbourhood
    assert receive() == []
    sign_in(home, password="wrong password here", address="203.0.113.9")
    assert receive() == []
    browser = sign_in("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", address="203.0.113.9")
    [letter] = receive()
    assert letter.subject == "New sign-in to your account" and "203.0.113.9" in letter.text and "Safari on iPhone" in letter.html
    sheet = browser.get("/settings/security/sign-ins.csv").text
    assert sheet.count("wrong password") == 1 and sheet.count("success") == 3
    assert "Wrong password" in browser.get("/settings/security/sign-ins?state=failed").text
    assert cast.stranger.browser(app).get("/settings/security/sign-ins.csv").text.count("\n") == 1


def test_a_try_with_an_unknown_address_does_the_same_work(cast: Cast, app: Flask) -> None:
    for email in (cast.owner.email, "nobody@acme.test"):
        new_browser(app).post("/login", data={"email": email, "password": "wrong password here"})
    with unscoped("test") as rows:
        assert sorted(str(row) for row in rows.scalars(sa.select(SignIn.user_id))) == sorted([str(cast.owner.user_id), "None"])
