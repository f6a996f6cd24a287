"""The page that checks addresses, in a browser."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.conftest import Demo
from tests.e2e.watched import Person


def test_pasted_addresses_are_judged_without_a_reload(demo: Demo, owner: Person) -> None:
    demo.zone.zone["page.example", "MX"] = ["10 mx.page.example."]
    owner.go("/suppressions/")
    owner.page.get_by_role("link", name="Check addresses").first.click()
    owner.mark()
    owner.page.get_by_label("Addresses").fill("jo@page.example\njo@hotmial.com\nnobody\ninfo@page.example")
    owner.page.get_by_role("button", name="Check", exact=True).click()
    results = owner.page.get_by_role("table", name="Results")
    expect(results.get_by_role("row")).to_have_count(5)
    expect(results).to_contain_text("jo@hotmail.com")
    expect(results).to_contain_text("mx.page.example")
    owner.assert_not_reloaded()
