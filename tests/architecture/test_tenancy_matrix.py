"""No stranger learns or changes anything: every route with an id, and every field with one, called from another tenant.

An id of somebody else must be answered exactly like an id that does not exist.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import AnyConverter, Rule

from tests.architecture import matrix
from tests.architecture.estate import MARK, Estate, fingerprints, json_of, make_estate, mentions
from tests.architecture.matrix import INSIDE, NO_ID, QUERIES, ROUTES, filled, value_of
from tests.architecture.matrix_fields import FIELDS, Field
from tests.architecture.source import ROOT
from tests.fixtures import Cast, Person
from webapp import all_models
from webapp.bootstrap import ensure_verified_domain
from webapp.kernel.ids import uuid7
from webapp.kernel.schema import Id, Schema
from webapp.kernel.scope import Mode

_READS = {"HEAD", "OPTIONS"}
_CHANGING = (
    r"req_[0-9A-Za-z]+",
    r'csrf_token" value="[^"]+"',
    r'"X-CSRFToken": "[^"]+"',
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    r"acme-private-welcome|absent-slug",
)


def rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Each rule with a variable part, and each method of it."""
    for rule in app.url_map.iter_rules():
        if rule.arguments and rule.endpoint not in NO_ID:
            for method in (rule.methods or set()) - _READS:
                yield rule, method


def addresses(rule: Rule, ids: dict[str, str]) -> Iterator[str]:
    """The rule's address with these ids, once for each word that a choice in it offers."""
    found = [re.sub(r"<(?:[^:<>]+(?:\([^)]*\))?:)?(\w+)>", lambda m: "{" + m[1] + "}", rule.rule)]
    for name, converter in rule._converters.items():
        if isinstance(converter, AnyConverter):
            found = [address.replace("{" + name + "}", word) for address in found for word in sorted(converter.items)]
    for address in found:
        yield address.format(**INSIDE.get(rule.endpoint, {}), **ids)


def plain(answer: Any) -> str:
    """An answer without what differs from call to call: ids, request ids, tokens."""
    text = html.unescape(answer.get_data(as_text=True))
    if answer.is_json:
        text = json.dumps(answer.json, sort_keys=True)
    for pattern in _CHANGING:
        text = re.sub(pattern, "*", text)
    return text.replace("acme-private@customer.example", "absent@customer.example")


def absent(ids: dict[str, str]) -> dict[str, str]:
    """Of the same shape, but nobody's."""
    return {name: "absent@customer.example" if "@" in value else str(uuid7()) for name, value in ids.items()}


@pytest.fixture
def estate(app: Flask, cast: Cast) -> Estate:
    """The owner's possessions."""
    made = make_estate(app, cast)
    made.ids["tenant_id"] = str(cast.owner.tenant_id)
    return made


@pytest.fixture
def own(app: Flask, cast: Cast) -> dict[str, str]:
    """The stranger's own objects, for calls that need a right id beside the wrong one."""
    client = cast.stranger.api(app)
    made: dict[str, str] = {"metric": "sent"}
    bodies: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("/pools", "pool_id", {"name": "Own"}), ("/providers", "provider_id", {"name": "Own", "host": "93.184.216.36"}),
        ("/contacts", "contact_id", {"email": "own@customer.example"}), ("/lists", "list_id", {"name": "Own"}), ("/tags", "tag_id", {"name": "Own"}),
        ("/webhooks", "webhook_id", {"url": "https://93.184.216.36/own"}), ("/keys", "key_id", {"name": "Own", "role": "root:readonly"}),
    )  # fmt: skip
    for path, name, body in bodies:
        made[name] = json_of(client.post(f"/api/v1{path}", json=body))["data"]["id"]
    return made


def _client(app: Flask, person: Person, page: bool) -> Any:
    return person.browser(app) if page else person.api(app)


def _call(client: Any, method: str, address: str, body: dict[str, Any] | None, page: bool) -> Any:
    sent = {} if body is None else {"data": body} if page else {"json": body}
    return client.open(address, method=method, **sent)


def test_every_route_with_an_id_has_an_entry(app: Flask) -> None:
    known = {f"{method} {rule.endpoint}" for rule, method in rules(app)}
    assert known - ROUTES.keys() == set(), "enter these routes into tests/architecture/matrix.py"
    assert ROUTES.keys() - known == set(), "these routes are gone"


