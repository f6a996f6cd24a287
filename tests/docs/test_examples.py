"""The examples of the OpenAPI document are recorded from this application, and still what it does.

After a change of the API: add or change steps in `scenario/`, then RECORD_EXAMPLES=1 ./run test tests/docs/test_examples.py
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openapi_schema_validator import OAS31Validator

from tests.docs.player import Print, ask, filled, saved
from tests.docs.scenario import STEPS
from tests.docs.world import World
from webapp.documentation.openapi import operations
from webapp.documentation.openapi.examples import recorded
from webapp.settings import ROOT

_FILE = ROOT / "webapp" / "documentation" / "examples.json"


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    """As clients get it."""
    return dict(app.test_client().get("/api/v1/openapi.json").json or {})


def addresses(document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """operationId -> (METHOD, path)."""
    return {operation["operationId"]: (method, path) for method, path, operation in operations(document)}


def _name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


@pytest.mark.skipif("RECORD_EXAMPLES" not in os.environ, reason="the examples are only replayed")
@pytest.mark.timeout(300)
def test_record_the_examples(world: World, document: dict[str, Any]) -> None:
    """Writes `examples.json`."""
    known, edition, found, wrong = addresses(document), Print(world.aliases, world.ports), [], []
    for step in STEPS:
        if step.before:
            world.happen(step.before)
        try:
            asked = edition.to_here(filled(step, world.known))
        except KeyError as absent:
            wrong.append(f"{step.operation} ({step.title}): nobody saved {absent}")
            continue
        answer = ask(world, known[step.operation], asked, step.key)
        if answer.status >= 400:
            wrong.append(f"{step.operation} ({step.title}): {answer.status} {answer.content}")
            continue
        world.known |= saved(step, answer)
        more = {name: value for name, value in (("before", step.before), ("key", step.key)) if value not in ("", "live")}
        request = {name: part if name == "headers" else edition.to_print(part) for name, part in asked.items()}
        about = {"operation": step.operation, "name": _name(step.title), "title": step.title}
        found.append({**about, **more, "request": request, "status": answer.status, "answer": edition.to_print(answer.content)})
    assert not wrong, "\n".join(wrong)
    Path(_FILE).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


@pytest.mark.timeout(300)
@pytest.mark.skipif("RECORD_EXAMPLES" in os.environ, reason="they are being recorded")
def test_every_example_is_what_the_application_does(world: World, document: dict[str, Any]) -> None:
    """In their order, with the ids of this run; status and form are as printed, and every answer is as its schema says."""
    known, edition = addresses(document), Print(world.aliases, world.ports)
    wrong: list[str] = []
    for example in recorded():
        where = f"{example['operation']} ({example['title']})"
        world.known |= _by_name(example, edition)
        if example.get("before"):
            world.happen(example["before"])
        answer = ask(world, known[example["operation"]], edition.to_here(example["request"]), example.get("key", "live"))
        if answer.status != example["status"]:
            wrong.append(f"{where}: {answer.status} instead of {example['status']}: {answer.content}")
            break
        edition.learn(example["answer"], answer.content)
        wrong += [f"{where}: {problem}" for problem in differences(example["answer"], answer.content)]
        wrong += [f"{where}: {problem}" for problem in breaches(document, known[example["operation"]], answer.status, answer.content)]
    assert not wrong, "\n".join(wrong)


def _by_name(example: dict[str, Any], edition: Print) -> dict[str, Any]:
    """What the world needs to know by name: the ids in this run's language."""
    path = edition.to_here(example["request"].get("path") or {})
    names = {"domain_id": "domain", "message_id": "message"}
    return {names[key]: value for key, value in path.items() if key in names and example["operation"] in ("get_domain_records", "get_email")}


def differences(printed: Any, here: Any, where: str = "answer") -> list[str]:
    """Where the form of an answer is no longer as printed. An answer may have grown since; null may stand for anything."""
    if isinstance(printed, dict) and isinstance(here, dict):
        if where.rpartition(".")[2] in ("metadata", "changes", "filters", "kept", "figures"):
            return []
        gone = [f"{where}.{name} is gone" for name in printed.keys() - here.keys()]
        return gone + [found for name in printed.keys() & here.keys() for found in differences(printed[name], here[name], f"{where}.{name}")]
    if isinstance(printed, list) and isinstance(here, list):
        return differences(printed[0], here[0], f"{where}[0]") if printed and here else []
    if printed is None or here is None or type(printed) is type(here) or {type(printed), type(here)} == {int, float}:
        return []
    return [f"{where} is {here!r}, printed as {printed!r}"]


def breaches(document: dict[str, Any], address: tuple[str, str], status: int, content: Any) -> list[str]:
    """How an answer breaks the schema that the document promises for its status."""
    method, path = address
    promised = document["paths"][path][method.lower()]["responses"].get(str(status))
    if promised is None:
        return [f"{status} is not documented"]
    schema = promised.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return []
    validator = OAS31Validator({**schema, "components": document["components"]})
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(content)]


#: Operations whose answer no run here can record, each with the reason.
_UNSEEN = {
    "report_from_provider: answer": "asks for the signature of the provider's own systems",
    "download_report: answer": "a worker has to make the file first; what it holds is tested with reports",
}


def test_every_operation_has_an_example(document: dict[str, Any]) -> None:
    """Of its answer, and of its request when it takes a body. Missing ones: add a step to `scenario/` and record."""
    missing = []
    for _, _, operation in operations(document):
        answers = [kind for status, answer in operation["responses"].items() if status[0] == "2" for kind in answer.get("content", {}).values()]
        if not any(kind.get("examples") for kind in answers):
            missing.append(f"{operation['operationId']}: answer")
        bodies = list(operation.get("requestBody", {}).get("content", {}).values())
        if bodies and not any(kind.get("examples") for kind in bodies):
            missing.append(f"{operation['operationId']}: request")
    assert set(missing) - _UNSEEN.keys() == set()
