"""Taking an address back, deleting an account, deleting a tenant."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from tests.accounts.post import receive
from tests.accounts.test_second_factor import code_of, enrol
from tests.fixtures import PASSWORD, Browser, Cast
from webapp.accounts.models import TotpSecret, User, UserSession
from webapp.kernel import clock
from webapp.kernel.db import unscoped
from webapp.kernel.scope import Mode
from webapp.tenants.models import Tenant
from worker.jobs.accounts import delete_tenants

NEW = "seven quiet harbours at dawn"


def log_in(app: Flask, email: str, password: str) -> int:
    return int(Browser(app, app.response_class, use_cookies=True).post("/login", data={"email": email, "password": password}).status_code)


def _steal(cast: Cast, app: Flask, visitor: Browser, code: str | None = None) -> str:
    """Somebody who knows the password changes the address; the token of the letter to the old one."""
    thief = cast.owner.browser(app)
    if code is not None:
        assert thief.post("/confirm-it-is-you", data={"code": code}).status_code == 303
    thief.post("/settings/email", data={"email": "thief@evil.test", "current_password": PASSWORD})
    visitor.post("/confirm-email", data={"token": receive()[-1].token})
    letter = receive()[-1]
    assert (letter.to, letter.subject) == (cast.owner.email, "The address of your account was changed")
    assert "thief@evil.test" in letter.text
    return letter.token


def test_the_old_address_is_told_and_takes_the_account_back(cast: Cast, app: Flask, visitor: Browser) -> None:
    token = _steal(cast, app, visitor)
    thief = Browser(app, app.response_class, use_cookies=True)
    thief.post("/login", data={"email": "thief@evil.test", "password": PASSWORD})
    assert thief.post("/settings/password", data={"current_password": PASSWORD, "new_password": NEW}).status_code == 303
    enrol(cast.owner)  # the thief's own second factor
    assert visitor.get(f"/undo-email?token={token}").status_code == 200
    assert visitor.post("/undo-email", data={"token": token}).status_code == 303
    assert thief.get("/settings").status_code == 302
    assert {log_in(app, email, password) for email in (cast.owner.email, "thief@evil.test") for password in (PASSWORD, NEW)} == {401}
    with unscoped("test") as rows:
        assert rows.get(TotpSecret, cast.owner.user_id) is None
    reset = receive()[-1]
    assert (reset.to, reset.subject) == (cast.owner.email, "Choose a new password")
    visitor.post("/reset-password", data={"token": reset.token, "password": NEW})
    assert log_in(app, cast.owner.email, NEW) == 303
    assert visitor.post("/undo-email", data={"token": token}).status_code == 422


def test_factors_from_before_the_change_stay(cast: Cast, app: Flask, visitor: Browser) -> None:
    token = _steal(cast, app, visitor, code_of(enrol(cast.owner)))
    visitor.post("/undo-email", data={"token": token})
    with unscoped("test") as rows:
        assert rows.get(TotpSecret, cast.owner.user_id) is not None


def test_a_person_deletes_their_account(cast: Cast, app: Flask) -> None:
    browser = cast.teammate.browser(app)
    assert browser.post("/settings/delete-account", data={"confirm_email": "wrong@acme.test"}).status_code == 422
    assert browser.post("/settings/delete-account", data={"confirm_email": cast.teammate.email}).headers["Location"] == "/login"
    assert browser.get("/settings").status_code == 302
    assert log_in(app, cast.teammate.email, PASSWORD) == 401
    assert [letter.to for letter in receive()] == [cast.teammate.email]
    with unscoped("test") as rows:
        assert rows.get(User, cast.teammate.user_id) is None


def test_the_only_owner_cannot_vanish(cast: Cast, app: Flask) -> None:
    answer = cast.owner.browser(app).post("/settings/delete-account", data={"confirm_email": cast.owner.email})
    assert answer.status_code == 409 and "the only owner of Acme" in answer.text


def test_an_owner_deletes_the_tenant_after_days_of_grace(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    assert browser.post("/settings/tenant/delete", data={"tenant_name": "acme"}).status_code == 422
    assert cast.teammate.browser(app).post("/settings/tenant/delete", data={"tenant_name": "Acme"}).status_code == 403
    assert browser.post("/settings/tenant/delete", data={"tenant_name": "Acme"}).status_code == 303
    assert [letter.subject for letter in receive()] == ["Acme will be deleted"]
    assert "Acme will be deleted" in browser.get("/settings").text
    assert delete_tenants(0) == 0, "the days of grace have just begun"
    assert cast.teammate.browser(app).post("/settings/tenant/keep").status_code == 403
    assert browser.post("/settings/tenant/keep").status_code == 303
    assert receive()[-1].subject == "Acme will not be deleted"
    browser.post("/settings/tenant/delete", data={"tenant_name": "Acme"})
    _send_something(cast, app)
    with unscoped("test") as rows:
        rows.execute(sa.update(Tenant).where(Tenant.id == cast.owner.tenant_id).values(delete_at=clock.now() - timedelta(seconds=1)))
    assert delete_tenants(0) == 1
    with unscoped("test") as rows:
        left = [name for name in _tables(rows) if rows.scalar(sa.text(f"select count(*) from {name} where tenant_id = :t"), {"t": cast.owner.tenant_id})]
        assert rows.get(Tenant, cast.owner.tenant_id) is None
        assert rows.get(Tenant, cast.stranger.tenant_id) is not None
        assert rows.scalar(sa.select(sa.func.count()).select_from(UserSession).where(UserSession.tenant_id == cast.owner.tenant_id)) == 0
    assert left == []
    assert browser.get("/keys").status_code in (302, 403)


def _send_something(cast: Cast, app: Flask) -> None:
    api = cast.owner.api(app)
    assert api.post("/api/v1/contacts", json={"email": "jo@customer.example"}).status_code == 201
    sandbox = cast.owner.api(app, Mode.SANDBOX)
    mail = {"from": "a@example.com", "to": "jo@customer.example", "subject": "Hi", "text": "Hi"}
    assert sandbox.post("/api/v1/email/send", json=mail).status_code == 202


def _tables(rows: Session) -> list[str]:
    found = rows.execute(
        sa.text(
            "select c.oid::regclass::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' "
            "where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace"
        )
    )
    return list(found.scalars())
