"""Second factors, passkeys, invitations and a changed address, in a real browser."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo
from tests.e2e.packages import node_modules
from tests.e2e.test_pages import _AXE, _DRESS
from tests.e2e.watched import Person, person

pytestmark = pytest.mark.timeout(300)
PASSWORD = "a quiet harbour at noon"


@pytest.fixture
def nora(demo: Demo, browser: Any) -> Iterator[Person]:
    """Somebody with an account of her own, signed in."""
    with person(demo, browser) as somebody:
        somebody.go("/login")
        _sign_up(somebody)
        yield somebody


def _sign_up(somebody: Person, email: str = "") -> str:
    page, email = somebody.page, email or f"nora-{secrets.token_hex(4)}@harbour.example"
    page.goto(re.sub(r"(https?://[^/]+).*", r"\1/sign-up", page.url))
    for label, value in (("Your name", "Nora"), ("Organisation", "Harbour"), ("Email", email), ("Password", PASSWORD)):
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Make account").click()
    expect(page.get_by_label("Email")).to_have_value(email)
    _sign_in(page)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    return email


def _sign_in(page: Page, email: str = "") -> None:
    if email:
        page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def _sign_out(page: Page) -> None:
    page.locator('[popovertarget="user-menu"]').click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Postbridge")).to_be_visible()


def _letter(demo: Demo, email: str, subject: str) -> str:
    """The text of the platform's letter to somebody, once it has been written."""
    for _ in range(100):
        if found := _read(demo, email, subject):
            return found
        time.sleep(0.2)
    raise AssertionError(f"no letter {subject!r} to {email}")


def _read(demo: Demo, email: str, subject: str) -> str:
    with psycopg.connect(demo.stack.environment["DATABASE_URL"].replace("+psycopg", "")) as connection:
        connection.execute("select set_config('app.tenant_id', '*', false)")
        row = connection.execute(
            "select c.text from recipients r join messages m on m.id = r.message_id join message_contents c on c.id = m.id "
            "where r.address = %s and m.subject = %s order by m.id desc limit 1", (email, subject)
        ).fetchone()  # fmt: skip
    return str(row[0]) if row else ""


def _link(text: str) -> str:
    found = re.search(r"https?://\S+\?token=\w+", text)
    assert found, text
    return found[0]


def test_an_app_is_set_up_by_keyboard_and_asked_for_and_a_recovery_code_stands_in(nora: Person) -> None:
    page = nora.page
    email = page.evaluate("document.querySelector('#user-menu .muted').textContent")
    nora.go("/settings/security")
    page.get_by_role("link", name="Set up an app").press("Enter")
    page.get_by_text("No camera?").press("Enter")
    secret = page.locator("#totp-key").inner_text().replace(" ", "")
    page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    codes = page.locator("#recovery-codes").inner_text().split()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").press("Enter")
    expect(page.get_by_text("10 of ten left")).to_be_visible()
    _sign_out(page)
    _sign_in(page, email)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.keyboard.type(pyotp.TOTP(secret).at(int(time.time()) + 30))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    _sign_out(page)
    _sign_in(page, email)
    page.get_by_role("textbox", name="Code").fill(codes[3])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    nora.go("/settings/security")
    expect(page.get_by_text("9 of ten left")).to_be_visible()


def test_a_passkey_is_made_and_signs_in_with_and_without_a_password(demo: Demo, browser: Any) -> None:
    """By the name localhost: passkeys know no addresses. The authenticator is Chromium's own virtual one."""
    context = browser.new_context(base_url=demo.credentials["web_url"].replace("127.0.0.1", "localhost"))
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": True}})
    try:
        page.goto("/login")
        email = _sign_up(Person(demo, context, page))
        page.goto("/settings/security/passkeys/new")
        page.locator("#f-name").fill("Laptop")
        page.get_by_role("button", name="Make passkey").click()
        expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
        page.goto("/settings/security")
        expect(page.get_by_role("heading", name="Laptop")).to_be_visible()
        _sign_out(page)
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        _sign_out(page)
        _sign_in(page, email)
        page.get_by_role("button", name="Use your passkey").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        page.goto("/confirm-it-is-you?next=/keys")
        page.get_by_role("button", name="Use your passkey").click()
        expect(page.get_by_role("heading", name="API keys")).to_be_visible()
        page.goto("/settings/security")
        page.get_by_role("button", name="Acts on Laptop").click()
        page.get_by_role("button", name="Remove").click()
        page.locator("dialog#confirm [data-confirm-yes]").click()
        expect(page.get_by_text("Your password is the only lock")).to_be_visible()
    finally:
        context.close()