def test_every_path_of_the_document_is_a_known_route(app: Flask) -> None:
    document = json_of(app.test_client().get("/api/v1/openapi.json"))
    known = {re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule) for rule in app.url_map.iter_rules()}
    with_id = {path for path in document["paths"] if "{" in path}
    assert with_id
    assert with_id - known == set()


def test_a_stranger_gets_the_answer_of_an_absent_id_and_changes_nothing(app: Flask, cast: Cast, estate: Estate, own: dict[str, str]) -> None:
    assert cast.owner.tenant_id is not None and cast.stranger.tenant_id is not None
    before = fingerprints(cast.owner.tenant_id)
    wrong: list[str] = []
    for rule, method in rules(app):
        page = not rule.rule.startswith(("/api/", "/compat/"))
        client = _client(app, cast.stranger, page)
        body = filled(ROUTES[f"{method} {rule.endpoint}"], own)
        missing = set(rule.arguments) - estate.ids.keys() - INSIDE.get(rule.endpoint, {}).keys() - _choices(rule)
        assert not missing, f"{rule.rule}: make one of {missing} in tests/architecture/estate.py"
        query = QUERIES.get(f"{method} {rule.endpoint}", "")
        for foreign, nobody in zip(addresses(rule, estate.ids), addresses(rule, absent(estate.ids)), strict=True):
            foreign, nobody = foreign + query, nobody + query
            answer, expected = _call(client, method, foreign, body, page), _call(client, method, nobody, body, page)
            if answer.status_code != 404 or expected.status_code != 404:
                wrong.append(f"{method} {foreign}: {answer.status_code}, absent {expected.status_code}")
            elif plain(answer) != plain(expected):
                wrong.append(f"{method} {foreign}: another body than an absent id\n{plain(answer)[:600]}\n{plain(expected)[:600]}")
    assert not wrong, "\n".join(wrong)
    assert fingerprints(cast.owner.tenant_id) == before


def _choices(rule: Rule) -> set[str]:
    return {name for name, converter in rule._converters.items() if isinstance(converter, AnyConverter)}


def test_an_own_pool_does_not_open_another_tenants_member(app: Flask, cast: Cast, estate: Estate, own: dict[str, str]) -> None:
    address = f"/api/v1/pools/{own['pool_id']}/members/{estate.ids['member_id']}"
    client = cast.stranger.api(app)
    assert [client.patch(address, json={"weight": 1}).status_code, client.delete(address).status_code] == [404, 404]


def test_the_owner_is_answered(app: Flask, cast: Cast, estate: Estate) -> None:
    """The other half of the proof: the same addresses exist."""
    wrong = []
    for rule, method in rules(app):
        if method == "GET":
            page = not rule.rule.startswith(("/api/", "/compat/"))
            for address in addresses(rule, estate.ids):
                status = _call(_client(app, cast.owner, page), "GET", address, None, page).status_code
                if status != 200:
                    wrong.append(f"{address}: {status}")
    assert not wrong


def _with_field(field: Field, value: str, own: dict[str, str]) -> dict[str, Any]:
    body = filled(dict(field.body or {}), own)
    outer, _, inner = field.name.rpartition(".")
    body[inner] = value
    return {outer: [body]} if outer else body


def _ask(app: Flask, person: Person, field: Field, value: str, own: dict[str, str]) -> Any:
    client, body = _client(app, person, field.is_page), _with_field(field, value, own)
    place = {"json": "json", "form": "data", "query": "query_string"}[field.location]
    return client.open(filled(field.path, own), method=field.method, **{place: body})


def test_a_foreign_id_inside_a_call_is_an_absent_one(app: Flask, cast: Cast, estate: Estate, own: dict[str, str]) -> None:
    assert cast.owner.tenant_id is not None and cast.stranger.tenant_id is not None
    with cast.stranger.scope() as scope:
        ensure_verified_domain(scope, "other.test")
    before = fingerprints(cast.owner.tenant_id)
    wrong = [said for field in FIELDS if (said := _said_about(app, cast, field, estate, own))]
    assert not wrong, "\n".join(wrong)
    assert fingerprints(cast.owner.tenant_id) == before
    assert mentions(cast.stranger.tenant_id, list(estate.ids.values())) == []


