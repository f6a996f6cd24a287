"""Members and invitations: nobody gives more than they have, and a tenant keeps an owner."""

from __future__ import annotations

import re
import threading

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.accounts.post import receive
from tests.accounts.test_second_factor import enrol
from tests.fixtures import PASSWORD, Browser, Cast, Person, make_member
from webapp.accounts import service
from webapp.accounts.models import Membership
from webapp.accounts.types import MemberRole
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Conflict, Forbidden, NotFound

NEW = "seven quiet harbours at dawn"


@pytest.fixture
def admin(cast: Cast) -> Person:
    assert cast.owner.tenant_id is not None
    return make_member("ada@acme.test", "Ada Admin", cast.owner.tenant_id, MemberRole.ADMIN)


def invite(cast: Cast, email: str, role: MemberRole = MemberRole.DEVELOPER) -> str:
    with cast.owner.scope() as scope:
        service.invite(scope, email, role)
    return receive()[-1].token


def test_a_new_person_joins_by_invitation(cast: Cast, app: Flask, visitor: Browser) -> None:
    token = invite(cast, "dana@new.test")
    assert "Join Acme" in visitor.get(f"/invitation?token={token}").text
    assert visitor.post("/invitation", data={"token": token, "name": "Dana", "password": NEW}).status_code == 303
    assert "Dana" in visitor.get("/team").text
    assert "Acme" in visitor.get("/settings").text
    again = visitor.post("/invitation", data={"token": token, "name": "Dana", "password": NEW})
    assert again.status_code == 422


def test_somebody_with_an_account_joins_with_their_password(cast: Cast, app: Flask, visitor: Browser) -> None:
    token = invite(cast, cast.stranger.email, MemberRole.VIEWER)
    assert visitor.post("/invitation", data={"token": token, "password": "wrong password here"}).status_code == 401
    assert visitor.post("/invitation", data={"token": token, "password": PASSWORD}).status_code == 303
    page = visitor.get("/settings").text
    assert "Work for another organisation" in page and "Other" in page
    assert visitor.post("/switch-tenant", data={"tenant": str(cast.stranger.tenant_id)}).status_code == 303
    assert "Olivia" not in visitor.get("/team").text


def test_somebody_who_is_signed_in_joins_with_a_click_and_works_there_at_once(cast: Cast, app: Flask) -> None:
    browser, other = cast.stranger.browser(app), cast.teammate.browser(app)
    token = invite(cast, cast.stranger.email, MemberRole.VIEWER)
    assert "You are signed in with this address" in browser.get(f"/invitation?token={token}").text
    assert "You are signed in with this address" not in other.get(f"/invitation?token={token}").text
    assert other.post("/invitation", data={"token": token}).status_code == 401
    assert browser.post("/invitation", data={"token": token}).status_code == 303
    assert "Olivia" in browser.get("/team").text


def test_a_second_factor_is_not_passed_by_an_invitation(cast: Cast, visitor: Browser) -> None:
    enrol(cast.stranger)
    token = invite(cast, cast.stranger.email, MemberRole.VIEWER)
    assert visitor.post("/invitation", data={"token": token, "password": PASSWORD}).status_code == 403
    assert visitor.get("/settings").status_code == 302


