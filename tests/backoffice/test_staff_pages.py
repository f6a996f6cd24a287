"""The staff console: every page answers, and only to staff."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.fixtures import Cast

PAGES = (
    "/staff/", "/staff/tenants.csv", "/staff/requests", "/staff/plans", "/staff/platform", "/staff/shared", "/staff/people", "/staff/activity",
    "/staff/activity.csv", "/staff/tenants/{tenant}", "/staff/tenants/{tenant}/support",
)  # fmt: skip


def test_staff_sees_every_page(app: Flask, cast: Cast) -> None:
    browser = cast.staff.browser(app)
    for page in PAGES:
        answer = browser.get(page.format(tenant=cast.owner.tenant_id))
        assert answer.status_code == 200, (page, answer.get_data(as_text=True)[:500])


@pytest.mark.parametrize("who", ["owner", "teammate"])
def test_nobody_else_sees_any(app: Flask, cast: Cast, who: str) -> None:
    browser = getattr(cast, who).browser(app)
    for page in PAGES:
        assert browser.get(page.format(tenant=cast.owner.tenant_id)).status_code == 403, page


def test_tenants_see_theirs(app: Flask, cast: Cast) -> None:
    for who in (cast.owner, cast.teammate):
        for page in ("/production", "/usage", "/support-access", "/support-access/export.csv"):
            answer = who.browser(app).get(page)
            assert answer.status_code == 200, (page, answer.get_data(as_text=True)[:500])
