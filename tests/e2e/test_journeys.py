"""What people do with the dashboard, in a real browser."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.calls import call, make_bridge, send
from tests.e2e.conftest import Demo
from tests.e2e.watched import Person, person
from webapp.kernel.clock import now, rfc3339

pytestmark = pytest.mark.timeout(300)


def _make_key(somebody: Person, name: str) -> str:
    """Make a sandbox key by the dialog; the key as the page shows it, this once."""
    page = somebody.page
    somebody.go("/keys")
    page.get_by_role("button", name="New key").first.click()
    dialog = page.locator("dialog#new-key")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Make key").click()
    expect(page.get_by_role("heading", name="Your new key")).to_be_visible()
    found = re.search(r"mp_(test|live)_[0-9A-Za-z]+", page.locator("main").inner_text())
    assert found
    return found[0]


def test_from_sign_up_to_the_first_sandbox_message(demo: Demo, browser: Any) -> None:
    with person(demo, browser) as nora:
        page = nora.page
        nora.go("/sign-up")
        page.get_by_label("Your name").fill("Nora")
        page.get_by_label("Organisation").fill("Harbour")
        email, password = f"nora-{secrets.token_hex(4)}@harbour.example", "a quiet harbour at noon"
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Make account").click()
        # The same page for a known and an unknown address, so one signs in by hand.
        expect(page.get_by_label("Email")).to_have_value(email)
        nora.log_in(email, password)
        expect(page.get_by_text("Get to your first message")).to_be_visible()
        key = _make_key(nora, "first")
        nora.go("/")
        expect(page.get_by_text("Waiting for your first message")).to_be_visible()
        nora.mark()
        mail = {"from": "hello@example.com", "to": "you@example.com", "subject": "My first message", "text": "It works."}
        status, body = call(demo, "POST", "/api/v1/email/send", mail, key)
        assert (status, body["status"]) == (202, "sandboxed")
        expect(page.get_by_text("Your first message has arrived")).to_be_visible()
        nora.assert_not_reloaded()
        nora.go("/messages/sandbox")
        expect(page.get_by_text("My first message").first).to_be_visible()


def test_a_wrong_password_says_so_and_nothing_else(demo: Demo, browser: Any) -> None:
    with person(demo, browser) as somebody:
        somebody.go("/login")
        somebody.page.get_by_label("Email").fill(demo.credentials["email"])
        somebody.page.get_by_label("Password").fill("not the password")
        somebody.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(somebody.page.get_by_text("You are not signed in")).to_be_visible()
        # Chromium itself writes the status of a refused page to the console.
        somebody.faults[:] = [fault for fault in somebody.faults if "status of 4" not in fault]


def test_a_key_is_shown_once(owner: Person) -> None:
    key = _make_key(owner, "shown once")
    owner.go("/keys")
    expect(owner.page.get_by_text("shown once")).to_be_visible()
    assert key not in owner.page.content()


def test_a_toggle_switches_in_place(demo: Demo, owner: Person) -> None:
    bridge = make_bridge(demo, "in place")
    owner.go("/bridges/")
    owner.mark()
    switch = owner.page.locator(f"#track-opens-{bridge['id']}-switch")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    owner.assert_not_reloaded()
    assert call(demo, "GET", f"/api/v1/bridges/{bridge['id']}")[1]["data"]["track_opens"] is True
    switch.press("Space")
    expect(switch).to_have_attribute("aria-checked", "false")
    assert call(demo, "GET", f"/api/v1/bridges/{bridge['id']}")[1]["data"]["track_opens"] is False


def test_a_new_bridge_reveals_credentials_that_work(demo: Demo, owner: Person) -> None:
    page = owner.page
    owner.context.grant_permissions(["clipboard-read", "clipboard-write"])
    owner.go("/bridges/")
    page.get_by_role("link", name="Create bridge").first.click()
    page.get_by_role("textbox", name="Name", exact=True).fill("made by hand")
    page.get_by_role("button", name="Create bridge").click()
    expect(page.get_by_role("heading", name="made by hand", level=1)).to_be_visible()
    page.get_by_role("tab", name="API", exact=True).click()
    page.get_by_role("button", name="Reveal token").click()
    shown = page.locator(".secret.is-open .secret__value")
    expect(shown).to_have_text(re.compile(r"^bm\w+-[\w]+-1$"))
    token = shown.inner_text()
    page.get_by_role("button", name="Copy token").click()
    assert page.evaluate("navigator.clipboard.readText()") == token
    send(demo, "delivered", key=token)
    for language in ("cURL", "PHP", "NodeJS", "Python", "Bash"):
        page.get_by_role("tab", name=language).click()
        expect(page.locator("main")).to_contain_text(token)


def test_the_timeline_moves_without_loading(demo: Demo, owner: Person) -> None:
    owner.go("/messages/")
    message_id = send(demo, "slow", key=demo.credentials["bridge"]["token"])
    owner.go(f"/messages/{message_id}")
    owner.mark()
    live = owner.page.locator("#message-live")
    expect(live.get_by_text("Delivered").first).to_be_visible()
    owner.assert_not_reloaded()


def test_opens_and_clicks_reach_the_timeline_and_the_figures_without_loading(demo: Demo, owner: Person) -> None:
    bridge = make_bridge(demo, "watched", track_opens=True, track_clicks=True)
    owner.go(f"/bridges/{bridge['id']}")
    panel = owner.page.locator("#bridge-figures")
    expect(panel).to_be_visible()
    owner.mark()
    message_id = send(demo, "open+click", key=bridge["credentials"]["api"]["token"])
    for name in ("Sent", "Delivered", "Opened"):
        expect(panel.locator(".stat", has_text=name).first).to_contain_text(re.compile(rf"{name}\D*1"))
    owner.assert_not_reloaded()
    owner.go(f"/messages/{message_id}")
    expect(owner.page.locator("#message-live")).to_contain_text("Opened")


def test_deleting_a_bridge_asks_for_its_name(demo: Demo, owner: Person) -> None:
    bridge = make_bridge(demo, "short lived")
    page = owner.page
    owner.go(f"/bridges/{bridge['id']}")
    page.get_by_role("button", name="Actions", exact=True).click()
    page.get_by_role("button", name="Delete bridge").click()
    dialog = page.locator("dialog#confirm")
    yes = dialog.locator("[data-confirm-yes]")
    expect(yes).to_be_disabled()
    dialog.get_by_label("Type").fill("short lived")
    expect(yes).to_be_enabled()
    yes.click()
    expect(page.get_by_role("heading", name="Bridges", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="short lived")).to_have_count(0)
    assert call(demo, "GET", f"/api/v1/bridges/{bridge['id']}")[0] == 404


def test_the_theme_switches_and_stays(owner: Person) -> None:
    root = owner.page.locator("html")
    button = owner.page.get_by_role("button", name="Change theme")
    seen = []
    for _ in range(3):
        button.click()
        seen.append(root.get_attribute("data-theme-choice"))
    assert seen == ["light", "dark", "auto"]
    button.click()
    button.click()
    owner.go("/bridges/")
    expect(root).to_have_attribute("data-theme", "dark")


def test_scheduled_mail_is_cancelled_by_hand(demo: Demo, owner: Person) -> None:
    message_id = send(demo, "delivered", send_at=str(rfc3339(now() + timedelta(days=1))))
    owner.go(f"/messages/{message_id}")
    owner.page.get_by_role("button", name="Cancel", exact=True).first.click()
    owner.page.locator("dialog#confirm [data-confirm-yes]").click()
    expect(owner.page.locator("#message-live")).to_contain_text("Cancelled")
