"""Fragments that keep themselves fresh: rendered when something changed, 204 when the page shows it already."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import Browser, Cast
from tests.messages.conftest import House, shop  # noqa: F401  # a fixture
from webapp.kernel.db import unscoped
from webapp.messages.log.types import LogRow
from webapp.messages.service import forget_facts
from webapp.stats.figures import total
from webapp.stats.periods import last_days
from webapp.stats.queries import get_figures, series

_POLL = re.compile(r'hx-get="([^"]*\bseen=[^"]*)"')


@pytest.fixture(autouse=True)
def _nothing_is_lit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A row that came within the last seconds is lit up, and its going out is a change; here only the change under test is one."""
    monkeypatch.setattr(LogRow, "is_new", False)
    yield
    forget_facts()


def polls_of(page: str) -> list[str]:
    return [html.unescape(address) for address in _POLL.findall(page)]


@pytest.mark.parametrize("path", ["/", "/messages/", "/messages/?state=queued", "/bridges/{bridge}/figures", "/messages/?bridge={bridge}&brief=1"])
def test_a_page_is_told_of_a_change_once(app: Flask, cast: Cast, shop: House, path: str) -> None:  # noqa: F811
    browser, address = cast.owner.browser(app), path.format(bridge=shop.bridge_id)
    shop.accept(sender=shop.sender(bridge=True))
    (poll,) = polls_of(browser.get(address).text)
    assert ask(browser, poll) == (204, "")
    shop.accept(sender=shop.sender(bridge=True))
    status, fragment = ask(browser, poll)
    assert status == 200 and fragment.lstrip().startswith("<div")
    (again,) = polls_of(fragment)
    assert again != poll and ask(browser, again) == (204, "")
    assert ask(browser, poll)[0] == 200, "another window that still shows the old state"


def test_a_recipient_that_moves_on_is_a_change(app: Flask, cast: Cast, shop: House) -> None:  # noqa: F811
    shop.accept()
    browser = cast.owner.browser(app)
    (poll,) = polls_of(browser.get("/messages/").text)
    shop.change("update recipients set state = 'delivered' where tenant_id = :tenant")
    status, fragment = ask(browser, poll)
    assert status == 200 and "Delivered" in fragment


def test_a_mark_is_nothing_to_a_whole_page_or_a_stranger(app: Flask, cast: Cast, shop: House) -> None:  # noqa: F811
    shop.accept()
    (poll,) = polls_of(cast.owner.browser(app).get("/messages/").text)
    assert cast.owner.browser(app).get(poll).status_code == 200, "a person who opens the address sees the page"
    status, fragment = ask(cast.stranger.browser(app), poll)
    assert status == 200 and "anna@dest.example" not in fragment


@pytest.mark.parametrize("days", [7, 30, 90])
def test_the_sum_of_the_days_is_the_figure_of_the_period(cast: Cast, shop: House, days: int) -> None:  # noqa: F811
    shop.accept()
    with unscoped("test") as rows:
        day = "date_trunc('day', now(), 'UTC') - make_interval(days => d)"
        insert = f"insert into stats_deltas (tenant_id, hour, mode, delivered) select :t, {day}, 'live', 1 + d from generate_series(0, 120) d"
        rows.execute(sa.text(insert), {"t": shop.tenant_id})
    with cast.owner.scope() as scope:
        points = series(scope, last_days(days, ZoneInfo("UTC")))
        assert total(points) == get_figures(scope, since=points[0].at)
        assert points[-1].figures == get_figures(scope, since=points[-1].at)
        assert total(points).delivered == days * (days + 1) // 2


def ask(browser: Browser, address: str) -> tuple[int, Any]:
    answer = browser.get(address, htmx=True)
    return answer.status_code, answer.text
