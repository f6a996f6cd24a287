"""Login and sessions: the same answer for every failure, throttled, fixed to no old cookie (reliability F36)."""

from __future__ import annotations

import dataclasses
import re

import pytest
import redis
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import PASSWORD, Browser, Cast
from webapp.accounts import passwords, throttle
from webapp.accounts.models import User, UserSession
from webapp.app import create_app
from webapp.kernel.db import unscoped
from webapp.kernel.secrets import digest
from webapp.settings import get_settings
from webapp.tenants.types import TenantStatus


def new_browser(app: Flask) -> Browser:
    return Browser(app, app.response_class, use_cookies=True)


def log_in(browser: Browser, email: str, password: str = PASSWORD, **more: str) -> int:
    return int(browser.post("/login", data={"email": email, "password": password, **more}).status_code)


def cookie_token(browser: Browser) -> str:
    with browser.session_transaction() as cookie:
        return str(cookie["_user_id"])


def test_wrong_password_and_unknown_address_look_the_same(cast: Cast, visitor: Browser) -> None:
    known = visitor.post("/login", data={"email": cast.owner.email, "password": "wrong password here"})
    unknown = visitor.post("/login", data={"email": "nobody@acme.test", "password": "wrong password here"})
    assert known.status_code == unknown.status_code == 401
    assert "The address or the password is wrong." in known.text and "The address or the password is wrong." in unknown.text


