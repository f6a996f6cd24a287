"""Which mail a suppression stops: at intake, before the dial, and when it is resent; by stream, by list, by the platform."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask

from tests.fixtures import Cast
from tests.fixtures_post import TAKEN, Post, rows
from webapp.kernel.addresses import canonical, parse_address
from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.errors import ValidationFailed
from webapp.messages.mailing_list import list_key, list_of
from webapp.messages.mime_intake import parse_message
from webapp.messages.service.claim import find_blocked_recipients
from webapp.suppressions import service
from webapp.suppressions.service import platform, suppress
from webapp.suppressions.service.people import Wish
from webapp.suppressions.types import SuppressionReason as Reason
from webapp.suppressions.types import SuppressionScope as Reach
from webapp.tracking.service import unsubscribe
from webapp.tracking.tokens import Who

NEWS = "news.example.net"
#: scope, list, reason, and which of (transactional, bulk, bulk of the list) are stopped.
CASES = [
    (Reach.ALL, "", Reason.HARD_BOUNCE, (True, True, True)),
    (Reach.ALL, "", Reason.COMPLAINT, (True, True, True)),
    (Reach.ALL, "", Reason.UNSUBSCRIBE, (False, True, True)),
    (Reach.BULK, "", Reason.UNSUBSCRIBE, (False, True, True)),
    (Reach.BULK, "", Reason.MANUAL, (False, True, True)),
    (Reach.TRANSACTIONAL, "", Reason.MANUAL, (True, False, False)),
    (Reach.TRANSACTIONAL, "", Reason.UNSUBSCRIBE, (False, False, False)),
    (Reach.LIST, NEWS, Reason.UNSUBSCRIBE, (False, False, True)),
    (Reach.LIST, "other.example.net", Reason.UNSUBSCRIBE, (False, False, False)),
    (Reach.LIST, NEWS, Reason.COMPLAINT, (False, False, True)),
]


@pytest.mark.parametrize(("reach", "of_list", "reason", "stopped"), CASES)
def test_the_judgement_is_the_same_everywhere(cast: Cast, post: Post, reach: Reach, of_list: str, reason: Reason, stopped: tuple[bool, ...]) -> None:
    kinds: list[tuple[str, dict[str, str]]] = [("transactional", {}), ("bulk", {}), ("bulk", {"list_key": NEWS})]
    for n, (stream, more) in enumerate(kinds):  # mail that is on its way already
        post.send("ada@example.net", subject=f"{n}", stream=stream, **more)
    with unscoped("test") as session:
        assert cast.owner.tenant_id is not None
        suppress(session, cast.owner.tenant_id, "ada@example.net", reach, reason, "test", list_key=of_list)
        queued = dict(rows("select m.subject, r.id from recipients r join messages m on m.id = r.message_id"))
        before_the_dial = find_blocked_recipients(raw_of(session), list(queued.values()))
    assert tuple(queued[f"{n}"] in before_the_dial for n in range(3)) == stopped
    for (stream, more), expected in zip(kinds, stopped, strict=True):
        try:
            post.send("Ada@example.NET", stream=stream, **more)
            refused = False
        except ValidationFailed as error:
            refused = reason in error.message
        assert refused is expected, (stream, more)
    with cast.owner.scope() as scope:
        [checked] = service.check(scope, ["ada@example.net"], NEWS)
    assert (checked.transactional is not None, checked.bulk is not None) == (stopped[0], stopped[2])


def test_some_of_several_are_left_out_with_a_row_that_says_why(cast: Cast, post: Post) -> None:
    with cast.owner.scope() as scope:
        service.add(scope, "ada@example.net")
    post.send("ada@example.net", "ben@example.net")
    assert post.states() == {"ada@example.net": "suppressed", "ben@example.net": "queued"}
    assert rows("select state_reason from recipients where state = 'suppressed'") == [("manual",)]


class TestUnsubscribe:
    """What the link in the mail stops."""

    def ask(self, subject: str) -> None:
        [(message, recipient)] = rows("select m.id, r.id from messages m join recipients r on r.message_id = m.id where m.subject = :s", s=subject)
        with unscoped("test") as session:
            assert unsubscribe(session, Who(message, recipient), "one_click")

    def test_of_list_mail_that_list_only(self, post: Post) -> None:
        post.send("ada@example.net", subject="News", stream="bulk", list_key=NEWS)
        post.answer(TAKEN)
        self.ask("News")
        assert rows("select scope, list_key, reason, source from suppressions") == [("list", NEWS, "unsubscribe", "one_click")]
        with pytest.raises(ValidationFailed):
            post.send("ada@example.net", stream="bulk", list_key=NEWS)
        post.send("ada@example.net", stream="bulk", list_key="offers.example.net")
        post.send("ada@example.net")

    def test_of_other_bulk_mail_all_of_it_and_never_transactional(self, post: Post) -> None:
        post.send("ada@example.net", subject="Offer", stream="bulk")
        post.answer(TAKEN)
        self.ask("Offer")
        self.ask("Offer")
        assert rows("select scope, reason from suppressions") == [("bulk", "unsubscribe")]
        for more in ({}, {"list_key": NEWS}):
            with pytest.raises(ValidationFailed):
                post.send("ada@example.net", stream="bulk", **more)
        post.send("ada@example.net")


class TestStreams:
    """A message is bulk when its bridge or the message itself says so."""

    def test_headers_tell(self) -> None:
        assert list_of([("X-Other", "x")]) == (False, None)
        assert list_of([("list-UNSUBSCRIBE", "<https://x.example>")]) == (True, None)
        assert list_of([("List-Id", "Our News <News.Example.net>")]) == (True, NEWS)
        assert [list_key(text) for text in ("news.example.net", "<a b>", "", "x" * 256, "<\x00>")] == [NEWS, None, None, None, None]

    def test_over_the_api(self, cast: Cast, app: Flask, post: Post) -> None:
        api = cast.owner.api(app)
        mail = {"from": "shop@acme.test", "to": "ada@example.net", "text": "Hi", "bridge": str(post.bridge_id)}
        for subject, more in (("a", {}), ("b", {"stream": "bulk"}), ("c", {"headers": {"List-Id": "<News.example.net>"}}), ("d", {"stream": "transactional"})):
            assert api.post("/api/v1/email/send", json={**mail, "subject": subject, **more}).status_code == 202
        found = rows("select subject, stream, list_key from messages order by 1")
        assert found == [("a", "transactional", None), ("b", "bulk", None), ("c", "bulk", NEWS), ("d", "transactional", None)]
        for wrong in ("other", ["bulk"], 3):
            answer = api.post("/api/v1/email/send", json={**mail, "subject": "x", "stream": wrong})
            assert (answer.status_code, answer.get_json()["error"]["param"]) == (422, "stream")

    def test_a_bulk_bridge_sends_nothing_else(self, cast: Cast, app: Flask, post: Post) -> None:
        with unscoped("test") as session:
            raw_of(session).execute("update bridges set stream = 'bulk'")
        mail = {"from": "shop@acme.test", "to": "ada@example.net", "subject": "x", "text": "Hi", "bridge": str(post.bridge_id), "stream": "transactional"}
        assert cast.owner.api(app).post("/api/v1/email/send", json=mail).status_code == 202
        assert rows("select stream from messages") == [("bulk",)]

    def test_a_whole_message_tells_by_its_headers(self) -> None:
        head = b"From: a@acme.test\r\nTo: b@example.net\r\nSubject: x\r\n"
        assert parse_message(head + b"\r\nHi\r\n").mailing_list == (False, None)
        assert parse_message(head + b"List-Id: News\r\n <news.example.net>\r\n\r\nHi\r\n").mailing_list == (True, NEWS)


class TestPlatform:
    """The operator's list stops everybody, and nobody reads it."""

    def test_it_stops_every_tenant_and_stream(self, cast: Cast, post: Post) -> None:
        post.send("trap@example.net")
        [(recipient,)] = rows("select id from recipients")
        with unscoped("test") as session:
            platform.add_platform(session, "Trap@Example.net", "spam trap", "test")
            assert find_blocked_recipients(raw_of(session), [recipient]) == {recipient: "platform"}
        for person in (cast.owner, cast.stranger):
            with person.scope() as scope:
                [checked] = service.check(scope, ["trap@example.net"])
                assert (checked.transactional, checked.bulk) == ("platform", "platform")
        with pytest.raises(ValidationFailed):
            post.send("trap@example.net")

    def test_no_tenant_reads_or_lifts_it(self, cast: Cast, app: Flask) -> None:
        with unscoped("test") as session:
            platform.add_platform(session, "trap@example.net", "a secret note", "test")
        api, browser = cast.owner.api(app), cast.owner.browser(app)
        assert api.get("/api/v1/suppressions").get_json()["data"] == []
        assert api.delete("/api/v1/suppressions/trap@example.net").status_code == 404
        assert "trap@" not in api.get("/api/v1/suppressions/export").get_data(as_text=True)
        for path in ("/suppressions/", "/suppressions/export.csv"):
            assert "trap@" not in browser.get(path).get_data(as_text=True)
        assert "secret" not in browser.get("/suppressions/why?email=trap@example.net").get_data(as_text=True)
        assert browser.get("/suppressions/platform").status_code == 403
        assert browser.post("/suppressions/platform", data={"email": "x@example.net", "note": "mine"}).status_code == 403

    def test_staff_keeps_it(self, cast: Cast, app: Flask) -> None:
        browser = cast.staff.browser(app)
        assert browser.post("/suppressions/platform", data={"email": "trap@example.net", "note": "<b>trap</b>"}).status_code == 303
        assert browser.post("/suppressions/platform", data={"email": "trap", "note": "x"}).status_code == 422
        page = browser.get("/suppressions/platform?q=TRAP").get_data(as_text=True)
        assert "trap@example.net" in page and "<b>trap" not in page
        assert browser.post("/suppressions/platform/remove", data={"email": "trap@example.net"}).status_code == 303
        assert rows("select from platform_suppressions") == []


def test_canonical_forms_agree() -> None:
    for text in ("Ann.O'Brien+Tag@EXAMPLE.net", "jo@BÜCHER.example", "Ünal@example.net", "o@xn--bcher-kva.example"):
        address = parse_address(text)
        assert canonical(address.email) == address.canonical
    assert parse_address("jo@BÜCHER.example").canonical == "jo@xn--bcher-kva.example"


def test_a_list_needs_its_name(cast: Cast) -> None:
    with cast.owner.scope() as scope:
        for wish in (Wish(Reach.LIST), Wish(Reach.ALL, list_key=NEWS)):
            with pytest.raises(ValidationFailed):
                service.add(scope, "ada@example.net", wish=wish)
        assert service.add(scope, "ada@example.net", wish=Wish(Reach.LIST, list_key=NEWS)).list_key == NEWS
        assert service.add(scope, "ada@example.net", wish=Wish(reason=Reason.UNSUBSCRIBE)).scope == Reach.BULK
        assert isinstance(service.add(scope, "ada@example.net").id, UUID)
