"""Search from anywhere: by id, address, subject and name; what a role may not open is not found; strangers find nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.fixtures import Cast
from tests.messages.conftest import House, shop  # noqa: F401  # a fixture
from webapp.kernel.permissions import PermissionSet
from webapp.messages.service import forget_facts
from webapp.search.queries import search


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    forget_facts()


def found(cast: Cast, words: str, permissions: PermissionSet | None = None) -> dict[str, list[str]]:
    with cast.owner.scope(permissions=permissions) as scope:
        return {group.label: [hit.title for hit in group.hits] for group in search(scope, words)}


def test_each_kind_by_what_it_is_called(cast: Cast, shop: House) -> None:  # noqa: F811
    accepted = shop.accept(subject="Order 4711")
    shop.change("update bridges set name = 'Order service' where tenant_id = :tenant")
    assert found(cast, "order") == {"Bridges": ["Order service"], "Messages": ["Order 4711"]}
    assert found(cast, str(accepted.id)) == {"Messages": ["Order 4711"]}
    assert found(cast, accepted.message_id) == {"Messages": ["Order 4711"]}
    assert found(cast, "anna@dest.example") == {"Messages": ["Order 4711"]}
    assert found(cast, str(shop.bridge_id)) == {"Bridges": ["Order service"]}
    assert shop.domain in found(cast, shop.domain)["Domains"]
    assert found(cast, "") == found(cast, "nothing of the kind") == found(cast, "%") == {}


def test_a_role_finds_only_what_it_may_open(cast: Cast, shop: House) -> None:  # noqa: F811
    shop.accept(subject="Order 4711")
    assert found(cast, "order", PermissionSet({"bridge.read"})) == {}
    assert found(cast, "order", PermissionSet({"logs.read"})) == {"Messages": ["Order 4711"]}


def test_page_fragment_and_strangers(app: Flask, cast: Cast, shop: House) -> None:  # noqa: F811
    shop.accept(subject="<script>Order</script>")
    page = cast.owner.browser(app).get("/search/?q=order").text
    assert "&lt;script&gt;Order" in page and "<html" in page
    fragment = cast.owner.browser(app).get("/search/results?q=order", htmx=True).text
    assert "&lt;script&gt;Order" in fragment and "<html" not in fragment
    assert "&lt;script&gt;Order" not in cast.stranger.browser(app).get("/search/?q=order").text
    assert cast.owner.browser(app).get("/search/?q=%00%ff" + "x" * 500).status_code == 200
