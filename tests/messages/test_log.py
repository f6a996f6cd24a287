"""The log: every filter finds what it should and nothing else, whole or page by page, also when a page ends before it is full."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.fixtures import Cast
from tests.messages.conftest import House, shop, to  # noqa: F401  # a fixture
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import tenant_session
from webapp.kernel.errors import InvalidParameter
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import SYSTEM, Scope
from webapp.messages.log import queries
from webapp.messages.log.queries import list_recipients
from webapp.messages.log.types import LogFilter, LogStatus
from webapp.messages.service import forget_facts


@pytest.fixture
def mail(cast: Cast, shop: House) -> House:  # noqa: F811
    """Nine recipients that differ in everything the log can be narrowed by."""
    for number in range(4):
        shop.accept(recipients=to(f"reader{number}@gmail.com"), subject=f"Order 471{number}", tags=("order", f"n{number}"), sender=shop.sender(bridge=True))
    shop.accept(recipients=to("a@firm.example", "b@firm.example", "c@firm.example"), subject="100%_sure", from_address=parse_address(f"news@{shop.domain}"))
    shop.accept(recipients=to("late@slow.example"), subject="Late", tags=("order",))
    shop.accept(recipients=to("gone@nowhere.example"), subject="Gone")
    bounced = "update recipients set state = 'bounced', reply_class = 'hard.user', provider = 'google' where address in "
    shop.change(bounced + "('reader1@gmail.com', 'gone@nowhere.example')")
    shop.change("update recipients set state = 'delivered', sent_at = now(), provider = 'google' where address in ('reader2@gmail.com', 'reader3@gmail.com')")
    shop.change("update recipients set complained_at = now(), first_opened_at = now() where address = 'reader3@gmail.com'")
    shop.change("update recipients set state = 'deferred', reply_class = 'soft.greylist' where address = 'late@slow.example'")
    shop.change("update messages set template_slug = 'welcome' where subject = 'Late'")
    shop.change("delete from queue_entries where recipient_id in (select id from recipients where state in ('bounced', 'delivered'))")
    return shop


def found(house: House, limit: int = 50, oldest_first: bool = False, **wanted: Any) -> list[str]:
    """Addresses of every page, in order."""
    addresses: list[str] = []
    cursor: str | None = None
    with tenant_session(house.tenant_id) as session:
        scope = Scope(session, house.tenant_id, SYSTEM, PermissionSet({"*"}))
        for _ in range(100):
            page = list_recipients(scope, LogFilter(**wanted), limit=limit, cursor=cursor, oldest_first=oldest_first)
            addresses += [row.recipient.address for row in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return addresses
    raise AssertionError("the list has no end")


CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({"status": LogStatus.BOUNCED}, {"reader1@gmail.com", "gone@nowhere.example"}),
    ({"status": LogStatus.DELIVERED}, {"reader2@gmail.com", "reader3@gmail.com"}),
    ({"status": LogStatus.SENT}, {"reader2@gmail.com", "reader3@gmail.com"}),
    ({"status": LogStatus.DEFERRED}, {"late@slow.example"}),
    ({"status": LogStatus.QUEUED}, {"reader0@gmail.com", "a@firm.example", "b@firm.example", "c@firm.example"}),
    ({"status": LogStatus.COMPLAINED}, {"reader3@gmail.com"}),
    ({"status": LogStatus.UNSUBSCRIBED}, set()),
    ({"status": LogStatus.OPENED}, {"reader3@gmail.com"}),
    ({"tag": "order"}, {"reader0@gmail.com", "reader1@gmail.com", "reader2@gmail.com", "reader3@gmail.com", "late@slow.example"}),
    ({"tag": "n2"}, {"reader2@gmail.com"}),
    ({"tag": "order", "status": LogStatus.BOUNCED}, {"reader1@gmail.com"}),
    ({"tag": "order", "template": "welcome"}, {"late@slow.example"}),
    ({"template": "welcome"}, {"late@slow.example"}),
    ({"provider": "google"}, {"reader1@gmail.com", "reader2@gmail.com", "reader3@gmail.com", "gone@nowhere.example"}),
    ({"error_class": "hard.user"}, {"reader1@gmail.com", "gone@nowhere.example"}),
    ({"error_class": "soft.greylist"}, set()),
    ({"recipient": "Reader2@Gmail.com"}, {"reader2@gmail.com"}),
    ({"recipient": "@firm.example"}, {"a@firm.example", "b@firm.example", "c@firm.example"}),
    ({"subject": "order 471"}, {f"reader{n}@gmail.com" for n in range(4)}),
    ({"subject": "%_"}, {"a@firm.example", "b@firm.example", "c@firm.example"}),
    ({"search": "4712"}, {"reader2@gmail.com"}),
    ({"search": "firm.example"}, {"a@firm.example", "b@firm.example", "c@firm.example"}),
    ({"search": "gone@nowhere.example"}, {"gone@nowhere.example"}),
    ({"search": "gone@now"}, {"gone@nowhere.example"}),
    ({"domain": "absent.example"}, set()),
]


@pytest.mark.parametrize(("wanted", "expected"), CASES, ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else "")
def test_a_filter_finds_exactly_its_rows(mail: House, wanted: dict[str, Any], expected: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = found(mail, **wanted)
    assert set(whole) == expected and len(whole) == len(expected)
    assert found(mail, limit=1, **wanted) == whole, "page by page"
    assert found(mail, limit=2, oldest_first=True, **wanted) == whole[::-1], "from the other end"
    for name in ("_WINDOWS", "_WINDOWS_WITH_MESSAGES", "_WINDOWS_BY_MESSAGE"):
        monkeypatch.setattr(queries, name, (1, 2))
    assert found(mail, limit=2, **wanted) == whole, "with pages that end before they are full"


def test_bridge_domain_sender_and_search_by_id(mail: House) -> None:
    assert len(found(mail, bridge_id=mail.bridge_id)) == 4
    assert found(mail, bridge_id=mail.bridge_id, status=LogStatus.BOUNCED) == ["reader1@gmail.com"]
    assert len(found(mail, domain=mail.domain.upper())) == 9
    assert len(found(mail, sender=f"news@{mail.domain}")) == 3
    message = mail.rows("select id, message_id_header from messages where subject = '100%_sure'")[0]
    assert len(found(mail, search=str(message[0]))) == len(found(mail, search=message[1])) == 3


def test_a_page_stays_right_while_mail_comes_and_goes(mail: House) -> None:
    with tenant_session(mail.tenant_id) as session:
        first = list_recipients(Scope(session, mail.tenant_id, SYSTEM, PermissionSet({"*"})), LogFilter(), limit=4)
    rest = found(mail)[4:]
    mail.accept(recipients=to("new@dest.example"))
    mail.change("delete from recipients where id = :id", id=first.items[-1].id)
    with tenant_session(mail.tenant_id) as session:
        scope = Scope(session, mail.tenant_id, SYSTEM, PermissionSet({"*"}))
        second = list_recipients(scope, LogFilter(), limit=50, cursor=first.next_cursor)
        assert [row.recipient.address for row in second.items] == rest
        with pytest.raises(InvalidParameter):
            list_recipients(scope, LogFilter(tag="order"), cursor=first.next_cursor)


def test_updates_of_mail_that_arrives_stay_in_the_page(mail: House) -> None:
    """What the log's indexes stand on must not change with delivery: else each delivery would write to all of them."""
    indexed = mail.rows(
        "select distinct a.attname from pg_index i join pg_class c on c.oid = i.indrelid join pg_attribute a on a.attrelid = c.oid "
        "and a.attnum = any(i.indkey) where c.relname = 'recipients'"
    )
    assert {"state", "provider", "reply_class", "delivered_at", "sent_at"} & {row[0] for row in indexed} == set()
    assert mail.rows("select distinct bad_end, error_class from recipients where state in ('delivered', 'queued', 'deferred')") == [(None, None)]


