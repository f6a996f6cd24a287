"""Segments: whom each rule chooses, what is refused, and why somebody is in."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import Cast
from webapp.kernel.db import unscoped


@pytest.fixture
def api(app: Flask, cast: Cast) -> Any:
    """Ada: pro, 40 seats, on the list, tagged, bought twice, opened yesterday. Bob: free, 5 seats. Cyd: nothing known, unsubscribed."""
    api = cast.owner.api(app)
    people = [
        {"email": "ada@example.net", "first_name": "Ada", "language": "en", "metadata": {"plan": "pro", "seats": 40, "beta": True}},
        {"email": "bob@other.test", "first_name": "Bob", "metadata": {"plan": "free", "seats": "5"}},
        {"email": "cyd@other.test"},
    ]
    ids = api.post("/api/v1/contacts/batch", json={"contacts": people}).json["data"]["ids"]
    api.ids = dict(zip(("ada", "bob", "cyd"), ids, strict=True))
    api.patch(f"/api/v1/contacts/{ids[2]}", json={"status": "unsubscribed"})
    api.list_id = api.post("/api/v1/lists", json={"name": "News"}).json["data"]["id"]
    api.post(f"/api/v1/lists/{api.list_id}/contacts", json={"email": "ada@example.net"})
    api.tag_id = api.post("/api/v1/tags", json={"name": "VIP"}).json["data"]["id"]
    api.put(f"/api/v1/contacts/{ids[0]}/tags/{api.tag_id}")
    events = [{"name": "bought", "contact_id": ids[0], "properties": {"what": w}} for w in ("hat", "shoe")] + [{"name": "bought", "contact_id": ids[1]}]
    assert api.post("/api/v1/events/batch", json={"events": events}).status_code == 200
    with unscoped("test") as rows:
        rows.execute(sa.text("update contacts set last_opened_at = now() - interval '1 day' where canonical = 'ada@example.net'"))
        rows.execute(sa.text("update contacts set last_opened_at = now() - interval '90 days' where canonical = 'bob@other.test'"))
    return api


def _chosen(api: Any, rules: dict[str, Any]) -> set[str]:
    made = api.post("/api/v1/segments", json={"name": f"S{id(rules)}", "rules": rules})
    assert made.status_code == 201, made.json
    segment_id = made.json["data"]["id"]
    found = api.get(f"/api/v1/segments/{segment_id}/contacts").json["data"]
    assert api.get(f"/api/v1/segments/{segment_id}/count").json["data"]["count"] == len(found)
    return {contact["email"].partition("@")[0] for contact in found}


def _is(field: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, **({} if value is None else {"value": value}), **more}


CHOICES: list[tuple[dict[str, Any], str]] = [
    (_is("email", "contains", "@"), "ada bob cyd"),
    (_is("email", "ends_with", "@OTHER.test"), "bob cyd"),
    (_is("email", "not_contains", "other"), "ada"),
    (_is("email", "in", ["ADA@example.net", "x@y.test"]), "ada"),
    (_is("email", "contains", "%"), ""),
    (_is("first_name", "is_empty"), "cyd"),
    (_is("first_name", "is_not", "ada"), "bob cyd"),
    (_is("language", "is", "EN"), "ada"),
    (_is("status", "is", "unsubscribed"), "cyd"),
    (_is("metadata.plan", "is", "pro"), "ada"),
    (_is("metadata.plan", "is_not", "pro"), "bob cyd"),
    (_is("metadata.seats", "is", "40"), "ada"),
    (_is("metadata.beta", "is", True), "ada"),
    (_is("metadata.seats", "greater_than", 4.5), "ada bob"),
    (_is("metadata.plan", "less_than", 4), ""),
    (_is("opened", "within_days", 30), "ada"),
    (_is("opened", "not_within_days", 30), "bob cyd"),
    (_is("opened", "never"), "cyd"),
    (_is("created_at", "after", "2020-01-01T00:00:00Z"), "ada bob cyd"),
    (_is("created_at", "before", "2020-01-01T00:00:00Z"), ""),
    (_is("event", "happened", "bought"), "ada bob"),
    (_is("event", "happened", "bought", at_least=2), "ada"),
    (_is("event", "happened", "bought", where={"what": "hat"}), "ada"),
    (_is("event", "not_happened", "bought", within_days=7), "cyd"),
    ({"all": [_is("metadata.plan", "is", "pro"), _is("opened", "within_days", 7)]}, "ada"),
    ({"any": [_is("metadata.plan", "is", "pro"), _is("status", "is", "unsubscribed")]}, "ada cyd"),
    ({"not": _is("metadata.seats", "greater_than", 10)}, "bob cyd"),
    ({"or": [{"and": [_is("first_name", "is", "bob")]}, {"not": {"not": _is("email", "starts_with", "ada")}}]}, "ada bob"),
]


def test_whom_each_rule_chooses(api: Any) -> None:
    wrong = {str(rules): found for rules, chosen in CHOICES if (found := _chosen(api, rules)) != set(chosen.split())}
    assert not wrong


def test_lists_and_tags(api: Any) -> None:
    assert _chosen(api, _is("list", "in", api.list_id)) == {"ada"}
    assert _chosen(api, _is("list", "not_in", [api.list_id])) == {"bob", "cyd"}
    assert _chosen(api, _is("tag", "in", api.tag_id)) == {"ada"}


def _nested(depth: int) -> dict[str, Any]:
    return {"not": _nested(depth - 1)} if depth else _is("email", "is", "x")


REFUSED: list[tuple[dict[str, Any], str]] = [
    (_is("password", "is", "x"), "rules.field"),
    (_is("email", "resembles", "x"), "rules.operator"),
    (_is("email", "is", 3), "rules.value"),
    (_is("email", "is"), "rules.value"),
    (_is("email", "is", "a\0"), "rules.value"),
    (_is("opened", "within_days", 0), "rules.value"),
    (_is("opened", "before", "yesterday"), "rules.value"),
    (_is("list", "in", "News"), "rules.value"),
    (_is("event", "happened", "x", at_least=0), "rules.at_least"),
    (_is("event", "happened", "x", where={"a": [1]}), "rules.where"),
    (_is("email", "is", "x", where={}), "rules.where"),
    ({"all": []}, "rules.all"),
    ({"all": [_is("email", "is", "x"), 3]}, "rules.all[1]"),
    ({"all": [_is("email", "is", "x")], "any": []}, "rules"),
    ({"all": [_is("email", "is", "x")] * 51}, "rules.all"),
    (_nested(7), "rules.not.not.not.not.not.not"),
    ({}, "rules.field"),
]


def test_what_cannot_be_a_rule_is_named(app: Flask, cast: Cast) -> None:
    client = cast.owner.api(app)
    answers = [(client.post("/api/v1/segments", json={"name": "S", "rules": rules}), param) for rules, param in REFUSED]
    assert [(answer.status_code, answer.json["error"]["param"]) for answer, _ in answers if answer.json] == [(422, param) for _, param in answers]


def test_why_somebody_is_in(api: Any) -> None:
    rules = {"any": [_is("metadata.plan", "is", "pro"), _is("opened", "within_days", 7)]}
    segment = api.post("/api/v1/segments", json={"name": "S", "rules": rules}).json["data"]
    ada = api.get(f"/api/v1/segments/{segment['id']}/contacts/{api.ids['ada']}").json["data"]
    assert ada["is_in"] and [c["holds"] for c in ada["conditions"]] == [True, True]
    bob = api.get(f"/api/v1/segments/{segment['id']}/contacts/{api.ids['bob']}").json["data"]
    assert not bob["is_in"] and bob["conditions"][0]["condition"]["field"] == "metadata.plan"


def test_a_segment_can_be_tried_changed_and_deleted(api: Any) -> None:
    assert api.post("/api/v1/segments/preview", json={"rules": _is("first_name", "is", "ada")}).json["data"]["count"] == 1
    segment = api.post("/api/v1/segments", json={"name": "Active Users", "rules": {"field": "email", "operator": "contains", "value": "@"}}).json["data"]
    changed = api.patch(f"/api/v1/segments/{segment['id']}", json={"rules": {"and": [_is("status", "is", "subscribed")]}}).json["data"]
    assert changed["rules"] == {"all": [_is("status", "is", "subscribed")]}
    assert api.patch(f"/api/v1/segments/{segment['id']}", json={"rules": {"field": "x"}}).status_code == 422
    assert api.delete(f"/api/v1/segments/{segment['id']}").status_code == 200
