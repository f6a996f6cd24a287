"""What people do with the list: files in and out, why, taking off, and the alarm that too much of that rings."""

from __future__ import annotations

import io
import threading

import pytest
from flask import Flask

from tests.fixtures import Cast
from tests.fixtures_post import GONE, Post, rows
from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.errors import Forbidden, PayloadTooLarge, ValidationFailed
from webapp.kernel.permissions import PRESETS
from webapp.settings import get_settings
from webapp.suppressions import queries, service, why
from webapp.suppressions.models import SuppressionImport
from webapp.suppressions.service import importing, platform
from webapp.suppressions.service.importing import Mapping, import_file
from webapp.suppressions.service.people import Wish
from webapp.suppressions.types import SuppressionReason as Reason
from webapp.suppressions.types import SuppressionScope as Reach


def bring(cast: Cast, text: str, mapping: Mapping | None = None) -> SuppressionImport:
    with cast.owner.scope() as scope:
        return import_file(scope, io.StringIO(text, newline=""), "list.csv", mapping or Mapping())


def listed() -> dict[str, tuple[str, str]]:
    return {row[0]: (row[1], row[2]) for row in rows("select address, reason, scope from suppressions order by address, scope")}


class TestImport:
    """Files of other systems, and of people."""

    @pytest.mark.parametrize(("text", "expected"), [
        ("email\nAda@Example.net\n", {"ada@example.net": ("manual", "all")}),
        ("ada@example.net\r\nben@example.net", {"ada@example.net": ("manual", "all"), "ben@example.net": ("manual", "all")}),
        (
            "\ufeffEmailAddress;Reason\nada@example.net;HardBounce\nben@example.net;SpamComplaint\n",
            {"ada@example.net": ("hard_bounce", "all"), "ben@example.net": ("complaint", "all")},
        ),
        ("created,status,e-mail\n1,unsubscribed,ada@example.net\n", {"ada@example.net": ("unsubscribe", "bulk")}),
        ("reason\temail\nBOUNCE\tada@example.net\n", {"ada@example.net": ("hard_bounce", "all")}),
        ("name,address\n\"Doe, Jo\nsecond line\",ada@example.net\n", {"ada@example.net": ("manual", "all")}),
        ("email\n'=cmd@example.net\n\n   \n", {"=cmd@example.net": ("manual", "all")}),
        ("email\njo@BÜCHER.example\n", {"jo@xn--bcher-kva.example": ("manual", "all")}),
    ])  # fmt: skip
    def test_many_kinds_of_file(self, cast: Cast, text: str, expected: dict[str, tuple[str, str]]) -> None:
        found = bring(cast, text)
        assert listed() == expected
        assert (found.added, found.refused, found.rows) == (len(expected), 0, len(expected))
        again = bring(cast, text)
        assert (again.added, again.unchanged) == (0, len(expected))

    def test_bad_rows_are_reported_and_the_rest_is_taken(self, cast: Cast) -> None:
        found = bring(cast, "email,reason\nada@example.net,x\nnobody,x\n,empty\nben@exa mple,x\ncay@example.net,x\n")
        assert (found.rows, found.added, found.refused) == (5, 2, 3)
        assert [(line, text) for line, text, _ in found.problems] == [(3, "nobody"), (4, ",empty"), (5, "ben@exa mple")]

    def test_columns_can_be_named(self, cast: Cast) -> None:
        text = "id,who,kind\n1,ada@example.net,abuse report\n"
        assert bring(cast, text, Mapping("Who", "Kind", Wish(Reach.BULK))).added == 1
        assert listed() == {"ada@example.net": ("complaint", "bulk")}
        for mapping, param in ((Mapping("nope"), "email_column"), (Mapping("who", "nope"), "reason_column")):
            with pytest.raises(ValidationFailed) as raised:
                bring(cast, text, mapping)
            assert raised.value.param == param

    @pytest.mark.parametrize("text", ["", "a,b,c\n1,2,3\n", "\x00\x01\x02", "x" * 50_000, ",".join("c" * 300)])
    def test_what_is_no_such_file_is_refused_with_a_word(self, cast: Cast, text: str) -> None:
        with pytest.raises(ValidationFailed) as raised:
            bring(cast, text)
        assert raised.value.param in ("file", "email_column")
        assert rows("select from suppression_imports") == []

    def test_it_has_an_end(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importing, "MOST_ROWS", 10)
        with pytest.raises(PayloadTooLarge):
            bring(cast, "\n".join(f"u{n}@example.net" for n in range(11)))

    def test_twenty_thousand_rows_and_hostile_ones(self, cast: Cast) -> None:
        lines = [f"u{n}@example.net" for n in range(20_000)] + ["' or 1=1 --", "<script>@x", "a" * 300 + "@example.net", "\x00@\x00"]
        found = bring(cast, "email\n" + "\n".join(lines))
        assert (found.added, found.refused) == (20_000, 4)

    def test_over_the_api(self, cast: Cast, app: Flask) -> None:
        api = cast.owner.api(app)
        answer = api.post("/api/v1/suppressions/import?reason=complaint", data="ada@example.net\nnobody\n", content_type="text/csv")
        found = answer.get_json()["data"]
        assert (answer.status_code, found["added"], found["refused"], found["problems"][0][0]) == (201, 1, 1, 2)
        assert listed() == {"ada@example.net": ("complaint", "all")}
        assert api.get(f"/api/v1/suppressions/imports/{found['id']}").get_json()["data"]["rows"] == 2
        assert api.post("/api/v1/suppressions/import", data="a,b\n1,2\n", content_type="text/csv").get_json()["error"]["param"] == "email_column"
        assert api.post("/api/v1/suppressions/import?scope=list", data="a@x.net\n").get_json()["error"]["param"] == "list"

    def test_on_the_page(self, cast: Cast, app: Flask) -> None:
        browser = cast.owner.browser(app)
        sent = {"file": (io.BytesIO(b"email\nada@example.net\n<img src=x>@\n"), "<b>list.csv"), "scope": "all", "reason": "manual"}
        answer = browser.post("/suppressions/import", data=sent, content_type="multipart/form-data")
        assert answer.status_code == 303
        page = browser.get(answer.location).get_data(as_text=True)
        assert "&lt;img" in page and "<img src=x" not in page and "<b>list" not in page
        assert "'" not in browser.get(f"{answer.location}/problems.csv").get_data(as_text=True).splitlines()[0]
        assert browser.post("/suppressions/import", data={"scope": "all"}).status_code == 422
        assert browser.get("/suppressions/import").status_code == 200
        assert cast.teammate.browser(app).get("/suppressions/import").status_code == 403

    def test_what_was_exported_can_be_imported_elsewhere(self, cast: Cast, app: Flask) -> None:
        bring(cast, "email,reason\nada@example.net,bounce\n=1@example.net,spam\ncay@example.net,unsubscribed\n")
        export = cast.owner.api(app).get("/api/v1/suppressions/export").get_data(as_text=True)
        with cast.stranger.scope() as scope:
            assert import_file(scope, io.StringIO(export), "x.csv", Mapping()).added == 3
        of_tenant = "select address, reason, scope from suppressions where tenant_id = :t order by 1"
        assert rows(of_tenant, t=cast.owner.tenant_id) == rows(of_tenant, t=cast.stranger.tenant_id)


