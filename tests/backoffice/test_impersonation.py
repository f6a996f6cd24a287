"""F37 of the plan: each refusal of a support session, its banner, its log and its letters."""

from __future__ import annotations

import json
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from tests.backoffice.sessions import begin, consent, in_session, only_session, staff_browser
from tests.fixtures import Cast, make_staff
from webapp.activity.models import ActivityEntry
from webapp.backoffice import service
from webapp.backoffice.models import SupportAction, SupportSession, TenantNotice
from webapp.bootstrap import ensure_platform
from webapp.kernel.clock import now
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Conflict, ValidationFailed
from webapp.kernel.scope import Mode
from worker.jobs import backoffice as jobs

BANNER = 'id="support-banner"'


def sessions() -> int:
    with unscoped("test") as rows:
        return rows.scalar(sa.select(sa.func.count()).select_from(SupportSession)) or 0


def age(**values: object) -> None:
    """Move the session back in time: by default to thirty-one minutes ago."""
    moment = now()
    values = values or {"started_at": moment - timedelta(minutes=31), "expires_at": moment - timedelta(minutes=1)}
    with unscoped("test") as rows:
        rows.execute(sa.update(SupportSession).values(**values))


class TestBeginning:
    """What is asked for, one by one."""

    @pytest.mark.parametrize(
        ("changes", "field"), [({"reason": "too short"}, "reason"), ({"reason": ""}, "reason"), ({"ticket": ""}, "ticket"), ({"ticket": " "}, "ticket")]
    )
    def test_a_reason_and_a_ticket(self, app: Flask, cast: Cast, changes: dict[str, str], field: str) -> None:
        consent(cast)
        answer = begin(staff_browser(app, cast.staff), cast, **changes)
        assert answer.status_code == 422 and f'id="f-{field}-error"' in answer.get_data(as_text=True)
        assert sessions() == 0

    @pytest.mark.parametrize("minutes", [None, 6])
    def test_a_fresh_second_factor(self, app: Flask, cast: Cast, minutes: int | None) -> None:
        consent(cast)
        given = None if minutes is None else now() - timedelta(minutes=minutes)
        answer = begin(staff_browser(app, cast.staff, factor_at=given), cast)
        if minutes is None:  # staff without any are held back before every page
            assert answer.headers["Location"] == "/settings/security/required"
        else:
            assert answer.status_code == 422 and "second factor" in answer.get_data(as_text=True)
        assert sessions() == 0

    def test_the_tenants_consent(self, app: Flask, cast: Cast) -> None:
        answer = begin(staff_browser(app, cast.staff), cast)
        assert answer.status_code == 422 and "has not consented" in answer.get_data(as_text=True)

    @pytest.mark.parametrize("spoilt", ["revoked", "expired", "used"])
    def test_a_grant_that_is_still_good(self, app: Flask, cast: Cast, spoilt: str) -> None:
        with cast.owner.scope() as scope:
            grant = service.grant_once(scope, days=1, allow_write=False)
            if spoilt == "revoked":
                service.revoke(scope, grant.id)
            elif spoilt == "expired":
                grant.expires_at = now() - timedelta(seconds=1)
            else:
                grant.used_at = now()
        assert begin(staff_browser(app, cast.staff), cast).status_code == 422

    def test_the_role(self, app: Flask, cast: Cast) -> None:
        consent(cast)
        assert begin(cast.owner.browser(app), cast).status_code == 403
        assert begin(cast.stranger.browser(app), cast).status_code == 403

    def test_somebody_who_is_a_member_and_no_staff(self, app: Flask, cast: Cast) -> None:
        consent(cast)
        browser = staff_browser(app, cast.staff)
        assert begin(browser, cast, member=cast.stranger.user_id).status_code == 404
        with unscoped("test") as rows:
            rows.execute(sa.text("update users set is_staff = true where id = :id"), {"id": cast.teammate.user_id})
        answer = begin(browser, cast, member=cast.teammate.user_id)
        assert answer.status_code == 422 and "in place of a staff member" in answer.get_data(as_text=True)

    def test_one_at_a_time(self, app: Flask, cast: Cast) -> None:
        in_session(app, cast)
        other = staff_browser(app, cast.staff)  # the same person in another browser
        answer = begin(other, cast)
        assert answer.status_code == 422 and "One at a time" in answer.get_data(as_text=True)
        assert sessions() == 1

    def test_not_the_platforms_own_tenant(self, app: Flask, cast: Cast) -> None:
        answer = begin(staff_browser(app, cast.staff), cast, tenant=ensure_platform())
        assert answer.status_code == 422 and "platform" in answer.get_data(as_text=True)

    def test_no_grant_is_good_for_longer_than_five_days(self, cast: Cast) -> None:
        with cast.owner.scope() as scope, pytest.raises(ValidationFailed):
            service.grant_once(scope, days=6, allow_write=False)

    def test_consent_is_given_once_and_only_by_owners(self, app: Flask, cast: Cast) -> None:
        with cast.owner.scope() as scope:
            service.give_standing(scope)
            with pytest.raises(Conflict):
                service.give_standing(scope)
        for path in ("/support-access/consent", "/support-access/grants"):
            assert cast.teammate.browser(app).post(path, data={"on": "true", "days": "1"}).status_code == 403


