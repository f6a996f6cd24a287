"""Staff and tenants, each at a browser: approval, and a support session with its refusals; the pages of both in both themes and on a phone."""

from __future__ import annotations

import re
import secrets
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Demo
from tests.e2e.packages import node_modules
from tests.e2e.test_pages import _judged, _overflow, _visit
from tests.e2e.watched import Person, person

pytestmark = pytest.mark.timeout(300)

STAFF_PAGES = (
    "/staff/", "/staff/requests", "/staff/plans", "/staff/platform", "/staff/shared", "/staff/people", "/staff/activity", "/suppressions/platform",
    "/incidents/platform", "/pace/platform",
)  # fmt: skip
#: What a session tries, and the words of the refusal.
_REFUSED = (("/bridges/new", "No support session may do this"), ("/messages/export.csv", "take data away"), ("/staff/", "for staff in their own name"))
TENANT_PAGES = ("/production", "/usage", "/support-access")


def sign_in_as_staff(somebody: Person) -> None:
    """The demo's staff, who has just given a second factor (the code itself is tried where accounts are)."""
    demo = somebody.demo
    somebody.go("/login")
    somebody.page.get_by_label("Email").fill(demo.credentials["staff_email"])
    somebody.page.get_by_label("Password").fill(demo.credentials["staff_password"])
    somebody.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(somebody.page.get_by_role("heading", name="Tenants", exact=True)).to_be_visible()
    with psycopg.connect(demo.stack.environment["DATABASE_URL"].replace("+psycopg", "")) as connection:
        wanted = "update user_sessions set factor_at = now() where user_id = (select id from users where email = %s)"
        connection.execute(wanted, (demo.credentials["staff_email"],))


def excuse(somebody: Person, status: int) -> None:
    """A refusal that was wanted stands in the console as a failed request."""
    somebody.faults[:] = [fault for fault in somebody.faults if f"status of {status}" not in fault]


def test_a_tenant_asks_for_live_sending_and_staff_approves(demo: Demo, browser: Any) -> None:
    email, password, name = f"new-{secrets.token_hex(4)}@shop.example", f"{secrets.token_hex(8)} quiet lantern", f"Lantern {secrets.token_hex(3)}"
    with person(demo, browser) as tenant, person(demo, browser) as staff:
        tenant.go("/sign-up")
        for label, value in (("Your name", "Nora New"), ("Organisation", name), ("Email", email), ("Password", password)):
            tenant.page.get_by_label(label, exact=True).fill(value)
        tenant.page.get_by_role("button", name=re.compile("account|sign up", re.IGNORECASE)).click()
        tenant.log_in(email, password)
        tenant.page.get_by_role("link", name="Live sending").first.click()
        tenant.page.get_by_label("What do you send?").fill("Order confirmations and password resets of our shop")
        tenant.page.get_by_label("Recipients a month, about").fill("2000")
        tenant.page.get_by_label("Where do the addresses come from?").fill("People who bought something at our shop")
        tenant.page.get_by_label("Website").fill("https://shop.example")
        tenant.page.get_by_role("button", name="Ask for live sending").click()
        expect(tenant.page.get_by_role("heading", name="Your request is with staff")).to_be_visible()

        sign_in_as_staff(staff)
        staff.go("/staff/requests")
        staff.page.get_by_role("row").filter(has_text=name).get_by_role("link", name="Judge").click()
        expect(staff.page.get_by_text("Order confirmations and password resets")).to_be_visible()
        expect(staff.page.get_by_role("heading", name="Links in its sandbox mail")).to_be_visible()
        staff.page.get_by_role("button", name="Decide").click()
        expect(staff.page.get_by_text("The request is approved")).to_be_visible()

        tenant.go("/production")
        expect(tenant.page.get_by_text("You may send live mail")).to_be_visible()
        tenant.go("/usage")
        expect(tenant.page.get_by_text("0 of 200")).to_be_visible()