class TestWhy:
    """The page that answers the support mail."""

    def test_it_tells_event_message_and_reply(self, cast: Cast, app: Flask, post: Post) -> None:
        message = post.send("ada@example.net")
        post.answer(GONE)
        with cast.owner.scope() as scope:
            story = why.tell(scope, "ADA@example.net")
        assert [(f.label, f.reason) for f in story.fates] == [("Transactional", "hard_bounce"), ("Bulk", "hard_bounce")]
        page = cast.owner.browser(app).get("/suppressions/why?email=ADA@example.net").get_data(as_text=True)
        assert "550 5.1.1 no such user" in page and str(message) in page and "one more try" in page
        answer = cast.owner.api(app).get("/api/v1/suppressions/ada@example.net").get_json()["data"]
        assert (answer["transactional"], answer["suppressions"][0]["detail"]) == ("hard_bounce", "550 5.1.1 no such user")
        assert answer["suppressions"][0]["message_id"] == str(message)

    def test_of_an_address_that_is_free_and_of_rubbish(self, cast: Cast, app: Flask) -> None:
        browser = cast.owner.browser(app)
        assert "Nothing stops mail" in browser.get("/suppressions/why?email=ada@example.net").get_data(as_text=True)
        assert browser.get("/suppressions/why?email=<script>").status_code == 200
        assert cast.owner.api(app).get("/api/v1/suppressions/ada@example.net").status_code == 404

    def test_the_stranger_reads_nothing_of_it(self, cast: Cast, app: Flask, post: Post) -> None:
        post.send("ada@example.net")
        post.answer(GONE)
        assert "no such user" not in cast.stranger.browser(app).get("/suppressions/why?email=ada@example.net").get_data(as_text=True)