def _said_about(app: Flask, cast: Cast, field: Field, estate: Estate, own: dict[str, str]) -> str | None:
    """What is wrong with the answers to the foreign and to the absent value of one field; None when nothing is."""
    foreign = value_of(field, estate)
    nobody = "absent-slug" if field.value == "slug" else next(iter(absent({"": foreign.rpartition(":")[2]}).values()))
    answer, expected = (_ask(app, cast.stranger, field, value, own) for value in (foreign, foreign.replace(foreign.rpartition(":")[2], nobody)))
    place = f"{field.method} {field.path} {field.name}: {answer.status_code}, absent {expected.status_code}"
    if field.method != "GET" and answer.status_code not in (403, 404, 422) and not _is_rejected(answer):
        return f"{place}: not refused"
    if answer.status_code != expected.status_code or plain(answer) != plain(expected):
        return f"{place}: another body than an absent id\n{plain(answer)[:600]}\n{plain(expected)[:600]}"
    return f"{place}: shows the owner's name" if MARK in plain(answer) else None


def _is_rejected(answer: Any) -> bool:
    """Whether every message of a batch was refused."""
    return answer.is_json and all(result["status"] == "rejected" for result in answer.json.get("results") or [{"status": "?"}])


def test_no_list_of_the_stranger_shows_anything_of_the_owner(app: Flask, cast: Cast, estate: Estate) -> None:
    shown = []
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.arguments:
            page = not rule.rule.startswith(("/api/", "/compat/"))
            if MARK in _client(app, cast.stranger, page).get(rule.rule).get_data(as_text=True):
                shown.append(rule.rule)
    assert not shown


def _id_fields(schema: dict[str, Any], document: dict[str, Any], before: str = "") -> Iterator[str]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _id_fields(part, document, before)
    if "items" in schema:
        yield from _id_fields(schema["items"], document, before)
    for name, inner in schema.get("properties", {}).items():
        if inner.get("format") == "uuid" or name.endswith("_id") or name in ("bridge", "template", "role"):
            yield before + name
        else:
            yield from _id_fields(inner, document, f"{before}{name}.")


def test_every_id_in_a_body_or_query_of_the_document_has_an_entry(app: Flask) -> None:
    document = json_of(app.test_client().get("/api/v1/openapi.json"))
    known = {(field.method, re.sub(r"own:(\w+)", r"{\1}", field.path), field.name) for field in FIELDS}
    unknown = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            names = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "query" and p["schema"].get("format") == "uuid"}
            for content in operation.get("requestBody", {}).get("content", {}).values():
                names |= set(_id_fields(content["schema"], document))
            unknown += [f"{method.upper()} {path} {name}" for name in names if (method.upper(), path, name) not in known]
    assert {entry for entry in unknown if entry not in matrix.NOT_AN_ID} == set()


def test_every_id_in_a_form_has_an_entry(app: Flask) -> None:
    assert all_models.metadata.tables
    found = set()
    todo = list(Schema.__subclasses__())
    while todo:
        schema = todo.pop()
        todo += schema.__subclasses__()
        if schema.__name__.endswith("Form"):
            found |= {
                f"{schema.__name__}.{name}" for name, field in schema._declared_fields.items() if isinstance(field, Id) or type(field).__name__.endswith("Ref")
            }
    assert found == matrix.FORM_FIELDS.keys() | matrix.STAFF_FORM_FIELDS
    assert set(matrix.FORM_FIELDS.values()) <= {field.path for field in FIELDS}


def test_every_name_read_from_an_address_is_known() -> None:
    read = set()
    for path in ROOT.glob("webapp/*/views*/**/*.py"):
        read |= set(re.findall(r'request\.args\.get\("(\w+)"', path.read_text()))
    for path in ROOT.glob("webapp/*/views.py"):
        read |= set(re.findall(r'request\.args\.get\("(\w+)"', path.read_text()))
    assert read - matrix.QUERY_IDS - matrix.QUERY_PLAIN == set(), "classify these in tests/architecture/matrix.py"
    assert {field.name for field in FIELDS} >= matrix.QUERY_IDS