class TestSession:
    """What a session is, and how it ends."""

    def test_it_shows_the_tenants_dashboard_with_a_banner_and_a_header(self, app: Flask, cast: Cast) -> None:
        browser = in_session(app, cast)
        answer = browser.get("/")
        text = answer.get_data(as_text=True)
        assert answer.status_code == 200 and BANNER in text and "Sue Staff" in text and "Acme" in text and "read only" in text
        assert answer.headers["X-Impersonated-By"] == cast.staff.email
        assert "Deferred mail of the shop since Monday" in text and "data-countdown" in text

    def test_every_fragment_brings_the_banner_along(self, app: Flask, cast: Cast) -> None:
        browser = in_session(app, cast)
        for path in ("/overview/figures", "/messages/", "/activity/panel"):
            text = browser.get(path, htmx=True).get_data(as_text=True)
            assert BANNER in text and 'hx-swap-oob="true"' in text, path

    def test_refusals_and_unknown_addresses_carry_it_too(self, app: Flask, cast: Cast) -> None:
        browser = in_session(app, cast)
        for path, status in (("/staff/", 403), ("/nowhere", 404), ("/bridges/new", 403)):
            answer = browser.get(path)
            assert answer.status_code == status and BANNER in answer.get_data(as_text=True), path

    def test_thirty_one_minutes_are_over_and_give_nobodys_rights(self, app: Flask, cast: Cast) -> None:
        browser = in_session(app, cast)
        age()
        for path in ("/", "/staff/", "/settings", "/bridges/"):
            answer = browser.get(path)
            assert (answer.status_code, answer.headers["Location"]) == (303, "/support-session/over"), path
        assert browser.get("/messages/", htmx=True).headers["HX-Redirect"] == "/support-session/over"
        assert browser.get("/api/v1/bridges").status_code == 401
        assert "is over" in browser.get("/support-session/over").get_data(as_text=True)
        assert browser.post("/support-session/leave").headers["Location"] == "/staff/"
        assert browser.get("/staff/").status_code == 200

    def test_nothing_makes_it_longer(self, app: Flask, cast: Cast) -> None:
        in_session(app, cast)
        session = only_session()
        assert session.expires_at - session.started_at == timedelta(minutes=30)
        with pytest.raises(sa.exc.IntegrityError):
            age(expires_at=session.expires_at + timedelta(minutes=1))

    def test_stopping_goes_back_to_the_console(self, app: Flask, cast: Cast) -> None:
        browser = in_session(app, cast)
        answer = browser.post("/support-session/stop")
        assert answer.headers["Location"] == f"/staff/tenants/{cast.owner.tenant_id}"
        assert only_session().end_cause == "stopped"
        assert browser.get("/staff/").status_code == 200 and browser.get("/").status_code == 403  # staff belong to no tenant

    def test_the_token_is_worth_nothing_in_another_browser(self, app: Flask, cast: Cast) -> None:
        browser = in_session(app, cast)
        cookie = browser.get_cookie("postbridge_support")
        assert cookie is not None
        for other in (staff_browser(app, cast.staff), cast.owner.browser(app), staff_browser(app, make_staff("x@postbridge.test", "X"))):
            other.set_cookie("postbridge_support", cookie.value)
            assert other.get("/bridges/").headers.get("Location") == "/support-session/over"

    @pytest.mark.parametrize("act", ["consent", "session"])
    def test_the_tenant_ends_it_at_once(self, app: Flask, cast: Cast, act: str) -> None:
        browser, owner = in_session(app, cast), cast.owner.browser(app)
        path = f"sessions/{only_session().id}/stop" if act == "session" else "consent"
        assert owner.post(f"/support-access/{path}", data={"on": "false"}).status_code == 303
        assert browser.get("/bridges/").headers.get("Location") == "/support-session/over"

    def test_the_mode_is_the_sessions_own(self, app: Flask, cast: Cast) -> None:
        browser = in_session(app, cast)
        assert browser.post("/support-session/mode", data={"mode": "sandbox"}).status_code == 303
        assert only_session().mode == Mode.SANDBOX
        assert 'data-mode="sandbox"' in browser.get("/").get_data(as_text=True)


class TestAddresses:
    """Covered until a reason is given."""

    def test_they_are_covered_everywhere_until_a_reason_is_given(self, app: Flask, cast: Cast) -> None:
        cast.owner.api(app).post("/api/v1/suppressions", json={"email": "jo.bloggs@customer.example"})
        browser = in_session(app, cast)
        text = browser.get("/suppressions/").get_data(as_text=True)
        assert "jo.bloggs" not in text and "j•••" in text and "customer.example" in text
        assert browser.post("/support-session/addresses", data={"reason": "curious"}).status_code == 422
        assert browser.post("/support-session/addresses", data={"reason": "Comparing with the customer's list"}).status_code == 303
        assert "jo.bloggs" in browser.get("/suppressions/").get_data(as_text=True)
        page = cast.owner.browser(app).get(f"/support-access/sessions/{only_session().id}").get_data(as_text=True)
        assert "Comparing with the customer" in page