class TestApi:
    """GET /logs."""

    @pytest.fixture(autouse=True)
    def _fresh(self) -> Any:
        yield
        forget_facts()

    def test_as_the_seed_asks(self, app: Flask, cast: Cast, mail: House) -> None:
        answer = cast.owner.api(app).get("/api/logs?page=1&limit=50&search=gmail.com&status=sent")
        assert [row["recipient"] for row in answer.json["data"]] == ["reader3@gmail.com", "reader2@gmail.com"]  # type: ignore[index]
        row = answer.json["data"][0]  # type: ignore[index]
        assert row["tags"] == ["order", "n3"] and row["provider"] == "google" and row["bridge"] == str(mail.bridge_id)

    def test_pages_by_number_and_by_cursor_agree(self, app: Flask, cast: Cast, mail: House) -> None:
        client = cast.owner.api(app)
        by_number = [row["id"] for page in (1, 2, 3) for row in client.get(f"/api/v1/logs?limit=4&page={page}").json["data"]]  # type: ignore[index]
        by_cursor, cursor = [], ""
        while cursor is not None:
            page = client.get(f"/api/v1/logs?limit=4{cursor and f'&cursor={cursor}'}").json
            by_cursor += [row["id"] for row in page["data"]]  # type: ignore[index]
            cursor = page["pagination"]["next_cursor"]  # type: ignore[index]
        assert by_number == by_cursor and len(by_number) == 9
        assert [row["id"] for row in client.get("/api/v1/logs?sort=created_at").json["data"]] == by_number[::-1]  # type: ignore[index]
        assert client.get("/api/v1/logs?page=200&limit=100").status_code == 422

    def test_one_row_with_etag(self, app: Flask, cast: Cast, mail: House) -> None:
        client = cast.owner.api(app)
        row = client.get("/api/v1/logs?limit=1").json["data"][0]  # type: ignore[index]
        answer = client.get(f"/api/v1/logs/{row['id']}")
        assert answer.json["data"] == row  # type: ignore[index]
        assert client.get(f"/api/v1/logs/{row['id']}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
        assert cast.stranger.api(app).get(f"/api/v1/logs/{row['id']}").status_code == 404

    @pytest.mark.parametrize("query", ["status=joy", "bridge=1", "from=now", "sort=up", "search=a%00b", "limit=0", "page=0", "mode=dead", "tag="])
    def test_a_wrong_filter_names_the_field(self, app: Flask, cast: Cast, query: str) -> None:
        answer = cast.owner.api(app).get(f"/api/v1/logs?{query}")
        assert answer.status_code == 422 and query.partition("=")[0] in answer.text

    def test_modes(self, app: Flask, cast: Cast, mail: House) -> None:
        from webapp.kernel.scope import Mode

        assert cast.owner.api(app).get("/api/v1/logs?mode=sandbox").json["data"] == []  # type: ignore[index]
        sandbox = cast.owner.api(app, Mode.SANDBOX)
        assert sandbox.get("/api/v1/logs").json["data"] == []  # type: ignore[index]
        assert sandbox.get("/api/v1/logs?mode=live").status_code == 403


class TestPages:
    """The log in the dashboard."""

    @pytest.fixture(autouse=True)
    def _fresh(self) -> Any:
        yield
        forget_facts()

    def test_saved_filters_are_each_members_own(self, app: Flask, cast: Cast, mail: House) -> None:
        browser = cast.owner.browser(app)
        made = browser.post("/messages/filters", data={"name": "Bad <b>ones", "query": "state=bounced&evil=1&cursor=x"})
        assert made.status_code == 303 and made.location.endswith("?state=bounced")
        page = browser.get("/messages/?state=bounced").text
        assert "Bad &lt;b&gt;ones" in page and 'aria-current="true"' in page
        assert "Bad" not in cast.teammate.browser(app).get("/messages/").text
        forget = re.search(r"/messages/filters/[0-9a-f-]+/delete", page)
        assert forget is not None
        assert cast.teammate.browser(app).post(forget[0]).status_code == 404
        assert browser.post(forget[0]).status_code == 303
        assert "Bad" not in browser.get("/messages/").text

    def test_csv_holds_what_the_filter_finds_and_no_formula(self, app: Flask, cast: Cast, mail: House) -> None:
        mail.change("update messages set subject = '=1+1' where subject = 'Gone'")
        text = cast.owner.browser(app).get("/messages/export.csv?state=bounced").text
        lines = text.strip().splitlines()
        assert len(lines) == 3 and "'=1+1" in text and "reader1@gmail.com" in text

    def test_a_short_page_says_how_far_it_looked(self, app: Flask, cast: Cast, mail: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(queries, "_WINDOWS_WITH_MESSAGES", (1, 2))
        page = cast.owner.browser(app).get("/messages/?subject=order").text
        further = re.search(r'href="([^"]*cursor=[^"]*)"', page)
        assert "Looked back to" in page and "Look further" in page and further is not None
        assert "Messages" in cast.owner.browser(app).get(html.unescape(further[1])).text


def test_houses_are_apart(make_house: Callable[..., House]) -> None:
    ours, theirs = make_house("acme"), make_house("other")
    ours.accept(tags=("shared",))
    assert found(ours, tag="shared") and not found(theirs, tag="shared") and not found(theirs, search="anna@dest.example")
