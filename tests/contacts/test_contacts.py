"""Contacts, lists, tags and events over the API, and what a stranger gets."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import Cast
from webapp.kernel.db import unscoped


@pytest.fixture
def api(app: Flask, cast: Cast) -> Any:
    return cast.owner.api(app)


def _make(api: Any, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = api.post(f"/api/v1{path}", json=body)
    assert answer.status_code == 201, answer.json
    return dict(answer.json["data"])


def _ada(api: Any, **more: Any) -> dict[str, Any]:
    return _make(api, "/contacts", {"email": "Ada@Example.net", "first_name": "Ada", "metadata": {"plan": "pro"}, **more})


def test_a_contact_is_one_a_canonical_address(api: Any) -> None:
    made = _ada(api)
    assert (made["email"], made["status"], made["metadata"]) == ("Ada@example.net", "subscribed", {"plan": "pro"})
    again = api.post("/api/v1/contacts", json={"email": "ADA@example.NET"})
    assert again.status_code == 409 and again.json["error"]["param"] == "email"
    saved = api.put("/api/v1/contacts", json={"email": "ada@example.net", "last_name": "Lovelace", "metadata": {"plan": None, "seats": 3}}).json["data"]
    assert (saved["id"], saved["first_name"], saved["last_name"], saved["metadata"]) == (made["id"], "Ada", "Lovelace", {"seats": 3})


def test_a_batch_makes_and_updates_in_its_order(api: Any) -> None:
    made = _ada(api)
    people = [{"email": "new@example.net"}, {"email": "ada@example.net", "first_name": "A."}, {"email": "new@example.net", "first_name": "Last wins"}]
    answer = api.post("/api/v1/contacts/batch", json={"contacts": people}).json["data"]
    assert (answer["created"], answer["updated"]) == (1, 1)
    assert answer["ids"][1] == made["id"] and answer["ids"][0] == answer["ids"][2]
    assert api.get(f"/api/v1/contacts/{answer['ids'][0]}").json["data"]["first_name"] == "Last wins"


def test_what_cannot_be_taken_is_named(api: Any) -> None:
    for body, param in (
        ({"email": "nobody"}, "email"),
        ({}, "email"),
        ({"email": "a@b.test", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"email": "a@b.test", "metadata": {"a b": 1}}, "metadata.a b"),
        ({"email": "a@b.test", "metadata": {"a": [1]}}, "metadata.a"),
        ({"email": "a@b.test", "metadata": {"a": "x" * 2001}}, "metadata.a"),
        ({"email": "a@b.test", "first_name": "a\nb"}, "first_name"),
        ({"email": "a@b.test", "consent_at": "yesterday"}, "consent_at"),
        ({"email": "a@b.test", "nonsense": 1}, "nonsense"),
    ):
        answer = api.post("/api/v1/contacts", json=body)
        assert (answer.status_code, answer.json["error"]["param"]) == (422, param)


def test_changes_merge_metadata_and_keep_consent(api: Any) -> None:
    made = _ada(api, consent_source="Form")
    assert made["consent_at"] is not None
    changed = api.patch(f"/api/v1/contacts/{made['id']}", json={"metadata": {"seats": 2}, "status": "unsubscribed", "email": "countess@example.net"})
    data = changed.json["data"]
    assert (data["metadata"], data["status"], data["email"]) == ({"plan": "pro", "seats": 2}, "unsubscribed", "countess@example.net")
    entry = api.get("/api/v1/activity?object_id=" + made["id"]).json["data"][0]
    assert entry["changes"]["status"] == ["subscribed", "unsubscribed"]


def test_lists_take_people_in_and_let_them_go(api: Any) -> None:
    news = _make(api, "/lists", {"name": "Newsletter Subscribers", "description": "Weekly newsletter list"})
    joined = _make(api, f"/lists/{news['id']}/contacts", {"email": "john@example.net", "first_name": "John", "last_name": "Doe"})
    found = api.get(f"/api/v1/lists/{news['id']}/contacts").json["data"]
    assert [c["id"] for c in found] == [joined["id"]]
    assert api.post(f"/api/v1/lists/{news['id']}/contacts/{joined['id']}/unsubscribe").status_code == 200
    _make(api, f"/lists/{news['id']}/contacts", {"email": "john@example.net"})  # who left stays away
    states = {s: len(api.get(f"/api/v1/lists/{news['id']}/contacts?state={s}").json["data"]) for s in ("subscribed", "unsubscribed", "pending")}
    assert states == {"subscribed": 0, "unsubscribed": 1, "pending": 0}
    assert api.delete(f"/api/v1/lists/{news['id']}/contacts/{joined['id']}").status_code == 200
    assert api.get(f"/api/v1/lists/{news['id']}/contacts").json["data"] == []
    taken = api.post("/api/v1/lists", json={"name": "Newsletter Subscribers"})
    assert (taken.status_code, taken.json["error"]["param"]) == (409, "name")


def test_double_opt_in_waits_for_the_person(api: Any) -> None:
    nobody_asks = api.post("/api/v1/lists", json={"name": "Careless", "double_opt_in": True})
    assert (nobody_asks.status_code, nobody_asks.json["error"]["param"]) == (422, "from_address")
    news = _make(api, "/lists", {"name": "Careful", "double_opt_in": True, "from_address": "news@acme.test"})
    _make(api, f"/lists/{news['id']}/contacts", {"email": "john@example.net"})
    assert len(api.get(f"/api/v1/lists/{news['id']}/contacts?state=pending").json["data"]) == 1


def test_tags_have_a_colour_and_stand_on_contacts(api: Any) -> None:
    vip = _make(api, "/tags", {"name": "VIP", "color": "#3B82F6"})
    ada = _ada(api)
    assert vip["color"] == "#3b82f6"
    assert api.post("/api/v1/tags", json={"name": "Bad", "color": "blue"}).json["error"]["param"] == "color"
    tagged = api.put(f"/api/v1/contacts/{ada['id']}/tags", json={"tag_ids": [vip["id"]]}).json["data"]
    assert [tag["name"] for tag in tagged] == ["VIP"]
    assert [c["id"] for c in api.get(f"/api/v1/contacts?tag_id={vip['id']}").json["data"]] == [ada["id"]]
    assert api.delete(f"/api/v1/contacts/{ada['id']}/tags/{vip['id']}").status_code == 200
    assert api.delete(f"/api/v1/contacts/{ada['id']}/tags/{vip['id']}").status_code == 404
    assert api.put(f"/api/v1/contacts/{ada['id']}/tags/{vip['id']}").status_code == 200
    assert len(api.get(f"/api/v1/contacts/{ada['id']}/tags").json["data"]) == 1


def test_events_name_their_contact_by_address_or_id(api: Any) -> None:
    sent = _make(api, "/events", {"name": "order.placed", "email": "new@example.net", "properties": {"total": 42}})
    many = api.post("/api/v1/events/batch", json={"events": [{"name": "page.seen", "contact_id": sent["contact_id"]}] * 3})
    assert many.json["data"]["accepted"] == 3
    assert len(api.get(f"/api/v1/contacts/{sent['contact_id']}/events").json["data"]) == 4
    unknown = api.post("/api/v1/events", json={"name": "x", "contact_id": "00000000-0000-7000-8000-000000000000"})
    assert unknown.status_code == 422
    both = api.post("/api/v1/events", json={"name": "x"})
    assert (both.status_code, both.json["error"]["param"]) == (422, "email")


def test_a_merge_keeps_what_only_one_had(api: Any) -> None:
    ada, other = _ada(api), _make(api, "/contacts", {"email": "a.l@example.net", "last_name": "Lovelace", "metadata": {"plan": "old", "city": "London"}})
    news = _make(api, "/lists", {"name": "News"})
    _make(api, f"/lists/{news['id']}/contacts", {"email": "a.l@example.net"})
    _make(api, "/events", {"name": "x", "contact_id": other["id"]})
    api.patch(f"/api/v1/contacts/{other['id']}", json={"status": "unsubscribed"})
    merged = api.post(f"/api/v1/contacts/{other['id']}/merge", json={"into": ada["id"]}).json["data"]
    assert (merged["last_name"], merged["metadata"], merged["status"]) == ("Lovelace", {"plan": "pro", "city": "London"}, "unsubscribed")
    assert [c["id"] for c in api.get(f"/api/v1/lists/{news['id']}/contacts").json["data"]] == [ada["id"]]
    assert len(api.get(f"/api/v1/contacts/{ada['id']}/events").json["data"]) == 1
    assert api.get(f"/api/v1/contacts/{other['id']}").status_code == 404
    assert api.post(f"/api/v1/contacts/{ada['id']}/merge", json={"into": ada["id"]}).status_code == 422


def test_everything_about_a_person_can_be_had_and_forgotten(api: Any) -> None:
    ada = _ada(api)
    _make(api, "/events", {"name": "order.placed", "contact_id": ada["id"]})
    about = api.get(f"/api/v1/contacts/{ada['id']}/export").json["data"]
    assert about["email"] == "Ada@example.net" and about["events"][0]["name"] == "order.placed"
    assert api.post(f"/api/v1/contacts/{ada['id']}/erase").status_code == 200
    with unscoped("test") as rows:
        kept = "select count(*) from contacts union all select count(*) from contact_events"
        assert list(rows.scalars(sa.text(kept))) == [0, 0]
        said = "select count(*) from activity_entries where activity_entries::text ilike '%ada@example.net%'"
        assert rows.scalar(sa.text(said)) == 0


def test_search_and_export(api: Any) -> None:
    _ada(api)
    _make(api, "/contacts", {"email": "bob@example.net", "first_name": "=1+1"})
    assert [c["email"] for c in api.get("/api/v1/contacts?search=ada").json["data"]] == ["Ada@example.net"]
    text = api.get("/api/v1/contacts/export").get_data(as_text=True)
    assert text.startswith("email,first_name") and "'=1+1" in text


def test_a_key_that_only_reads_changes_nothing(api: Any) -> None:
    ada = _ada(api)
    key = _make(api, "/keys", {"name": "Reader", "role": "root:readonly"})["key"]
    reader = {"headers": {"Authorization": f"Bearer {key}"}}
    assert api.get(f"/api/v1/contacts/{ada['id']}", **reader).status_code == 200
    assert api.patch(f"/api/v1/contacts/{ada['id']}", json={"first_name": "x"}, **reader).status_code == 403
    assert api.post("/api/v1/lists", json={"name": "x"}, **reader).status_code == 403
