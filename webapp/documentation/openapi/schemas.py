"""Schemas as JSON Schema 2020-12 reads them, and what answers always hold marked as required."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_REF = "#/components/schemas/"


def mend(document: dict[str, Any]) -> None:
    """``nullable`` is OpenAPI 3.0: 3.1 names null among the types. Answers hold all their fields, so clients may count on them."""
    schemas = document["components"].get("schemas", {})
    for part in (schemas, document["paths"]):
        for schema in _all(part):
            if "nullable" in schema:
                _allow_null(schema)
            if "enum" in schema and "null" in schema.get("type", ()) and None not in schema["enum"]:
                schema["enum"] = [*schema["enum"], None]
    asked, answered = _reached(document, "requestBody"), _reached(document, "responses")
    for name in answered - asked:
        schema = schemas[name]
        if "required" not in schema and schema.get("properties"):
            schema["required"] = sorted(key for key, field in schema["properties"].items() if not field.pop("x-optional", False))


def _allow_null(schema: dict[str, Any]) -> None:
    if schema.pop("nullable") and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]


def _all(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for inner in part.values():
            yield from _all(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _all(inner)


def _reached(document: dict[str, Any], part: str) -> set[str]:
    """Names of schemas that requests (or answers) are made of."""
    found: set[str] = set()
    waiting = [inner[part] for item in document["paths"].values() for inner in item.values() if isinstance(inner, dict) and part in inner]
    while waiting:
        for schema in list(_all(waiting.pop())):
            name = str(schema.get("$ref", "")).removeprefix(_REF)
            if name and name not in found and name in document["components"]["schemas"]:
                found.add(name)
                waiting.append(document["components"]["schemas"][name])
    return found