def test_a_support_session_and_what_it_refuses(demo: Demo, owner: Person, browser: Any) -> None:
    with person(demo, browser) as staff:
        sign_in_as_staff(staff)
        staff.page.get_by_role("row").filter(has_text="demo").first.get_by_role("link").first.click()
        staff.page.get_by_role("link", name="Act for a member").click()
        staff.page.get_by_label("Reason, for the tenant to read").fill("Deferred mail of the shop since Monday")
        staff.page.get_by_label("Ticket").fill("T-1234")
        staff.page.get_by_role("button", name="Begin the session").click()
        expect(staff.page.get_by_role("alert").filter(has_text="has not consented").first).to_be_visible()
        excuse(staff, 422)

        owner.go("/support-access")
        owner.page.get_by_role("button", name="Turn on").click()
        expect(owner.page.get_by_text("until you turn this off")).to_be_visible()
        staff.page.get_by_role("button", name="Begin the session").click()
        banner = staff.page.get_by_role("region", name="Support session")
        expect(banner).to_contain_text("read only")
        expect(banner.locator("[data-countdown]")).to_have_text(re.compile(r"^(29|30):\d\d$"))

        for path, words in _REFUSED:
            answer = staff.page.goto(staff.base + path)
            assert answer is not None and answer.status == 403, path
            expect(staff.page.get_by_text(words)).to_be_visible()
            expect(staff.page.get_by_role("region", name="Support session")).to_be_visible()
        excuse(staff, 403)
        staff.go("/simulator/")
        assert demo.credentials["email"].partition("@")[0] + "@" not in staff.page.content()

        staff.page.get_by_role("link", name="Begin changes").click()
        staff.page.get_by_role("button", name="Begin changes").click()
        expect(staff.page.get_by_text("has not allowed changes").first).to_be_visible()
        excuse(staff, 422)
        owner.go("/support-access")
        owner.page.get_by_label("Changes are allowed").check()
        owner.page.get_by_role("button", name="Let staff in once").click()
        staff.page.get_by_role("button", name="Begin changes").click()
        expect(staff.page.get_by_role("region", name="Support session")).to_contain_text("changes allowed")

        bridge = demo.credentials["bridge"]["id"]
        staff.go("/bridges/")
        staff.page.locator(f"#track-opens-{bridge}-switch").click()  # a fragment: the banner comes along
        expect(staff.page.get_by_role("region", name="Support session")).to_have_count(1)
        staff.page.locator(f"#track-opens-{bridge}-switch").click()
        staff.page.get_by_role("region", name="Support session").get_by_role("button", name="Stop").click()
        expect(staff.page.get_by_role("button", name="Suspend")).to_be_visible()

        owner.go("/support-access")
        owner.page.get_by_role("link", name="Deferred mail of the shop since Monday").first.click()
        expect(owner.page.get_by_text("GET /messages/export.csv")).to_be_visible()
        expect(owner.page.get_by_text("Changed", exact=True).first).to_be_visible()
        owner.go("/support-access")
        owner.page.get_by_role("button", name="Turn off").click()
        owner.page.get_by_role("dialog").get_by_role("button", name=re.compile("Turn off|Yes|Continue")).click()
        expect(owner.page.get_by_text("Consent is off")).to_be_visible()


def test_pages_of_staff_and_tenants_fit_a_phone(demo: Demo, browser: Any) -> None:
    wide = []
    with person(demo, browser, width=360, height=740, has_touch=True) as staff, person(demo, browser, width=360, height=740, has_touch=True) as tenant:
        sign_in_as_staff(staff)
        tenant.log_in()
        for somebody, path in _places(staff, tenant):
            _visit(somebody, path)
            wide += _overflow(somebody, path)
    assert not wide


def test_axe_finds_nothing_on_them(demo: Demo, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    axe = (node_modules(tmp_path_factory, "axe-core@4") / "axe-core" / "axe.min.js").read_text()
    wrong: list[str] = []
    quiet = {"bypass_csp": True, "reduced_motion": "reduce"}
    with person(demo, browser, **quiet) as staff, person(demo, browser, **quiet) as tenant:
        sign_in_as_staff(staff)
        tenant.log_in()
        for somebody, path in _places(staff, tenant):
            wrong += _judged(somebody, path, axe)
    assert not wrong, "\n".join(wrong)


def _places(staff: Person, tenant: Person) -> list[tuple[Person, str]]:
    """The pages of each, one tenant's among them."""
    staff.go("/staff/")
    one = staff.page.get_by_role("row").filter(has_text="demo").first.get_by_role("link").first.get_attribute("href")
    assert one
    return [*((staff, path) for path in (*STAFF_PAGES, one, f"{one}/support")), *((tenant, path) for path in TENANT_PAGES)]
