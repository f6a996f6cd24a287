"""Production approval, limits that grow, plans, requests for more, notes and staff."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.backoffice.sessions import staff_browser
from tests.fixtures import Cast, make_staff, make_tenant
from webapp.activity.models import ActivityEntry
from webapp.backoffice import service
from webapp.backoffice.models import StaffRequest, TenantNotice
from webapp.backoffice.queries.evidence import gather, network_of
from webapp.backoffice.service.growth import Day, is_clean
from webapp.backoffice.types import StaffRole
from webapp.bootstrap import ensure_verified_domain
from webapp.kernel.clock import now
from webapp.kernel.db import unscoped
from webapp.kernel.scope import Mode
from webapp.stats.models import StatsHour
from webapp.tenants.models import Plan, Tenant
from webapp.tenants.service import ask_limit, limit_of
from webapp.tenants.types import LimitName, TenantStatus
from worker.jobs import backoffice as jobs

FORM = {
    "what": "Order confirmations and password resets of our shop", "volume": "20000", "sources": "People who bought something and gave their address",
    "website": "shop.example",
}  # fmt: skip


@pytest.fixture
def sandbox(cast: Cast) -> Cast:
    """The owner's tenant is in sandbox and has asked nothing."""
    cast.set_status(cast.owner, TenantStatus.SANDBOX)
    with unscoped("test") as rows:
        rows.execute(sa.update(Tenant).where(Tenant.id == cast.owner.tenant_id).values(approved_at=None))
    return cast


def tenant_of(cast: Cast) -> Tenant:
    with unscoped("test") as rows:
        return rows.get_one(Tenant, cast.owner.tenant_id)


def ask(app: Flask, cast: Cast, **changes: str) -> Any:
    return cast.owner.browser(app).post("/production", data={**FORM, **changes})


def decide(app: Flask, cast: Cast, **form: str) -> Any:
    with unscoped("test") as rows:
        request = rows.scalars(sa.select(StaffRequest).where(StaffRequest.status == "open")).one()
    return staff_browser(app, cast.staff).post(f"/staff/tenants/{cast.owner.tenant_id}/requests/{request.id}", data=form)


def titles() -> list[str]:
    with unscoped("test") as rows:
        return [row.data.get("title", row.kind) for row in rows.scalars(sa.select(TenantNotice).order_by(TenantNotice.id))]


class TestAsking:
    """A tenant asks for live sending."""

    def test_it_sees_where_its_request_stands(self, app: Flask, sandbox: Cast) -> None:
        browser = sandbox.owner.browser(app)
        assert "What do you send?" in browser.get("/production").text
        assert ask(app, sandbox).status_code == 303
        text = browser.get("/production").text
        assert "Your request is with staff" in text and "https://shop.example" in text and "What do you send?" not in text
        assert ask(app, sandbox).status_code == 422  # once is enough

    @pytest.mark.parametrize(
        ("changes", "field"),
        [({"what": "mails"}, "what"), ({"volume": "0"}, "volume"), ({"volume": "many"}, "volume"), ({"sources": ""}, "sources"), ({"website": "x"}, "website"),
         ({"website": "javascript://alert.example/x"}, "website"), ({"website": "https://user:pw@evil.example"}, "website")],
    )  # fmt: skip
    def test_what_is_missing_is_named(self, app: Flask, sandbox: Cast, changes: dict[str, str], field: str) -> None:
        answer = ask(app, sandbox, **changes)
        assert answer.status_code == 422 and f'id="f-{field}-error"' in answer.text

    def test_only_owners_ask_and_withdraw(self, app: Flask, sandbox: Cast) -> None:
        assert sandbox.teammate.browser(app).post("/production", data=FORM).status_code == 403
        ask(app, sandbox)
        with unscoped("test") as rows:
            request = rows.scalars(sa.select(StaffRequest.id)).one()
        assert sandbox.stranger.browser(app).post(f"/production/{request}/withdraw").status_code == 404
        assert sandbox.owner.browser(app).post(f"/production/{request}/withdraw").status_code == 303
        assert ask(app, sandbox).status_code == 303


