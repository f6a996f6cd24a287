"""The OpenAPI document: valid, complete, with words and examples, and quick to serve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from apispec import APISpec
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

_METHODS = {"get", "put", "post", "patch", "delete"}
_ADDRESS = "/api/v1/openapi.json"
_ABOUT_ITSELF = {_ADDRESS, "/api/v1/postman.json"}
#: The Sending API, which a plain WSGI door answers before Flask: it must be in the document all the same.
_SENDING = ("/api/v1/email/send", "/api/v1/email/send/batch")


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    """As clients get it."""
    answer = app.test_client().get(_ADDRESS)
    assert answer.status_code == 200
    return dict(answer.json or {})


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation with its name."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                yield f"{method.upper()} {path}", operation


def _resolved(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        inner: Any = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            inner = inner[step]
        value = inner
    return value


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_it_has_every_route_of_the_api(app: Flask, document: dict[str, Any]) -> None:
    written = {name for name, _ in operations(document)}
    routes = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") and rule.rule not in _ABOUT_ITSELF:
            path = rule.rule
            for converter in ("uuid:", "int:", "string:"):
                path = path.replace(f"<{converter}", "<")
            routes |= {f"{method} {path.replace('<', '{').replace('>', '}')}" for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert written == routes


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    assert [name for name, operation in operations(document) if not operation.get("summary")] == []


def test_names_of_operations_differ(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document) if "operationId" in operation]
    assert len(names) == len(set(names))


def test_every_operation_has_an_answer_and_the_error_envelope(document: dict[str, Any]) -> None:
    wrong = []
    for name, operation in operations(document):
        answers = operation["responses"]
        if not any(status.startswith("2") for status in answers):
            wrong.append(f"{name}: no good answer")
        refusals = [answers[status] for status in answers if status == "default" or status[0] in "45"]
        if not refusals:
            wrong.append(f"{name}: no refusal")
        for refusal in refusals:
            schema = _resolved(document, _resolved(document, refusal)["content"]["application/json"]["schema"])
            if not {"ok", "error", "meta"} <= schema.get("properties", {}).keys():
                wrong.append(f"{name}: another error than the envelope")
    assert not wrong


def test_both_ways_to_send_the_key_are_in_it(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"].values()
    assert {(scheme["type"], scheme.get("scheme") or scheme.get("name")) for scheme in schemes} == {("http", "bearer"), ("apiKey", "X-API-Key")}
    assert document["security"]


@pytest.mark.parametrize("path", _SENDING)
def test_sending_is_in_it_with_an_example(document: dict[str, Any], path: str) -> None:
    operation = document["paths"][path]["post"]
    contents = _resolved(document, operation["requestBody"])["content"]
    body = contents["application/json"]
    schema = _resolved(document, body["schema"])
    examples = [body.get("example"), *(inner.get("value") for inner in body.get("examples", {}).values()), schema.get("example"), *schema.get("examples", ())]
    properties = schema.get("properties", {}).values()
    assert any(examples) or any("example" in field or "examples" in field for field in properties)
    assert "202" in operation["responses"]
    assert {"200", "409", "422"} & operation["responses"].keys()


def test_a_single_send_takes_files_too_and_every_field_is_described(document: dict[str, Any]) -> None:
    contents = _resolved(document, document["paths"][_SENDING[0]]["post"]["requestBody"])["content"]
    assert "multipart/form-data" in contents
    fields = _resolved(document, contents["application/json"]["schema"])["properties"]
    wanted = "from from_name to cc bcc reply_to subject html text template variables headers attachments send_at expires_in tags metadata bridge stream"
    assert set(wanted.split()) == fields.keys()


def test_it_is_built_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    first = client.get(_ADDRESS)
    monkeypatch.setattr(APISpec, "to_dict", lambda self: pytest.fail("the document is built again"))
    assert client.get(_ADDRESS).get_data() == first.get_data()
    assert client.get(_ADDRESS, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