class TestBridgeTokens:
    """A bridge's token reads its own bridge's mail, and nothing else."""

    def test_own_mail_only(self, app: Flask, cast: Cast, estate: Estate) -> None:
        client = cast.owner.api(app)
        address = f"/api/v1/email/{estate.ids['message_id']}"
        answers = {}
        for name, token in (("own", estate.bridge_token), ("sibling", estate.sibling_token)):
            answers[name] = client.get(address, headers={"Authorization": f"Bearer {token}"})
        nobody = client.get(f"/api/v1/email/{uuid7()}", headers={"Authorization": f"Bearer {estate.sibling_token}"})
        assert answers["own"].status_code == 200
        assert answers["sibling"].status_code == nobody.status_code == 404
        assert plain(answers["sibling"]) == plain(nobody)

    def test_a_sibling_cannot_act_on_it(self, app: Flask, cast: Cast, estate: Estate) -> None:
        client, headers = cast.owner.api(app), {"Authorization": f"Bearer {estate.sibling_token}"}
        address = f"/api/v1/email/{estate.ids['message_id']}"
        assert client.post(f"{address}/cancel", headers=headers).status_code == 404
        assert client.patch(address, json={"send_at": "2030-01-01T00:00:00Z"}, headers=headers).status_code == 404

    def test_no_management(self, app: Flask, cast: Cast, estate: Estate) -> None:
        client, headers = cast.owner.api(app), {"Authorization": f"Bearer {estate.bridge_token}"}
        open_to_it = []
        for rule in app.url_map.iter_rules():
            if rule.rule.startswith("/api/v1/") and "/email" not in rule.rule and "GET" in (rule.methods or ()):
                for address in addresses(rule, estate.ids):
                    if client.get(address, headers=headers).status_code == 200:
                        open_to_it.append(rule.rule)
        assert set(open_to_it) <= {"/api/v1/openapi.json", "/api/v1/postman.json", "/api/v1/permissions", "/api/v1/keys/current"}

    def test_it_does_not_send_through_its_sibling(self, app: Flask, cast: Cast, estate: Estate) -> None:
        mail = {"from": "shop@acme.test", "to": "jo@customer.example", "subject": "Hi", "text": "Hi", "bridge": estate.ids["bridge_id"]}
        answer = cast.owner.api(app).post("/api/v1/email/send", json=mail, headers={"Authorization": f"Bearer {estate.sibling_token}"})
        assert answer.status_code == 403


class TestSandboxKeys:
    """A sandbox key cannot reach anything live."""

    def test_it_sees_no_live_mail_and_no_live_bridge(self, app: Flask, cast: Cast, estate: Estate) -> None:
        client = cast.owner.api(app, Mode.SANDBOX)
        for path in (f"email/{estate.ids['message_id']}", f"bridges/{estate.ids['bridge_id']}", f"bridges/{estate.ids['bridge_id']}/credentials"):
            assert client.get(f"/api/v1/{path}").status_code == 404, path

    def test_it_makes_nothing_live(self, app: Flask, cast: Cast, estate: Estate) -> None:
        client = cast.owner.api(app, Mode.SANDBOX)
        assert client.post("/api/v1/bridges", json={"name": "x", "mode": "live"}).status_code == 403
        assert client.post("/api/v1/keys", json={"name": "x", "mode": "live", "role": "root:full"}).status_code == 403

    def test_its_mail_is_captured_even_through_a_live_bridge(self, app: Flask, cast: Cast, estate: Estate) -> None:
        mail = {"from": "shop@acme.test", "to": "jo@customer.example", "subject": "Hi", "text": "Hi"}
        client = cast.owner.api(app, Mode.SANDBOX)
        for more in ({}, {"bridge": estate.sandbox_bridge_id}, {"bridge": estate.ids["bridge_id"]}):
            answer = client.post("/api/v1/email/send", json={**mail, **more})
            assert answer.status_code in (202, 404)
            assert answer.status_code == 404 or json_of(answer)["sandbox"] is True

    def test_it_cancels_no_live_mail(self, app: Flask, cast: Cast, estate: Estate) -> None:
        client = cast.owner.api(app, Mode.SANDBOX)
        assert client.post(f"/api/v1/email/{estate.ids['message_id']}/cancel").status_code == 404