def test_inviting_answers_the_same_for_known_and_unknown_addresses(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    answers = [browser.post("/team/invitations", data={"email": email, "role": "viewer"}) for email in (cast.stranger.email, "nobody@new.test")]
    assert {(answer.status_code, answer.headers["Location"]) for answer in answers} == {(303, "/team")}


def test_a_second_invitation_replaces_the_first(cast: Cast, visitor: Browser) -> None:
    first, second = invite(cast, "dana@new.test"), invite(cast, "dana@new.test")
    assert visitor.post("/invitation", data={"token": first, "name": "Dana", "password": NEW}).status_code == 422
    assert visitor.post("/invitation", data={"token": second, "name": "Dana", "password": NEW}).status_code == 303


def test_a_withdrawn_invitation_is_over(cast: Cast, app: Flask, visitor: Browser) -> None:
    token = invite(cast, "dana@new.test")
    browser = cast.owner.browser(app)
    [path] = re.findall(r"/team/invitations/[0-9a-f-]{36}/withdraw", browser.get("/team").text)
    assert browser.post(path).status_code == 303
    assert visitor.post("/invitation", data={"token": token, "name": "Dana", "password": NEW}).status_code == 422


def test_invitations_to_one_address_are_throttled(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    statuses = [browser.post("/team/invitations", data={"email": "dana@new.test", "role": "viewer"}).status_code for _ in range(6)]
    assert statuses == [303] * 5 + [429]


def test_nobody_gives_a_role_above_their_own(cast: Cast, admin: Person) -> None:
    with admin.scope() as scope:
        for act in (
            lambda: service.invite(scope, "x@new.test", MemberRole.OWNER),
            lambda: service.change_role(scope, admin.user_id, MemberRole.OWNER),
            lambda: service.change_role(scope, cast.owner.user_id, MemberRole.VIEWER),
            lambda: service.remove_member(scope, cast.owner.user_id),
        ):
            with pytest.raises(Forbidden):
                act()


def test_viewers_manage_nobody(cast: Cast, app: Flask) -> None:
    browser = cast.teammate.browser(app)
    assert browser.get("/team").status_code == 200
    assert browser.post("/team/invitations", data={"email": "x@new.test", "role": "viewer"}).status_code == 403
    assert browser.post(f"/team/{cast.teammate.user_id}/role", data={"role": "owner"}).status_code == 403
    assert browser.post(f"/team/{cast.owner.user_id}/remove").status_code == 403


def test_a_changed_role_acts_and_signs_out(cast: Cast, app: Flask) -> None:
    browser = cast.teammate.browser(app)
    with cast.owner.scope() as scope:
        assert service.change_role(scope, cast.teammate.user_id, MemberRole.DEVELOPER).role is MemberRole.DEVELOPER
    assert browser.get("/team").status_code == 302
    assert cast.teammate.browser(app).post("/keys", data={"name": "mine", "mode": "sandbox", "role": "root:sending"}).status_code == 200


def test_a_removed_member_is_out_at_once(cast: Cast, app: Flask) -> None:
    browser = cast.teammate.browser(app)
    with cast.owner.scope() as scope:
        service.remove_member(scope, cast.teammate.user_id)
    assert browser.get("/team").status_code == 302
    assert cast.teammate.browser(app).get("/team").status_code == 403


def test_the_last_owner_stays(cast: Cast, app: Flask) -> None:
    with cast.owner.scope() as scope:
        with pytest.raises(Conflict):
            service.remove_member(scope, cast.owner.user_id)
        with pytest.raises(Conflict):
            service.change_role(scope, cast.owner.user_id, MemberRole.ADMIN)
    assert cast.owner.browser(app).post("/team/leave").status_code == 409


def test_two_owners_who_leave_at_once_leave_one(cast: Cast) -> None:
    assert cast.owner.tenant_id is not None
    second = make_member("otto@acme.test", "Otto Owner", cast.owner.tenant_id, MemberRole.OWNER)
    start, refused = threading.Barrier(2), []

    def leave(person: Person) -> None:
        try:
            with person.scope() as scope:
                start.wait()
                service.remove_member(scope, person.user_id)
        except Conflict:
            refused.append(person)

    threads = [threading.Thread(target=leave, args=(person,)) for person in (cast.owner, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with unscoped("test") as rows:
        owners = rows.scalar(sa.select(sa.func.count()).where(Membership.tenant_id == cast.owner.tenant_id, Membership.role == "owner"))
    assert owners == 1 and len(refused) == 1


def test_a_stranger_finds_nobody_of_ours(cast: Cast) -> None:
    with cast.stranger.scope() as scope:
        for act in (
            lambda: service.change_role(scope, cast.teammate.user_id, MemberRole.OWNER),
            lambda: service.remove_member(scope, cast.teammate.user_id),
        ):
            with pytest.raises(NotFound):
                act()


def test_nobody_switches_to_a_tenant_they_do_not_belong_to(cast: Cast, app: Flask) -> None:
    assert cast.stranger.browser(app).post("/switch-tenant", data={"tenant": str(cast.owner.tenant_id)}).status_code == 404