class TestChanges:
    """A second step, on the tenant's grant."""

    def test_they_need_a_grant_that_allows_them(self, app: Flask, cast: Cast) -> None:
        browser = in_session(app, cast)
        answer = browser.post("/support-session/changes")
        assert answer.status_code == 422 and "has not allowed changes" in answer.get_data(as_text=True)
        assert browser.post("/suppressions/", data={"email": "a@b.example"}).status_code == 403
        with cast.owner.scope() as scope:
            service.grant_once(scope, days=1, allow_write=True)
        assert browser.post("/support-session/changes").status_code == 303
        assert browser.post("/suppressions/", data={"email": "a@b.example"}).status_code == 303

    def test_a_change_names_both(self, app: Flask, cast: Cast) -> None:
        browser = in_session(app, cast, write=True)
        assert browser.post("/suppressions/", data={"email": "a@b.example"}).status_code == 303
        with unscoped("test") as rows:
            entry = rows.scalars(sa.select(ActivityEntry).where(ActivityEntry.action == "suppression.added")).one()
        assert (entry.actor_kind, entry.actor_name, entry.on_behalf_of) == ("staff", "Sue Staff", cast.owner.user_id)


class TestLog:
    """Every request, for the tenant to read."""

    def test_every_request_is_written_down_with_both_names(self, app: Flask, cast: Cast) -> None:
        browser = in_session(app, cast)
        browser.get("/bridges/")
        browser.post("/bridges/new", data={"name": "x"})
        browser.get("/nowhere")
        with unscoped("test") as rows:
            found = [(a.method, a.path, bool(a.refused), a.status) for a in rows.scalars(sa.select(SupportAction).order_by(SupportAction.id))]
            names = {(a.staff_name, a.member_name) for a in rows.scalars(sa.select(SupportAction))}
        assert found == [("GET", "/bridges/", False, 200), ("POST", "/bridges/new", True, 403), ("GET", "/nowhere", False, 404)]
        assert names == {("Sue Staff", "Olivia Owner")}
        page = cast.owner.browser(app).get(f"/support-access/sessions/{only_session().id}").get_data(as_text=True)
        assert "/bridges/new" in page and "Refused" in page
        assert cast.stranger.browser(app).get(f"/support-access/sessions/{only_session().id}").status_code == 404

    def test_nobody_changes_it(self, app: Flask, cast: Cast) -> None:
        in_session(app, cast).get("/bridges/")
        for statement in ("update support_actions set path = 'x'", "update support_actions set status = 200"):
            with pytest.raises(sa.exc.DBAPIError), unscoped("test") as rows:
                rows.execute(sa.text(statement))
        with pytest.raises(sa.exc.DBAPIError) as refused, cast.owner.scope() as scope:
            scope.session.execute(sa.text("delete from support_actions"))
        assert isinstance(refused.value.orig, psycopg.errors.RaiseException)

    def test_a_request_that_cannot_be_logged_is_not_served(self, app: Flask, cast: Cast) -> None:
        browser = in_session(app, cast)
        with unscoped("test") as rows:
            rows.execute(sa.text("alter table support_actions add constraint full_up check (false) not valid"))
        try:
            assert browser.get("/bridges/").status_code >= 500
        finally:
            with unscoped("test") as rows:
                rows.execute(sa.text("alter table support_actions drop constraint full_up"))


class TestLetters:
    """The owners are told at the start, and what was done at the end."""

    @pytest.mark.parametrize("end", ["stop", "time"])
    def test_at_the_start_and_at_the_end(self, app: Flask, cast: Cast, end: str) -> None:
        ensure_platform()
        browser = in_session(app, cast)
        browser.get("/bridges/")
        if end == "stop":
            browser.post("/support-session/stop")
        else:
            age()
            assert jobs.end_sessions(0) == 1
        assert jobs.send_letters(0) == 2 and jobs.send_letters(0) == 0
        with unscoped("test") as rows:
            sent = rows.execute(
                sa.text(
                    "select r.address, m.subject, c.text from messages m join recipients r on r.message_id = m.id "
                    "join message_contents c on c.id = m.id order by m.id"
                )
            ).all()
        assert [(row.address, row.subject) for row in sent] == [
            (cast.owner.email, "Support staff is looking at Acme"), (cast.owner.email, "What support staff did at Acme"),
        ]  # fmt: skip
        assert "Deferred mail of the shop" in sent[0].text and "T-1234" in sent[0].text
        assert "Requests: " in sent[1].text and ("its time was over" in sent[1].text) == (end == "time")

    def test_the_summary_names_what_was_changed(self, app: Flask, cast: Cast) -> None:
        browser = in_session(app, cast, write=True)
        browser.post("/suppressions/", data={"email": "a@b.example"})
        browser.post("/support-session/stop")
        with unscoped("test") as rows:
            data = rows.scalars(sa.select(TenantNotice).where(TenantNotice.kind == "support_ended")).one().data
        assert ["Changed", "POST /suppressions/"] in data["facts"], json.dumps(data)
