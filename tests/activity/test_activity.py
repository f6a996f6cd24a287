"""The activity log: complete, filtered, append-only, without secrets, and only one's own."""

from __future__ import annotations

import csv
import io

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DatabaseError

from tests.fixtures import Cast
from webapp.activity.models import ActivityEntry
from webapp.activity.queries import ActivityFilter, list_entries
from webapp.activity.service import record
from webapp.kernel.ids import uuid7

ACTIVITY = "/api/v1/activity"


def test_an_entry_says_who_did_what_to_which_object(cast: Cast, app: Flask) -> None:
    object_id = uuid7()
    with cast.owner.scope() as scope:
        record(scope, "bridge.renamed", "bridge", object_id, "Shop", {"name": ["Old", "Shop"]})
    [entry] = cast.owner.api(app).get(f"{ACTIVITY}?object_id={object_id}").json["data"]
    assert entry["actor"] == {"kind": "member", "id": str(cast.owner.user_id), "name": "Olivia Owner", "on_behalf_of": None}
    assert entry["object"] == {"kind": "bridge", "id": str(object_id), "name": "Shop"}
    assert (entry["action"], entry["changes"]) == ("bridge.renamed", {"name": ["Old", "Shop"]})
    assert entry["created_at"].endswith("Z")


@pytest.mark.parametrize("name", ["password", "smtp_password", "api_token", "key_hash", "client_secret", "private_key"])
def test_secrets_are_not_written_whoever_passes_them(cast: Cast, name: str) -> None:
    with cast.owner.scope() as scope:
        record(scope, "thing.changed", "thing", None, None, {name: "hunter2"})
        [entry] = list_entries(scope, ActivityFilter(object_kind="thing")).items
        assert entry.changes == {name: "(changed)"}


def test_nobody_changes_or_deletes_an_entry(cast: Cast) -> None:
    for statement in ("update activity_entries set action = 'x'", "delete from activity_entries"):
        with pytest.raises(DatabaseError, match="append-only"), cast.owner.scope() as scope:
            scope.session.execute(sa.text(statement))


def test_what_is_rolled_back_was_not_done(cast: Cast) -> None:
    def fail() -> None:
        with cast.owner.scope() as scope:
            record(scope, "thing.made", "thing", None)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with cast.owner.scope() as scope:
        assert list_entries(scope, ActivityFilter(object_kind="thing")).items == []


def test_a_stranger_reads_nothing_of_ours(cast: Cast, app: Flask) -> None:
    object_id = uuid7()
    with cast.owner.scope() as scope:
        record(scope, "thing.made", "thing", object_id, "our secret plan")
    for path in (ACTIVITY, f"{ACTIVITY}?object_id={object_id}", f"{ACTIVITY}?search=plan"):
        assert "secret plan" not in cast.stranger.api(app).get(path).text
    browser = cast.stranger.browser(app)
    for path in ("/activity/", f"/activity/panel?object_id={object_id}", "/activity/export.csv"):
        answer = browser.get(path)
        assert answer.status_code == 200 and "secret plan" not in answer.text


def test_filters_narrow_and_unreadable_ones_are_named_by_the_api_only(cast: Cast, app: Flask) -> None:
    with cast.owner.scope() as scope:
        record(scope, "thing.made", "thing", None, "A % sign")
        record(scope, "thing.lost", "thing", None, "plain")
        record(scope, "thinking.made", "other", None, "plain")
    client = cast.owner.api(app)

    def actions(query: str) -> set[str]:
        return {entry["action"] for entry in client.get(f"{ACTIVITY}?{query}").json["data"]}

    assert actions("action=thing") == {"thing.made", "thing.lost"}
    assert actions("action=thing.made") == {"thing.made"}
    assert actions("search=%25") == {"thing.made"}
    assert actions("object_kind=other") == {"thinking.made"}
    assert actions("since=2999-01-01T00:00:00Z") == set()
    for query, param in (("since=yesterday", "since"), ("object_id=1", "object_id"), ("actor_kind=cat", "actor_kind"), ("search=a%00b", "search")):
        refused = client.get(f"{ACTIVITY}?{query}")
        assert (refused.status_code, refused.json["error"]["param"]) == (422, param)
        assert cast.owner.browser(app).get(f"/activity/?{query}").status_code == 200


def test_formulas_in_names_do_not_run_in_a_spreadsheet(cast: Cast, app: Flask) -> None:
    with cast.owner.scope() as scope:
        record(scope, "thing.made", "thing", None, '=HYPERLINK("http://evil.test","x")')
        record(scope, "thing.made", "thing", None, " @SUM(1)")
    answer = cast.teammate.browser(app).get("/activity/export.csv?object_kind=thing")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="activity.csv"'
    names = [row["object"] for row in csv.DictReader(io.StringIO(answer.text))]
    assert names == ["' @SUM(1)", '\'=HYPERLINK("http://evil.test","x")']


def test_htmx_gets_the_table_alone(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    fragment = browser.get("/activity/?q=tenant", headers={"HX-Request": "true"}).text
    assert "<html" not in fragment and 'id="activity"' in fragment


def test_entries_are_stamped_with_the_tenant_of_the_scope(cast: Cast) -> None:
    with cast.owner.scope() as scope:
        record(scope, "thing.made", "thing", None)
        scope.session.flush()
        assert scope.session.scalars(sa.select(ActivityEntry.tenant_id).distinct()).all() == [cast.owner.tenant_id]


def test_one_finds_what_a_person_or_a_key_did_and_takes_it_along(cast: Cast, app: Flask) -> None:
    client = cast.owner.api(app)
    made = client.post("/api/v1/pools", json={"name": "by key"})
    key_id = client.get("/api/v1/keys/current").json["data"]["id"]
    with cast.owner.scope() as scope:
        record(scope, "thing.made", "thing", None, "by hand")
    [by_key] = client.get(f"{ACTIVITY}?actor_id={key_id}&object_kind=pool&action=pool.created").json["data"]
    assert by_key["object"]["name"] == "by key" and by_key["request_id"] == made.headers["X-Request-Id"]
    assert [entry["action"] for entry in client.get(f"{ACTIVITY}?request_id={by_key['request_id']}&action=pool.created").json["data"]] == ["pool.created"]
    browser = cast.owner.browser(app)
    taken = browser.get(f"/activity/export.json?actor_id={cast.owner.user_id}&object_kind=thing")
    assert taken.headers["Content-Disposition"] == 'attachment; filename="activity.json"'
    assert [entry["object"]["name"] for entry in taken.json] == ["by hand"]
    assert "by hand" not in cast.stranger.browser(app).get("/activity/export.json").text