class TestRemoval:
    """Taking off is audited, and too much of it seen by staff."""

    def test_it_leaves_who_and_why(self, cast: Cast, app: Flask, post: Post) -> None:
        post.send("ada@example.net")
        post.answer(GONE)
        browser = cast.owner.browser(app)
        assert browser.post("/suppressions/lift", data={"email": "ada@example.net"}).status_code == 422
        assert post.suppressed() != {}
        assert browser.post("/suppressions/lift", data={"email": "ada@example.net", "note": "asked by phone"}).status_code == 303
        assert rows("select reason, note, via, removed_by from suppression_removals") == [("hard_bounce", "asked by phone", "person", cast.owner.name)]
        [(changes,)] = rows("select changes from activity_entries where action = 'suppression.lifted'")
        assert changes == {"all": "hard_bounce", "note": "asked by phone"}
        assert "asked by phone" in browser.get("/suppressions/why?email=ada@example.net").get_data(as_text=True)

    def test_over_the_api_one_scope_or_all(self, cast: Cast, app: Flask) -> None:
        api = cast.owner.api(app)
        for scope in ("all", "bulk"):
            api.post("/api/v1/suppressions", json={"email": "ada@example.net", "scope": scope})
        assert api.delete("/api/v1/suppressions/ada@example.net?scope=bulk&reason=asked").status_code == 200
        assert listed() == {"ada@example.net": ("manual", "all")}
        assert api.delete("/api/v1/suppressions/ada@example.net").status_code == 200
        assert api.delete("/api/v1/suppressions/ada@example.net").status_code == 404

    def test_several_at_once_and_again(self, cast: Cast, app: Flask) -> None:
        api, emails = cast.owner.api(app), ["a@x.net", "b@x.net"]
        api.post("/api/v1/suppressions/batch", json={"emails": emails})
        body = {"emails": [*emails, "c@x.net"], "reason": "asked by phone"}
        assert [api.post("/api/v1/suppressions/batch/remove", json=body).get_json()["data"] for _ in range(2)] == [{"removed": 2}, {"removed": 0}]
        assert api.post("/api/v1/suppressions/batch/remove", json={"emails": emails}).get_json()["error"]["param"] == "reason"
        assert api.post("/api/v1/suppressions/check", json={"emails": ["A@x.net"]}).get_json()["data"]["results"] == [
            {"email": "a@x.net", "transactional": None, "bulk": None}
        ]

    def test_a_sandbox_viewer_and_the_stranger_take_nothing_off(self, cast: Cast) -> None:
        with cast.owner.scope() as scope:
            service.add(scope, "a@x.net")
        with cast.owner.scope(permissions=PRESETS["viewer"]) as scope, pytest.raises(Forbidden):
            service.lift_many(scope, ["a@x.net"], "mine")
        with cast.stranger.scope() as scope:
            assert service.lift_many(scope, ["a@x.net"], "mine") == 0
        assert rows("select from suppression_alarms") == []