class TestDeciding:
    """Staff answers."""

    def test_an_approval_starts_with_the_first_limits_and_writes_a_letter(self, app: Flask, sandbox: Cast) -> None:
        ask(app, sandbox)
        assert decide(app, sandbox, status="approved").status_code == 303
        tenant = tenant_of(sandbox)
        assert (tenant.status, tenant.daily_limit, tenant.minute_limit, tenant.limit_grows) == ("approved", 200, 60, True)
        assert titles() == ["Acme may send live mail"]
        assert "You may send live mail" in sandbox.owner.browser(app).get("/production").text
        with unscoped("test") as rows:
            entry = rows.scalars(sa.select(ActivityEntry).where(ActivityEntry.action == "tenant.approved")).one()
        assert (entry.actor_kind, entry.actor_name) == ("staff", "Sue Staff")

    def test_limits_of_a_decision_hold_and_do_not_grow(self, app: Flask, sandbox: Cast) -> None:
        ask(app, sandbox)
        assert decide(app, sandbox, status="limited").status_code == 422  # limited to what?
        assert decide(app, sandbox, status="limited", daily_limit="50", monthly_limit="500").status_code == 303
        tenant = tenant_of(sandbox)
        assert (tenant.daily_limit, tenant.monthly_limit, tenant.minute_limit, tenant.limit_grows) == (50, 500, None, False)

    def test_a_refusal_needs_a_reason_which_the_tenant_reads(self, app: Flask, sandbox: Cast) -> None:
        ask(app, sandbox)
        assert decide(app, sandbox, status="refused").status_code == 422
        assert decide(app, sandbox, status="refused", reason="Your website says nothing about who you are.").status_code == 303
        text = sandbox.owner.browser(app).get("/production").text
        assert "Your website says nothing" in text and "What do you send?" in text
        assert tenant_of(sandbox).status == "sandbox"

    def test_nobody_decides_twice_or_for_another_tenant(self, app: Flask, sandbox: Cast) -> None:
        ask(app, sandbox)
        with unscoped("test") as rows:
            request = rows.scalars(sa.select(StaffRequest.id)).one()
        browser = staff_browser(app, sandbox.staff)
        wrong = f"/staff/tenants/{sandbox.stranger.tenant_id}/requests/{request}"
        assert browser.get(wrong).status_code == 404 and browser.post(wrong, data={"status": "approved"}).status_code == 404
        assert decide(app, sandbox, status="approved").status_code == 303
        assert browser.post(f"/staff/tenants/{sandbox.owner.tenant_id}/requests/{request}", data={"status": "approved"}).status_code == 422

    def test_the_evidence_shows_links_subjects_domains_and_similar_tenants(self, app: Flask, sandbox: Cast) -> None:
        twin = make_tenant("eve@acme.test", "Eve", "Acme Two")
        with sandbox.owner.scope() as scope:
            ensure_verified_domain(scope, "acme.test")
        mail = {"from": "a@acme.test", "to": "x@customer.example", "subject": "Your parcel", "html": '<a href="https://bit.ly/x">a</a> <a href="https://www.acme.test/">b</a>'}
        assert sandbox.owner.api(app, Mode.SANDBOX).post("/api/v1/email/send", json=mail).status_code == 202
        with unscoped("test") as rows:
            found = gather(rows, rows.get_one(Tenant, sandbox.owner.tenant_id))
        assert {(link.host, link.own, link.hidden) for link in found.links} == {("bit.ly", False, True), ("www.acme.test", True, False)}
        assert found.subjects == ["Your parcel"] and found.sandboxed == 1 and found.sandbox_domains == [("customer.example", 1)]
        assert [(alike.tenant.id, alike.because) for alike in found.alike] == [(twin.tenant_id, ("members at acme.test",))]
        ask(app, sandbox)
        text = staff_browser(app, sandbox.staff).get("/staff/requests").text
        assert "Acme" in text and "Order confirmations" in text


@pytest.mark.parametrize(("address", "network"), [("192.0.2.7", "192.0.2."), ("2001:db8:1:2::7", "2001:db8:1:"), ("::1", None), ("unknown", None)])
def test_neighbours_share_the_beginning_of_an_address(address: str, network: str | None) -> None:
    assert network_of(address) == network


