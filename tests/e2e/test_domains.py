"""A domain in the browser: added, published, seen by itself, its keys rotated."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from tests.e2e.calls import call
from tests.e2e.conftest import Demo


def _publish(demo: Demo, domain_id: str) -> None:
    """Put what the API asks for into the zone, as its zone file has it."""
    text = call(demo, "GET", f"/api/v1/domains/{domain_id}/records")[1]["data"]["zone_file"]
    for name, kind, value in re.findall(r"^(?:; )?(\S+)\. 3600 IN (\S+) (.+)$", text, re.M):
        demo.zone.zone[name, kind] = [value]


def _go_to_new_domain(owner: Any, name: str) -> str:
    owner.go("/domains/")
    owner.page.get_by_role("button", name="Add domain").first.click()
    dialog = owner.page.get_by_role("dialog")
    dialog.get_by_label("Domain", exact=True).fill(name)
    dialog.get_by_role("button", name="Add domain").click()
    expect(owner.page.get_by_role("heading", name=name, level=1)).to_be_visible()
    return str(owner.page.url.rpartition("/")[2])


def test_a_published_domain_turns_green_by_itself_and_then_stands_still(demo: Demo, owner: Any) -> None:
    domain_id = _go_to_new_domain(owner, "shop.acme.example")
    live = owner.page.locator("#domain-live")
    expect(live).to_contain_text("Not verified yet")
    expect(live).to_have_attribute("hx-trigger", "every 5s")
    owner.mark()
    _publish(demo, domain_id)
    # Somebody else, or the worker a minute later: this window presses nothing.
    assert call(demo, "POST", f"/api/v1/domains/{domain_id}/verify")[1]["data"]["status"] == "verified"
    expect(live).to_contain_text("Live mail may leave from shop.acme.example")
    expect(live.get_by_role("img", name="Score of shop.acme.example: 87 of 100")).to_be_visible()
    expect(live.get_by_text("the operator of this server has no SPF record at its target")).to_be_visible()
    expect(live).not_to_have_attribute("hx-trigger", "every 5s")
    owner.assert_not_reloaded()


def test_keys_are_rotated_on_the_page(demo: Demo, owner: Any) -> None:
    domain_id = _go_to_new_domain(owner, "keys.acme.example")
    _publish(demo, domain_id)
    owner.page.get_by_role("button", name="Verify now").click()
    keys = owner.page.locator("#keys")
    expect(keys.get_by_text("Signs mail")).to_have_count(2)
    keys.get_by_role("button", name="Rotate keys").click()
    owner.page.get_by_role("dialog").get_by_role("button", name="Rotate keys").click()
    expect(keys.get_by_text("Waits for its record")).to_have_count(2)
    _publish(demo, domain_id)
    owner.page.get_by_role("button", name="Verify now").click()
    expect(keys.get_by_text("Replaced, record still needed")).to_have_count(2)
    expect(keys.get_by_text("Signs mail")).to_have_count(2)
