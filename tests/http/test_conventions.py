"""The conventions of the API, proved over every route there is: the tests walk the URL map, so a new route is held to them too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.views import MethodView
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.architecture.estate import Estate, make_estate
from tests.architecture.matrix import INSIDE, NO_ID, ROUTES
from tests.architecture.test_tenancy_matrix import addresses
from tests.fixtures import ApiClient, Cast
from webapp.http.api import document_of
from webapp.http.writes import reader_of
from webapp.kernel.clock import parse_rfc3339

#: The Management API's codes, from the seed.
CODES = {
    "invalid_parameter", "missing_parameter", "authentication_required", "insufficient_permissions", "not_found", "conflict", "limit_exceeded",
    "idempotency_conflict", "payload_too_large", "validation_error", "rate_limit_exceeded", "internal_error", "service_unavailable",
}  # fmt: skip
#: Variable parts that are words, not ids.
CHOSEN = {"metric": "delivered", "provider": "ses"}
_WRITES = {"POST", "PUT", "PATCH"}
_NONE: tuple[dict[str, str], ...] = ({"limit": "0"}, {"limit": "x"}, {"cursor": "!"})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
#: Where somebody's own words may look like a time or an id.
_WORDS = {"changes", "metadata", "variables", "headers", "body", "rules"}


def routes(app: Flask, estate: Estate | None = None) -> Iterator[tuple[str, str, Rule]]:
    """``(method, address, rule)`` of every call of the API that this document describes; with ``estate``, of its objects."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") and rule.endpoint not in ("api-docs.openapi_json", "docs.postman_collection"):
            inside = INSIDE.get(rule.endpoint, {})
            ids = estate.ids if estate else dict.fromkeys(rule.arguments, str(UUID(int=7)))
            ids = {name: value for name, value in (ids | CHOSEN).items() if name not in inside}
            if set(rule.arguments) - ids.keys() - inside.keys() - set(_choices(rule)):
                continue  # the tenancy matrix fails until the estate has one
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, next(iter(addresses(rule, ids))), rule


def _choices(rule: Rule) -> list[str]:
    return [name for name, converter in rule._converters.items() if getattr(converter, "items", None)]


def is_public(app: Flask, method: str, rule: Rule) -> bool:
    """Whether the route asks for no key."""
    view = app.view_functions[rule.endpoint]
    marked = getattr(getattr(view, "view_class", None), method.lower(), view)
    return getattr(getattr(marked, "__access__", None), "word", None) == "public"


def takes_json(app: Flask, method: str, rule: Rule) -> bool:
    """Whether the document says that the call has a JSON body and no other kind."""
    content = operation_of(app, method, rule).get("requestBody", {}).get("content", {})
    return list(content) == ["application/json"]


def takes_cursor(app: Flask, rule: Rule) -> bool:
    """Whether the document says that the list comes in pages; short ones come whole."""
    return any(parameter.get("name") == "cursor" for parameter in operation_of(app, "GET", rule).get("parameters", ()))


def operation_of(app: Flask, method: str, rule: Rule) -> dict[str, Any]:
    """What the document says of a call."""
    path = re.sub(r"<(?:[^:<>]+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", rule.rule)
    found: dict[str, Any] = document_of(app)["paths"].get(path, {}).get(method.lower(), {})
    return found


def refusal_is_wrong(answer: TestResponse) -> str | None:
    """What is not as the envelope of errors has it; None when nothing is."""
    body: Any = answer.json if answer.is_json else None
    if not isinstance(body, dict) or body.get("ok") is not False:
        return f"{answer.status_code} without envelope: {answer.text[:120]}"
    error, request_id = body["error"], body["meta"]["request_id"]
    wrong = [
        what
        for what, good in {
            f"code {error.get('code')}": error.get("code") in CODES,
            "message": bool(error.get("message")),
            "param": "param" in error,
            "retryable": isinstance(error.get("retryable"), bool),
            "doc_url": str(error.get("doc_url", "")).endswith(f"/docs/errors#{error.get('code')}"),
            "request id": request_id.startswith("req_") and request_id == answer.headers.get("X-Request-Id"),
            "no-store": answer.headers.get("Cache-Control") == "no-store",
            "errors": all({"code", "message", "param"} <= problem.keys() for problem in body.get("errors", ())),
        }.items()
        if not good
    ]
    return f"{answer.status_code}: wrong {', '.join(wrong)}" if wrong else None