class TestAlarm:
    """List-washing: more than twenty addresses within an hour."""

    def free(self, cast: Cast, first: int, number: int) -> None:
        with cast.owner.scope() as scope:
            emails = [f"u{n}@x.net" for n in range(first, first + number)]
            service.add_many(scope, emails)
            service.lift_many(scope, emails, "they asked")

    def test_twenty_are_fine_and_the_next_rings_once(self, cast: Cast, app: Flask) -> None:
        limit = get_settings().suppression_removals_per_hour
        self.free(cast, 0, limit)
        assert rows("select from suppression_alarms") == []
        self.free(cast, 100, 1)
        self.free(cast, 200, 4)
        assert rows("select removals from suppression_alarms") == [(limit + 5,)]
        assert rows("select count(*) from activity_entries where action = 'suppression.alarm'") == [(1,)]
        page = cast.staff.browser(app).get("/suppressions/platform").get_data(as_text=True)
        assert "Acme" in page or "acme" in page
        assert b"esp_suppression_alarms_open 1.0" in app.test_client().get("/metrics").data

    def test_older_removals_do_not_count(self, cast: Cast) -> None:
        self.free(cast, 0, 15)
        with unscoped("test") as session:
            raw_of(session).execute("update suppression_removals set id = uuidv7(interval '-61 minutes')")
        self.free(cast, 100, 15)
        assert rows("select from suppression_alarms") == []

    def test_two_requests_at_once_do_not_slip_through(self, cast: Cast) -> None:
        with cast.owner.scope() as scope:
            service.add_many(scope, [f"u{n}@x.net" for n in range(24)])

        def take(first: int) -> None:
            with cast.owner.scope() as scope:
                service.lift_many(scope, [f"u{n}@x.net" for n in range(first, first + 12)], "they asked")

        threads = [threading.Thread(target=take, args=(first,)) for first in (0, 12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert rows("select removals from suppression_alarms") == [(24,)]

    def test_staff_settles_it_and_the_next_burst_rings_anew(self, cast: Cast, app: Flask) -> None:
        self.free(cast, 0, 30)
        [(alarm,)] = rows("select id from suppression_alarms")
        assert cast.owner.browser(app).post(f"/suppressions/platform/alarms/{alarm}").status_code == 403
        assert cast.staff.browser(app).post(f"/suppressions/platform/alarms/{alarm}").status_code == 303
        with unscoped("test") as session:
            assert platform.list_alarms(session) == []
            assert [a.settled_by for a in platform.list_alarms(session, open_only=False)] == [cast.staff.name]
        self.free(cast, 100, 1)
        assert rows("select count(*) from suppression_alarms") == [(2,)]


def test_the_list_is_filtered(cast: Cast, app: Flask) -> None:
    with cast.owner.scope() as scope:
        service.add(scope, "ada@x.net")
        service.add(scope, "ben@x.net", wish=Wish(Reach.BULK, Reason.COMPLAINT, note="told us"))
        service.add(scope, "cay@x.net", wish=Wish(Reach.LIST, list_key="news.example.net", expires_at=None))
    api = cast.owner.api(app)
    for query, expected in (
        ("search=A@", ["ada@x.net"]), ("reason=complaint", ["ben@x.net"]), ("scope=list", ["cay@x.net"]), ("list=news.example.net", ["cay@x.net"]),
        ("source=api", []), ("source=dashboard", ["cay@x.net", "ben@x.net", "ada@x.net"]), ("search=%25", []), ("search=_", []),
    ):  # fmt: skip
        assert [row["email"] for row in api.get(f"/api/v1/suppressions?{query}").get_json()["data"]] == expected, query
    browser = cast.owner.browser(app)
    assert "ben@x.net" not in browser.get("/suppressions/?scope=all&source=dashboard").get_data(as_text=True)
    assert browser.get("/suppressions/?scope=nonsense&reason=x&cursor=").status_code == 200
    with cast.owner.scope() as scope:
        assert queries.list_sources(scope.session) == ["dashboard"]
        assert [row.address for row in queries.list_removals(scope.session)] == []


def test_an_end_can_be_given(cast: Cast, app: Flask) -> None:
    api = cast.owner.api(app)
    assert api.post("/api/v1/suppressions", json={"email": "a@x.net", "expires_at": "2099-01-01T00:00:00Z"}).get_json()["data"]["expires_at"].startswith("2099")
    assert api.post("/api/v1/suppressions", json={"email": "a@x.net", "expires_at": "soon"}).get_json()["error"]["param"] == "expires_at"
    assert api.post("/api/v1/suppressions", json={"email": "a@x.net", "scope": "platform"}).status_code == 422
    assert api.post("/api/v1/suppressions", json={"email": "a@x.net", "reason": "platform"}).status_code == 422
