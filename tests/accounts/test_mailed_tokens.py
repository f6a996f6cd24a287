"""Sign-up, password reset, change of address: by mail through the platform itself, the same answer for everybody."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import redis
import sqlalchemy as sa
from flask import Flask

from tests.accounts.post import receive
from tests.fixtures import PASSWORD, Browser, Cast
from webapp.accounts.models import Membership, OneTimeToken, User
from webapp.kernel import clock
from webapp.kernel.db import unscoped
from webapp.tenants.models import Tenant
from worker.jobs.mail import send_waiting

NEW = "seven quiet harbours at dawn"


def new_browser(app: Flask) -> Browser:
    return Browser(app, app.response_class, use_cookies=True)


def without_csrf(page: str) -> str:
    return re.sub(r"[\w-]{20,}\.[\w-]{6}\.[\w-]{20,}", "", page)


def log_in(app: Flask, email: str, password: str) -> int:
    return int(new_browser(app).post("/login", data={"email": email, "password": password}).status_code)


def sign_up(browser: Browser, email: str, **more: str) -> tuple[int, str, str]:
    form = {"name": "Nora New", "tenant_name": "Newcomers", "email": email, "password": NEW, **more}
    answer = browser.post("/sign-up", data=form)
    return answer.status_code, answer.headers.get("Location", ""), answer.text


def test_signing_up_makes_a_person_and_a_sandbox_tenant_they_own(cast: Cast, app: Flask, visitor: Browser) -> None:
    assert sign_up(visitor, "Nora@New.test")[:2] == (303, "/login")
    assert log_in(app, "nora@new.test", NEW) == 303
    with unscoped("test") as rows:
        role, status = rows.execute(
            sa.select(Membership.role, Tenant.status).join(Tenant, Tenant.id == Membership.tenant_id).join(User, User.id == Membership.user_id)
            .where(User.email == "nora@new.test")
        ).one()  # fmt: skip
    assert (role, status) == ("owner", "sandbox")
    assert receive() == []


def test_signing_up_again_answers_the_same_and_only_tells_the_owner(cast: Cast, app: Flask) -> None:
    fresh, known = sign_up(new_browser(app), "fresh@new.test"), sign_up(new_browser(app), cast.owner.email)
    assert fresh == known
    [letter] = receive()
    assert (letter.to, letter.subject) == (cast.owner.email, "You already have an account")
    assert log_in(app, cast.owner.email, NEW) == 401
    assert log_in(app, cast.owner.email, PASSWORD) == 303


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no address"),
        ("email", ""),
        ("password", "short"),
        ("password", "newcomers1234"),
        ("name", ""),
        ("tenant_name", "a\x00b"),
        ("name", "x" * 101),
    ],
)
def test_a_refused_sign_up_names_the_field_and_makes_nothing(cast: Cast, visitor: Browser, field: str, value: str) -> None:
    status, _, text = sign_up(visitor, "nora@new.test", **{field: value}) if field != "email" else sign_up(visitor, value)
    assert status == 422
    assert f'id="f-{field}-error"' in text
    with unscoped("test") as rows:
        assert rows.scalar(sa.select(sa.func.count()).select_from(User).where(User.email == "nora@new.test")) == 0


def test_sign_up_is_throttled(cast: Cast, app: Flask) -> None:
    assert [sign_up(new_browser(app), "again@new.test")[0] for _ in range(6)] == [303] * 5 + [429]


def test_a_password_is_reset_by_a_mailed_link_that_works_once(cast: Cast, app: Flask, visitor: Browser) -> None:
    other = cast.owner.browser(app)
    assert visitor.post("/forgot-password", data={"email": cast.owner.email}).status_code == 200
    [letter] = receive()
    assert letter.to == cast.owner.email
    link = f"/reset-password?token={letter.token}"
    assert visitor.get(link).status_code == visitor.get(link).status_code == 200  # looking uses nothing up
    form = {"token": letter.token, "password": NEW}
    assert visitor.post("/reset-password", data={**form, "password": "short"}).status_code == 422
    assert visitor.post("/reset-password", data=form).status_code == 303
    assert other.get("/settings").status_code == 302
    assert log_in(app, cast.owner.email, PASSWORD) == 401
    assert log_in(app, cast.owner.email, NEW) == 303
    assert visitor.post("/reset-password", data={**form, "password": "another quiet harbour at dusk"}).status_code == 422
    assert log_in(app, cast.owner.email, NEW) == 303


def test_asking_for_a_reset_tells_nobody_whether_the_address_is_known(cast: Cast, app: Flask) -> None:
    known = new_browser(app).post("/forgot-password", data={"email": cast.owner.email})
    unknown = new_browser(app).post("/forgot-password", data={"email": "nobody@acme.test"})
    assert known.status_code == unknown.status_code == 200
    assert without_csrf(known.text).replace(cast.owner.email, "X") == without_csrf(unknown.text).replace("nobody@acme.test", "X")
    assert [letter.to for letter in receive()] == [cast.owner.email]


def test_no_mailed_token_lies_in_broker_or_database(cast: Cast, visitor: Browser, redis_client: redis.Redis) -> None:
    visitor.post("/forgot-password", data={"email": cast.owner.email})
    jobs = b" ".join(value for key in redis_client.scan_iter("rq:job:*") for value in redis_client.hgetall(key).values())
    [letter] = receive()
    assert b"send_system_mail" in jobs and letter.token.encode() not in jobs
    with unscoped("test") as rows:
        assert rows.scalar(sa.text("select count(*) from one_time_tokens t where t::text like '%' || :t || '%'"), {"t": letter.token}) == 0


def test_a_lost_wake_up_loses_no_mail_and_two_make_no_second_one(cast: Cast, visitor: Browser, redis_client: redis.Redis) -> None:
    visitor.post("/forgot-password", data={"email": cast.owner.email})
    redis_client.flushdb()
    assert len(receive()) == 1
    send_waiting(0)
    assert len(receive()) == 1


def test_an_old_link_is_refused(cast: Cast, visitor: Browser) -> None:
    visitor.post("/forgot-password", data={"email": cast.owner.email})
    [letter] = receive()
    with unscoped("test") as rows:
        rows.execute(sa.update(OneTimeToken).values(expires_at=clock.now() - timedelta(seconds=1)))
    answer = visitor.post("/reset-password", data={"token": letter.token, "password": NEW})
    assert answer.status_code == 422 and "This link is over" in answer.text


def test_a_changed_password_makes_waiting_links_void(cast: Cast, app: Flask, visitor: Browser) -> None:
    visitor.post("/forgot-password", data={"email": cast.owner.email})
    [letter] = receive()
    cast.owner.browser(app).post("/settings/password", data={"current_password": PASSWORD, "new_password": NEW})
    assert visitor.post("/reset-password", data={"token": letter.token, "password": "another quiet harbour"}).status_code == 422


def test_resets_are_throttled_for_known_and_unknown_addresses(cast: Cast, app: Flask) -> None:
    for email in (cast.owner.email, "nobody@acme.test"):
        assert [new_browser(app).post("/forgot-password", data={"email": email}).status_code for _ in range(6)] == [200] * 5 + [429]


def test_a_token_of_one_purpose_serves_no_other(cast: Cast, visitor: Browser) -> None:
    visitor.post("/forgot-password", data={"email": cast.owner.email})
    [letter] = receive()
    assert visitor.post("/confirm-email", data={"token": letter.token}).status_code == 422
    assert visitor.post("/invitation", data={"token": letter.token, "name": "x", "password": NEW}).status_code == 422


def test_an_address_changes_when_the_link_is_followed_and_every_session_ends(cast: Cast, app: Flask, visitor: Browser) -> None:
    browser = cast.owner.browser(app)
    assert browser.post("/settings/email", data={"email": "olivia@new.test", "current_password": "wrong password here"}).status_code == 422
    assert browser.post("/settings/email", data={"email": "olivia@new.test", "current_password": PASSWORD}).status_code == 303
    assert log_in(app, "olivia@new.test", PASSWORD) == 401
    [letter] = receive()
    assert letter.to == "olivia@new.test"
    assert visitor.post("/confirm-email", data={"token": letter.token}).status_code == 303
    assert browser.get("/settings").status_code == 302
    assert log_in(app, "olivia@new.test", PASSWORD) == 303
    assert log_in(app, cast.owner.email, PASSWORD) == 401


def test_asking_for_a_taken_address_answers_the_same_and_mails_nobody(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    assert browser.post("/settings/email", data={"email": cast.stranger.email, "current_password": PASSWORD}).status_code == 303
    assert receive() == []