def test_an_unknown_address_costs_the_same_hash_as_a_known_one(cast: Cast, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted instead of timed: a busy machine would make a stopwatch lie."""
    hashed: list[str] = []
    real = passwords._hasher

    class Counting:
        def verify(self, password_hash: str, password: str) -> bool:
            hashed.append(password_hash.rpartition("$")[0].rpartition("$")[0])  # algorithm and parameters
            return real.verify(password_hash, password)

        hash = real.hash

    monkeypatch.setattr(passwords, "_hasher", Counting())
    for email in (cast.owner.email, "nobody@acme.test"):
        assert log_in(new_browser(app), email, "wrong password here") == 401
    assert hashed[0] == hashed[1] == "$argon2id$v=19$m=19456,t=2,p=1"


def test_the_tenth_failure_closes_an_account_for_a_while_also_for_the_right_password(cast: Cast, app: Flask) -> None:
    for email in (cast.owner.email, "nobody@acme.test"):
        statuses = [log_in(new_browser(app), email, "wrong password here") for _ in range(11)]
        assert statuses == [401] * 10 + [429], email
    refused = new_browser(app).post("/login", data={"email": cast.owner.email, "password": PASSWORD})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert log_in(new_browser(app), cast.stranger.email) == 303


def test_right_passwords_are_not_counted(cast: Cast, app: Flask) -> None:
    assert {log_in(new_browser(app), cast.owner.email) for _ in range(15)} == {303}


def test_a_network_is_slowed_down_whatever_account_it_tries(cast: Cast) -> None:
    for number in range(100):
        throttle.check(throttle.Attempt.LOGIN, f"{number}@acme.test", "203.0.113.5")
        throttle.blame(throttle.Attempt.LOGIN, "203.0.113.5")
    with pytest.raises(throttle.RateLimited):
        throttle.check(throttle.Attempt.LOGIN, "one-more@acme.test", "203.0.113.5")
    throttle.check(throttle.Attempt.LOGIN, "one-more@acme.test", "203.0.113.6")


def test_addresses_of_one_ipv6_customer_are_one_network() -> None:
    assert throttle.network_of("2001:db8:1:2::1") == throttle.network_of("2001:db8:1:2:ffff::9")
    assert throttle.network_of("::ffff:192.0.2.1") == "192.0.2.1"


def test_logins_are_throttled_in_this_process_while_valkey_is_away(cast: Cast, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(throttle, "_shared_limiter", away)
    throttle._own_limiter.cache_clear()
    assert [log_in(new_browser(app), "lost@acme.test", "wrong password here") for _ in range(11)][-1] == 429
    assert log_in(new_browser(app), cast.owner.email) == 303


def test_login_gives_a_new_token_and_ends_the_old_session(cast: Cast, app: Flask, visitor: Browser) -> None:
    log_in(visitor, cast.owner.email)
    planted = cookie_token(visitor)
    old = new_browser(app)
    with old.session_transaction() as cookie:
        cookie["_user_id"] = planted
    assert old.get("/settings").status_code == 200
    log_in(visitor, cast.owner.email)
    assert cookie_token(visitor) != planted
    assert old.get("/settings").status_code == 302


def test_a_cookie_that_was_fixed_before_login_is_worth_nothing(cast: Cast, app: Flask, visitor: Browser) -> None:
    with visitor.session_transaction() as cookie:
        cookie["_user_id"] = "a-token-of-the-attacker"
    log_in(visitor, cast.owner.email)
    attacker = new_browser(app)
    with attacker.session_transaction() as cookie:
        cookie["_user_id"] = "a-token-of-the-attacker"
    assert attacker.get("/settings").status_code == 302


def test_logout_ends_the_session_for_every_copy_of_the_cookie(cast: Cast, app: Flask, visitor: Browser) -> None:
    log_in(visitor, cast.owner.email)
    copy = new_browser(app)
    with copy.session_transaction() as cookie:
        cookie["_user_id"] = cookie_token(visitor)
    visitor.post("/logout")
    assert copy.get("/settings").status_code == 302


def test_a_new_password_ends_all_other_sessions(cast: Cast, app: Flask) -> None:
    here, there = cast.owner.browser(app), cast.owner.browser(app)
    before = cookie_token(here)
    answer = here.post("/settings/password", data={"current_password": PASSWORD, "new_password": "seven quiet harbours at dawn"})
    assert answer.status_code == 303, answer.text
    assert here.get("/settings").status_code == 200
    assert cookie_token(here) != before
    assert there.get("/settings").status_code == 302
    assert log_in(new_browser(app), cast.owner.email) == 401
    assert log_in(new_browser(app), cast.owner.email, "seven quiet harbours at dawn") == 303


@pytest.mark.parametrize(("current", "new"), [("wrong password here", "seven quiet harbours at dawn"), (PASSWORD, "short"), (PASSWORD, "password123456")])
def test_a_refused_new_password_changes_nothing(cast: Cast, app: Flask, current: str, new: str) -> None:
    here = cast.owner.browser(app)
    assert here.post("/settings/password", data={"current_password": current, "new_password": new}).status_code == 422
    assert log_in(new_browser(app), cast.owner.email) == 303


def test_sessions_are_listed_and_signed_out_one_by_one(cast: Cast, app: Flask) -> None:
    here, there = cast.owner.browser(app), cast.owner.browser(app)
    with unscoped("test") as rows:
        other = rows.scalar(sa.select(UserSession.id).where(UserSession.token_hash == digest(cookie_token(there))))
    assert str(other) in here.get("/settings/security").text
    assert here.post(f"/settings/sessions/{other}/end").status_code == 303
    assert there.get("/settings").status_code == 302
    assert here.get("/settings").status_code == 200


def test_nobody_ends_the_session_of_somebody_else(cast: Cast, app: Flask) -> None:
    mine, theirs = cast.stranger.browser(app), cast.owner.browser(app)
    with unscoped("test") as rows:
        session_id = rows.scalar(sa.select(UserSession.id).where(UserSession.token_hash == digest(cookie_token(theirs))))
    assert mine.post(f"/settings/sessions/{session_id}/end").status_code == 404
    assert theirs.get("/settings").status_code == 200


def test_only_the_hash_of_a_session_token_is_kept(cast: Cast, app: Flask) -> None:
    token = cookie_token(cast.owner.browser(app))
    assert len(token) * 5.954 >= 160
    with unscoped("test") as rows:
        assert rows.scalar(sa.select(UserSession.token_hash).where(UserSession.token_hash == digest(token))) is not None
        assert rows.scalar(sa.text("select count(*) from user_sessions s where s::text like '%' || :t || '%'"), {"t": token}) == 0


def test_a_disabled_person_is_out_at_once(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    with unscoped("test") as rows:
        rows.execute(sa.update(User).where(User.id == cast.owner.user_id).values(disabled_at=sa.func.now()))
    assert browser.get("/settings").status_code == 302
    assert log_in(new_browser(app), cast.owner.email) == 401


def test_the_cookie_is_closed_to_scripts_and_other_sites(cast: Cast, visitor: Browser) -> None:
    answer = visitor.post("/login", data={"email": cast.owner.email, "password": PASSWORD})
    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("postbridge="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Domain" not in cookie


def test_a_post_without_csrf_token_is_refused(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    assert browser.post("/settings/profile", data={"name": "Mallory"}, headers={"X-CSRFToken": "forged"}).status_code == 403


@pytest.mark.parametrize(
    "target",
    ["//evil.test/x", "/\\evil.test", "https://evil.test", "/\t/evil.test", "\\\\evil.test", "javascript:alert(1)", "/ok\r\nX: y", "evil.test", "/x\\y"],
)
def test_login_leads_to_no_other_site(cast: Cast, visitor: Browser, target: str) -> None:
    answer = visitor.post("/login", data={"email": cast.owner.email, "password": PASSWORD, "next": target})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_login_leads_to_where_one_wanted(cast: Cast, visitor: Browser) -> None:
    start = visitor.get("/keys?mode=live")
    assert start.status_code == 302
    answer = visitor.post("/login", data={"email": cast.owner.email, "password": PASSWORD, "next": "/keys?mode=live"})
    assert answer.headers["Location"] == "/keys?mode=live"


def test_staff_without_a_tenant_land_on_a_page_they_can_see(cast: Cast, app: Flask, visitor: Browser) -> None:
    answer = visitor.post("/login", data={"email": cast.staff.email, "password": PASSWORD})
    assert visitor.get(answer.headers["Location"]).headers["Location"] == "/settings/security/required", "they have no second factor yet"
    assert visitor.get("/settings/security/required").status_code == 200
    known = cast.staff.browser(app)
    assert known.get(answer.headers["Location"]).status_code == 200
    assert known.get("/keys").status_code == 403


def test_the_mode_is_kept_in_the_session(cast: Cast, app: Flask) -> None:
    here, there = cast.owner.browser(app), cast.owner.browser(app)
    assert here.post("/switch-mode", data={"mode": "sandbox", "next": "/keys"}).headers["Location"] == "/keys"
    assert 'data-mode="sandbox"' in here.get("/settings").text
    assert 'data-mode="live"' in there.get("/settings").text


def test_members_of_a_suspended_tenant_only_read(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    cast.set_status(cast.owner, TenantStatus.SUSPENDED)
    assert browser.get("/keys").status_code == 200
    assert browser.post("/keys", data={"name": "x", "mode": "live", "role": "root:full"}).status_code == 403


def test_behind_tls_the_cookie_is_bound_to_host_and_https(cast: Cast, app: Flask) -> None:
    secure = create_app(dataclasses.replace(get_settings(), cookie_secure=True))
    browser = Browser(secure, secure.response_class, use_cookies=True)
    page = browser.get("/login", base_url="https://localhost")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    answer = browser.post(
        "/login", base_url="https://localhost", data={"email": cast.owner.email, "password": PASSWORD},
        headers={"Referer": "https://localhost/login", "X-CSRFToken": token[1]},
    )  # fmt: skip
    assert answer.status_code == 303
    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("__Host-postbridge="))
    assert "Secure" in cookie and "HttpOnly" in cookie and "Path=/" in cookie and "Domain" not in cookie