def values_of(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in an answer with its path, except inside what people wrote."""
    if isinstance(data, dict):
        for name, inner in data.items():
            if name not in _WORDS:
                yield from values_of(inner, f"{path}.{name}")
    elif isinstance(data, list):
        for inner in data:
            yield from values_of(inner, f"{path}[]")
    else:
        yield path, data


@pytest.fixture
def estate(app: Flask, cast: Cast) -> Estate:
    """One of everything."""
    return make_estate(app, cast)


@pytest.fixture
def client(app: Flask, cast: Cast) -> ApiClient:
    """The owner's live key with all rights."""
    return cast.owner.api(app)


def test_nobody_gets_in_without_a_key(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = []
    for number, (method, address, rule) in enumerate(routes(app)):
        if is_public(app, method, rule):
            continue
        place = {"REMOTE_ADDR": f"203.0.113.{number % 250}"}  # so that no stranger becomes too many
        for headers in ({}, {"Authorization": "Bearer mp_live_nonsense"}):
            answer = app.test_client().open(address, method=method, headers=headers, environ_overrides=place)
            said = refusal_is_wrong(answer)
            if answer.status_code != 401 or said or "WWW-Authenticate" not in answer.headers or "X-RateLimit-Limit" not in answer.headers:
                wrong.append(f"{method} {address}: {said or answer.status_code}")
    assert wrong == []


def test_every_read_answers_as_the_conventions_say(app: Flask, client: ApiClient, estate: Estate) -> None:
    wrong = []
    for method, address, rule in routes(app, estate):
        if method == "GET" and "/stream" not in address:
            answer = client.get(address)
            said = read_is_wrong(client, address, answer, takes_cursor(app, rule))
            wrong += [f"{address} ({rule.endpoint}): {text}" for text in said]
    assert wrong == []


def read_is_wrong(client: ApiClient, address: str, answer: TestResponse, is_paged: bool) -> Iterator[str]:
    """What is not right with a GET that succeeded, each in words."""
    if answer.status_code != 200:
        yield f"{answer.status_code} {answer.text[:200]}"
        return
    for name in ("X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"):
        if name not in answer.headers:
            yield f"no {name}"
    if answer.headers.get("Cache-Control") != "no-store":
        yield f"Cache-Control {answer.headers.get('Cache-Control')}"
    head = client.head(address)
    if (head.status_code, head.get_data()) != (200, b""):
        yield f"HEAD {head.status_code}"
    options = client.options(address)
    if options.status_code != 200 or "GET" not in options.headers.get("Allow", ""):
        yield f"OPTIONS {options.status_code} {options.headers.get('Allow')}"
    if answer.is_json:
        yield from body_is_wrong(client, address, answer, is_paged)


def body_is_wrong(client: ApiClient, address: str, answer: TestResponse, is_paged: bool) -> Iterator[str]:
    """Envelope, ETag, times and ids of a JSON answer."""
    body: Any = answer.json
    if "ok" in body and (body["ok"] is not True or body["meta"]["request_id"] != answer.headers["X-Request-Id"]):
        yield "envelope"
    if "pagination" in body:
        if not isinstance(body["data"], list) or body["pagination"].keys() != {"has_more", "next_cursor"}:
            yield "page"
        elif is_paged and any(client.get(address, query_string=query).status_code not in (400, 422) for query in _NONE):
            yield "a limit or cursor that is none is taken"
    else:
        etag = answer.headers.get("ETag", "")
        if not etag.startswith('W/"'):
            yield f"ETag {etag!r}"
        else:
            again = client.get(address, headers={"If-None-Match": etag})
            if (again.status_code, again.get_data()) != (304, b"") and again.headers.get("ETag") == etag:
                yield f"If-None-Match: {again.status_code}"
    for path, value in values_of(body):
        name = path.rpartition(".")[2]
        if name.endswith("_at") and value is not None and not (_TIME.fullmatch(str(value)) and parse_rfc3339(value)):
            yield f"{path} is {value!r}"
        if name == "id" and value is not None and not _is_public_id(value):
            yield f"{path} is {value!r}"


def _is_public_id(value: Any) -> bool:
    return isinstance(value, str) and not value.isdigit()


def test_every_write_refuses_what_is_no_json(app: Flask, client: ApiClient, estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = []
    for method, address, rule in routes(app, estate):
        if method not in _WRITES or is_public(app, method, rule) or not takes_json(app, method, rule):
            continue
        calls = {
            415: {"data": "name=x", "content_type": "application/x-www-form-urlencoded"},
            400: {"data": '{"name": ', "content_type": "application/json"},
            422: {"data": '["x"]', "content_type": "application/json"},
        }
        for status, sent in calls.items():
            answer = client.open(address, method=method, **sent)
            answered_each = "batch" in address and status == 422  # a batch answers each message on its own
            if not answered_each and (answer.status_code != status or refusal_is_wrong(answer)):
                wrong.append(f"{method} {address}: {answer.status_code} where {status} is due, {answer.text[:120]}")
        text = client.open(address, method=method, data="hello", content_type="text/plain")
        if text.status_code != 415:
            wrong.append(f"{method} {address}: text/plain got {text.status_code}")
    assert wrong == []


def test_every_write_tells_all_problems_at_once(app: Flask, client: ApiClient, estate: Estate) -> None:
    wrong, seen = [], 0
    for method, address, rule in routes(app, estate):
        if method not in _WRITES or is_public(app, method, rule) or not takes_json(app, method, rule) or "/email/send" in address or "/v1/send" in address:
            continue
        answer = client.open(address, method=method, json={"colour": "red", "shape": "round"})
        named = {problem["param"] for problem in (answer.json or {}).get("errors", ())}
        if answer.status_code != 422 or not {"colour", "shape"} <= named or refusal_is_wrong(answer):
            wrong.append(f"{method} {address}: {answer.status_code} {answer.text[:200]}")
        seen += 1
    assert wrong == [] and seen > 30


def test_a_body_over_the_limit_is_refused(app: Flask, client: ApiClient, estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 2000)
    body, wrong = '{"name": "' + "x" * 3000 + '"}', []
    for method, address, rule in routes(app, estate):
        if method in _WRITES and not is_public(app, method, rule) and takes_json(app, method, rule) and "/send" not in address:
            answer = client.open(address, method=method, data=body, content_type="application/json")
            if answer.status_code != 413 or refusal_is_wrong(answer):
                wrong.append(f"{method} {address}: {answer.status_code} {answer.text[:120]}")
    assert wrong == []


def test_what_is_not_there_and_what_is_not_taken(app: Flask, client: ApiClient) -> None:
    for path in ("/api/v1/nothing", "/v1/nothing", "/api/nothing", "/api/v1/pools/not-an-id", "/api/v1/pools/"):
        answer = client.get(path)
        assert answer.status_code == 404 and refusal_is_wrong(answer) is None, path
    wrong = []
    for rule in app.url_map.iter_rules():
        taken = rule.arguments or "PATCH" in (rule.methods or ()) or rule.rule in ("/api/v1/email/send", "/api/v1/openapi.json")
        if rule.rule.startswith("/api/v1/") and not taken:
            answer = client.patch(rule.rule, json={})
            if answer.status_code != 405 or refusal_is_wrong(answer) or "Allow" not in answer.headers:
                wrong.append(f"PATCH {rule.rule}: {answer.status_code}")
    assert wrong == []


def test_every_error_page_that_answers_link_to_exists(app: Flask, cast: Cast) -> None:
    page = app.test_client().get("/docs/errors").text
    assert [code for code in sorted(CODES) if f'id="{code}"' not in page] == []


def test_every_object_that_can_be_changed_can_be_held_by_its_etag(app: Flask) -> None:
    """Each PATCH has a GET beside it, so that If-Match means something."""
    without = []
    for rule in app.url_map.iter_rules():
        view = getattr(app.view_functions[rule.endpoint], "view_class", None)
        changes = rule.rule.startswith("/api/v1/") and "PATCH" in (rule.methods or ())
        if changes and (view is None or not issubclass(view, MethodView) or reader_of(view) is None):
            without.append(rule.rule)
    assert set(without) - NO_READER.keys() == set()


#: Writes without a read at the same address, each with the reason.
NO_READER = {
    "/api/v1/email/<message_id>": "the Sending API: a compare-and-set of its own refuses what was claimed already",
    "/api/v1/pools/<uuid:pool_id>/members/<uuid:member_id>": "members are read as a list",
}


def test_pages_hold_every_object_once_while_rows_come_and_go(app: Flask, client: ApiClient, estate: Estate) -> None:
    """Walk each list one by one; what it held at the beginning is met once, in the same order."""
    wrong, walked = [], 0
    for method, address, rule in routes(app, estate):
        if method != "GET":
            continue
        answer = client.get(address, query_string={"limit": "100"})
        body: Any = answer.json if answer.is_json else {}
        if answer.status_code != 200 or not isinstance(body, dict) or "pagination" not in body or len(body["data"]) < 2:
            continue
        if not takes_cursor(app, rule):
            continue
        walked += 1
        found, cursor = [], None
        for _ in range(len(body["data"])):
            page: Any = client.get(address, query_string={"limit": "1", **({"cursor": cursor} if cursor else {})}).json
            found += page["data"]
            cursor = page["pagination"]["next_cursor"]
            if cursor is None:
                break
        if [_key(entry) for entry in found] != [_key(entry) for entry in body["data"]][: len(found)] or len(found) != len(body["data"]):
            wrong.append(f"{address}: {len(found)} of {len(body['data'])}")
    assert wrong == [] and walked >= 5


def _key(entry: Any) -> Any:
    return entry.get("id") if isinstance(entry, dict) and "id" in entry else entry


def test_a_cursor_stays_right_while_rows_are_added_and_deleted(client: ApiClient) -> None:
    ids = [client.post("/api/v1/pools", json={"name": f"p{n}"}).json["data"]["id"] for n in range(6)]
    first = client.get("/api/v1/pools?limit=2").json
    assert [pool["id"] for pool in first["data"]] == [ids[5], ids[4]]
    client.post("/api/v1/pools", json={"name": "newer"})
    for gone in (ids[4], ids[3]):  # the one the cursor stands on, and the next
        assert client.delete(f"/api/v1/pools/{gone}").status_code == 200
    second = client.get(f"/api/v1/pools?limit=2&cursor={first['pagination']['next_cursor']}").json
    assert [pool["id"] for pool in second["data"]] == [ids[2], ids[1]]


def test_the_matrix_names_every_write(app: Flask) -> None:
    """The bodies above are those of the tenancy matrix; a write that is not in it is not walked."""
    known = {entry.split(" ", 1)[1] for entry in ROUTES} | NO_ID.keys()
    absent = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1/") and rule.arguments} - known
    assert absent == set()