class TestGrowing:
    """The daily limit of a new tenant doubles with each clean day."""

    @pytest.mark.parametrize(
        ("day", "clean"),
        [(Day(200, 2, 0, 198, 0), True), (Day(49, 0, 0, 49, 0), False), (Day(200, 11, 0, 189, 0), False), (Day(200, 0, 1, 200, 0), False),
         (Day(200, 0, 0, 200, 1), False)],
    )  # fmt: skip
    def test_what_a_clean_day_is(self, day: Day, clean: bool) -> None:
        assert is_clean(day) is clean

    def _yesterday(self, cast: Cast, **figures: int) -> None:
        hour = (now() - timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
        nobody = UUID(int=0)
        with unscoped("test") as rows:
            rows.execute(sa.delete(StatsHour))
            rows.add(StatsHour(tenant_id=cast.owner.tenant_id, hour=hour, mode="live", bridge_id=nobody, pool_id=nobody, member_id=nobody, **figures))
            rows.execute(sa.update(Tenant).where(Tenant.id == cast.owner.tenant_id).values(grown_on=hour.date()))

    def test_it_doubles_once_a_day_until_it_is_lifted(self, cast: Cast) -> None:
        with cast.owner.scope() as scope:
            service.start_growth(scope)
        assert jobs.grow_limits(0) == 0  # its first day is not over
        self._yesterday(cast, sent=200, delivered=200)
        assert jobs.grow_limits(0) == 1 and jobs.grow_limits(0) == 0
        assert (tenant_of(cast).daily_limit, tenant_of(cast).clean_days) == (400, 1)
        self._yesterday(cast, sent=400, delivered=300, hard_bounced=100)
        assert jobs.grow_limits(0) == 0 and tenant_of(cast).daily_limit == 400
        with unscoped("test") as rows:
            plan = Plan(name="Small", limits={"daily_recipients": 700})
            rows.add(plan)
            rows.flush()
            rows.execute(sa.update(Tenant).where(Tenant.id == cast.owner.tenant_id).values(plan_id=plan.id))
        self._yesterday(cast, sent=400, delivered=400)
        assert jobs.grow_limits(0) == 1
        tenant = tenant_of(cast)
        assert (tenant.daily_limit, tenant.minute_limit, tenant.limit_grows) == (None, None, False)
        with cast.owner.scope() as scope:
            assert limit_of(scope, LimitName.DAILY_RECIPIENTS) == 700

    def test_a_limit_set_by_hand_grows_no_more(self, app: Flask, cast: Cast) -> None:
        with cast.owner.scope() as scope:
            service.start_growth(scope)
        answer = staff_browser(app, cast.staff).post(f"/staff/tenants/{cast.owner.tenant_id}/limits", data={"daily_recipients": "5000"})
        assert answer.status_code == 303 and tenant_of(cast).daily_limit == 5000 and not tenant_of(cast).limit_grows


class TestPlansAndLimits:
    """Named sets of limits, and requests for more."""

    def test_a_plan_gives_its_limits_and_an_own_one_wins(self, app: Flask, cast: Cast) -> None:
        staff = staff_browser(app, cast.staff)
        assert staff.post("/staff/plans", data={"name": "Starter", "daily_recipients": "1000", "bridges": "3"}).status_code == 303
        assert staff.post("/staff/plans", data={"name": "Starter"}).status_code == 422  # the name is taken
        with unscoped("test") as rows:
            plan = rows.scalars(sa.select(Plan)).one()
        assert staff.post(f"/staff/tenants/{cast.owner.tenant_id}/limits", data={"plan": str(plan.id), "bridges": "5"}).status_code == 303
        with cast.owner.scope() as scope:
            assert [limit_of(scope, name) for name in (LimitName.DAILY_RECIPIENTS, LimitName.BRIDGES)] == [1000, 5]
        text = cast.owner.browser(app).get("/usage").text
        assert "Starter" in text and "0 of 1,000" in text
        assert staff.post(f"/staff/plans/{plan.id}/delete").status_code == 409
        assert titles() == ["limits_changed"]

    @pytest.mark.parametrize("bad", ["-1", "x", "99999999999"])
    def test_a_limit_is_a_number(self, app: Flask, cast: Cast, bad: str) -> None:
        answer = staff_browser(app, cast.staff).post(f"/staff/tenants/{cast.owner.tenant_id}/limits", data={"api_keys": bad})
        assert answer.status_code == 422 and 'id="f-api_keys-error"' in answer.text

    def test_a_request_for_more_is_granted_or_declined_with_words(self, app: Flask, cast: Cast) -> None:
        staff = staff_browser(app, cast.staff)
        with cast.owner.scope() as scope:
            wanted = [ask_limit(scope, name, 500, "We grow").id for name in (LimitName.API_KEYS, LimitName.POOLS)]
        assert "wants <strong>500 active API keys" in staff.get("/staff/requests").text
        base = f"/staff/tenants/{cast.owner.tenant_id}/limit-requests"
        assert staff.post(f"{base}/{wanted[0]}", data={"grant": "true", "granted": "300"}).status_code == 303
        assert staff.post(f"{base}/{wanted[1]}", data={"grant": "false"}).status_code == 422
        assert staff.post(f"{base}/{wanted[1]}", data={"grant": "false", "answer": "Use tags instead."}).status_code == 303
        with cast.owner.scope() as scope:
            assert [limit_of(scope, name) for name in (LimitName.API_KEYS, LimitName.POOLS)] == [300, 200]


class TestStaff:
    """Who is staff."""

    def test_owners_add_and_remove_and_nobody_else(self, app: Flask, cast: Cast) -> None:
        owner = staff_browser(app, cast.staff)
        assert owner.post("/staff/people", data={"email": "new@postbridge.test", "name": "Nel New"}).status_code == 303
        with unscoped("test") as rows:
            people = {person.email: person for person in service.list_staff(rows)}
            letters = rows.execute(sa.text("select count(*) from one_time_tokens where email = 'new@postbridge.test'")).scalar_one()
        assert people["new@postbridge.test"].role is StaffRole.SUPPORT and letters == 1
        support = make_staff("sam@postbridge.test", "Sam Support")
        assert owner.post(f"/staff/people/{support.user_id}/role", data={"role": "support"}).status_code == 303
        assert staff_browser(app, support).post("/staff/people", data={"email": "x@postbridge.test", "name": "X"}).status_code == 422
        assert staff_browser(app, support).post(f"/staff/people/{cast.staff.user_id}/remove").status_code == 403
        browser = staff_browser(app, support)
        assert owner.post(f"/staff/people/{support.user_id}/remove").status_code == 303
        assert browser.get("/staff/").status_code == 302  # every session of theirs has ended

    def test_members_of_tenants_the_last_owner_and_oneself_are_refused(self, app: Flask, cast: Cast) -> None:
        owner = staff_browser(app, cast.staff)
        assert owner.post("/staff/people", data={"email": cast.owner.email}).status_code == 422
        assert owner.post(f"/staff/people/{cast.staff.user_id}/remove").status_code == 409
        assert owner.post(f"/staff/people/{cast.staff.user_id}/role", data={"role": "support"}).status_code == 422


def test_notes_are_for_staff_only(app: Flask, cast: Cast) -> None:
    staff = staff_browser(app, cast.staff)
    assert staff.post(f"/staff/tenants/{cast.owner.tenant_id}/notes", data={"text": "Called, sounds honest"}).status_code == 303
    assert "Called, sounds honest" in staff.get(f"/staff/tenants/{cast.owner.tenant_id}").text
    owner = cast.owner.browser(app)
    assert not [page for page in ("/production", "/usage", "/support-access", "/activity/") if "sounds honest" in owner.get(page).text]


def test_tenants_are_found_by_name_member_domain_and_id(app: Flask, cast: Cast) -> None:
    staff = staff_browser(app, cast.staff)
    with cast.owner.scope() as scope:
        ensure_verified_domain(scope, "acme-mail.test")
    for text in ("acme", "olivia@acme", "acme-mail", str(cast.owner.tenant_id)):
        found = staff.get(f"/staff/?q={text}", htmx=True).text
        assert "Acme" in found and "Other" not in found, text
    assert "No tenant fits" in staff.get("/staff/?q=nobody%00").text