def test_somebody_is_invited_and_joins(demo: Demo, browser: Any, nora: Person) -> None:
    page, email = nora.page, f"dana-{secrets.token_hex(4)}@harbour.example"
    nora.go("/team")
    page.get_by_role("button", name="Invite").click()
    dialog = page.locator("dialog#invite")
    dialog.get_by_label("Email").fill(email)
    dialog.get_by_label("Role").select_option("developer")
    dialog.get_by_role("button", name="Send invitation").click()
    expect(page.get_by_text(f"An invitation is on its way to {email}")).to_be_visible()
    link = _link(_letter(demo, email, "You are invited to join Harbour"))
    with person(demo, browser) as dana:
        dana.page.goto(link)
        dana.page.get_by_label("Your name").fill("Dana")
        dana.page.get_by_label("Choose a password").fill(PASSWORD)
        dana.page.get_by_role("button", name="Join Harbour").click()
        expect(dana.page.get_by_role("heading", name="Overview")).to_be_visible()
        dana.go("/team")
        expect(dana.page.get_by_text("Nora").first).to_be_visible()


def test_an_address_is_changed_and_taken_back(demo: Demo, nora: Person) -> None:
    page, new = nora.page, f"new-{secrets.token_hex(4)}@harbour.example"
    old = page.evaluate("document.querySelector('#user-menu .muted').textContent")
    nora.go("/settings")
    page.get_by_label("New address").fill(new)
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Mail me a link").click()
    page.goto(_link(_letter(demo, new, "Confirm your new address")))
    page.get_by_role("button", name="Confirm address").click()
    expect(page.get_by_label("Email")).to_have_value(new)
    page.goto(_link(_letter(demo, old, "The address of your account was changed")))
    page.get_by_role("button", name="Take my address back").click()
    expect(page.get_by_label("Email")).to_have_value(old)
    assert "reset-password" in _letter(demo, old, "Choose a new password")


def test_the_pages_are_clean_in_both_themes_and_narrow_enough(demo: Demo, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    axe = (node_modules(tmp_path_factory, "axe-core@4") / "axe-core" / "axe.min.js").read_text()
    wrong = []
    with person(demo, browser, bypass_csp=True, reduced_motion="reduce", width=360, height=740) as somebody:
        somebody.go("/login")
        _sign_up(somebody)
        for path in PAGES:
            somebody.go(path)
            somebody.page.evaluate(axe)
            for theme in ("light", "dark"):
                somebody.page.evaluate(_DRESS, theme)
                wrong += [f"{path} ({theme}) {fault}" for fault in somebody.page.evaluate(_AXE)]
            width = somebody.page.evaluate("document.documentElement.scrollWidth")
            wrong += [f"{path} is {width} wide"] if width > 360 else []
    assert not wrong, "\n".join(wrong)


PAGES = (
    "/settings", "/settings/security", "/settings/security/authenticator", "/settings/security/passkeys/new", "/settings/security/sign-ins",
    "/confirm-it-is-you?next=/keys", "/settings/security/required", "/team", "/undo-email?token=x",
)  # fmt: skip


def test_a_factor_is_set_up_without_javascript(demo: Demo, browser: Any) -> None:
    with person(demo, browser, java_script_enabled=False) as somebody:
        page = somebody.page
        somebody.go("/login")
        email = _sign_up(somebody)
        somebody.go("/settings/security/authenticator")
        page.get_by_text("No camera?").click()
        secret = page.locator("#totp-key").inner_text().replace(" ", "")
        page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(secret).now())
        page.get_by_role("button", name="Turn on").click()
        expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
        somebody.go("/settings")
        _sign_out(page)
        _sign_in(page, email)
        page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(secret).at(int(time.time()) + 30))
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
