"""Examples of requests and answers: recorded from a run against the real application (tests/documentation), which also replays them.

``examples.json`` holds them in the order in which they can be executed, starting from an empty tenant.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).resolve().parent.parent / "examples.json"


@functools.cache
def recorded() -> tuple[dict[str, Any], ...]:
    """All of them: ``operation``, ``title``, ``request`` (path, query, headers, body), ``status``, ``answer``. Do not change what it returns."""
    return tuple(json.loads(_FILE.read_text())) if _FILE.exists() else ()


def attach(document: dict[str, Any]) -> None:
    """Put each example beside its request body, parameters and answer."""
    by_name = {operation["operationId"]: operation for item in document["paths"].values() for operation in item.values() if "operationId" in operation}
    for example in recorded():
        if (operation := by_name.get(example["operation"])) is not None:
            _attach_request(operation, example)
            _attach_answer(operation, example)


def _attach_request(operation: dict[str, Any], example: dict[str, Any]) -> None:
    asked = example["request"]
    for parameter in operation.get("parameters", []):
        values = {"path": asked.get("path"), "query": asked.get("query"), "header": asked.get("headers")}.get(parameter.get("in")) or {}
        if parameter.get("name") in values:
            parameter.setdefault("example", values[parameter["name"]])
    kind = asked.get("content_type", "application/json")
    content = operation.get("requestBody", {}).get("content", {})
    if "body" in asked and kind in content:
        content[kind].pop("example", None)
        content[kind].setdefault("examples", {})[example["name"]] = {"summary": example["title"], "value": asked["body"]}


def _attach_answer(operation: dict[str, Any], example: dict[str, Any]) -> None:
    answer = operation["responses"].get(str(example["status"]), {})
    for content in answer.get("content", {}).values():
        content.pop("example", None)
        content.setdefault("examples", {})[example["name"]] = {"summary": example["title"], "value": example["answer"]}
