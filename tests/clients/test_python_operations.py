"""The generated part of the Python client: up to date, complete, and every example of the documentation works through it."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from flask import Flask
from postbridge_client import Page, Postbridge, PostbridgeError, ValidationFailed, etag
from postbridge_client.errors import Conflict

from scripts.client_code import argument
from scripts.make_client import TARGET, generated
from tests.docs.player import Print
from tests.docs.test_examples import differences
from tests.docs.world import World
from webapp.documentation.openapi import operations
from webapp.documentation.openapi.examples import recorded
from webapp.http.api import document_of
from webapp.kernel.scope import Mode


def test_the_generated_files_are_up_to_date(app: Flask) -> None:
    """Write them anew with `.venv/bin/python scripts/make_client.py`."""
    made = generated(document_of(app))
    there = {path.name: path.read_text() for path in TARGET.glob("*.py")}
    assert {name for name in made.keys() | there.keys() if made.get(name) != there.get(name)} == set()


def test_every_operation_is_a_method_with_all_its_fields(app: Flask) -> None:
    document, missing = document_of(app), []
    for _, _, operation in operations(document):
        method = getattr(Postbridge, operation["operationId"], None)
        if method is None:
            missing.append(operation["operationId"])
            continue
        known = inspect.signature(method).parameters.keys()
        own = [p["name"] for p in operation.get("parameters", []) if p["name"] not in ("If-None-Match", "Idempotency-Key")]
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        missing += [f"{operation['operationId']}: {name}" for name in (*own, *schema.get("properties", {})) if argument(name) not in known]
    assert not missing


@pytest.mark.timeout(300)
def test_every_example_works_through_the_client(world: World, address: str) -> None:
    edition, wrong = Print(world.aliases, world.ports), []
    clients = {key: Postbridge(address, world.cast.owner.keys[mode]) for key, mode in (("live", Mode.LIVE), ("sandbox", Mode.SANDBOX))}
    clients["none"] = Postbridge(address, "none")
    names = {"get_domain_records": ("domain_id", "domain"), "get_email": ("message_id", "message")}
    for example in recorded():
        asked = edition.to_here(example["request"])
        if (known := names.get(example["operation"])) is not None:
            world.known.setdefault(known[1], asked["path"][known[0]])
        if example.get("before"):
            world.happen(example["before"])
        if asked.get("content_type") == "multipart/form-data" or "If-None-Match" in asked.get("headers", {}):
            continue  # the client sends files as JSON, and has no cache
        got = _call(clients[example.get("key", "live")], example["operation"], asked)
        printed = _unwrapped(example["answer"])
        edition.learn(printed, got)
        wrong += [f"{example['operation']}: {problem}" for problem in differences(printed, got)]
    for client in clients.values():
        client.close()
    assert not wrong


def _call(client: Postbridge, name: str, asked: dict[str, Any]) -> Any:
    body = asked.get("body")
    fields = body if isinstance(body, dict) else {}
    given = {**fields, **asked.get("query", {}), **{key.lower(): value for key, value in asked.get("headers", {}).items()}}
    texts = [] if body is None or isinstance(body, dict) else [body]
    act = client.request if name == "send_raw_email" and texts else getattr(client, name)
    if texts and name == "send_raw_email":
        return act("POST", "/api/v1/email/send/raw", body=body, content_type="message/rfc822", keyed=True)
    found = act(*asked.get("path", {}).values(), *texts, **{argument(key): value for key, value in given.items()})
    return found.items if isinstance(found, Page) else found


def _unwrapped(answer: Any) -> Any:
    return answer["data"] if isinstance(answer, dict) and "meta" in answer else answer


def test_pages_are_gone_through(world: World, address: str) -> None:
    with Postbridge(address, world.cast.owner.keys[Mode.LIVE]) as client:
        made = [client.create_role(name=f"Role {i}", permissions=["email.send"])["id"] for i in range(5)]
        assert [role["id"] for role in client.iter_roles(limit=2)] == made[::-1]
        page = client.list_roles(limit=2)
        assert page.has_more and len(page.items) == 2


def test_if_match_and_replays(world: World, address: str) -> None:
    with Postbridge(address, world.cast.owner.keys[Mode.LIVE]) as client:
        role = client.create_role(name="One", permissions=["email.send"], idempotency_key="role-1")
        again = client.create_role(name="One", permissions=["email.send"], idempotency_key="role-1")
        assert again == role
        assert again.replayed  # type: ignore[attr-defined]
        read = client.get_role(role["id"])
        client.update_role(role["id"], name="Two", if_match=etag(read))
        with pytest.raises(Conflict, match="has changed"):
            client.update_role(role["id"], name="Three", if_match=etag(read))


def test_refusals_say_everything(world: World, address: str) -> None:
    with Postbridge(address, world.cast.owner.keys[Mode.SANDBOX]) as client, pytest.raises(ValidationFailed) as refused:
        client.send_email(from_="nobody", to=["jo@example.net", "no address"], subject="Hi", text="Hi")
    error = refused.value
    assert (error.status, error.code, error.retryable) == (422, "validation_error", False)
    assert error.doc_url is not None and error.doc_url.endswith("/docs/errors#validation_error")
    assert error.request_id is not None and error.request_id.startswith("req_")
    assert {"from", "to[1]"} <= {problem.param for problem in error.problems}
    with Postbridge(address, "mp_live_wrong") as client, pytest.raises(PostbridgeError) as unknown:
        client.list_bridges()
    assert unknown.value.status == 401
