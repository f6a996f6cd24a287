"""The API reference as the page shows it, out of the OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from webapp.documentation.openapi import operations
from webapp.documentation.samples import Sample, highlighted, samples

_REF = "#/components/schemas/"
_DEEPEST = 2


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a field. ``place``: path, query, header or body."""

    name: str
    type: str
    required: bool
    description: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation."""

    name: str
    method: str
    path: str
    summary: str
    description: tuple[str, ...]
    permission: str | None
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answer: tuple[Field, ...]
    samples: tuple[Sample, ...]
    status: str
    example: str
    example_html: Markup
    refusals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The operations of one tag."""

    slug: str
    title: str
    description: str
    operations: tuple[tuple[str, str, str, str], ...]  # name, method, path, summary


def slug(tag: str) -> str:
    """A tag as an address."""
    return re.sub(r"[^a-z0-9]+", "-", tag.lower()).strip("-")


def groups(document: dict[str, Any]) -> list[Group]:
    """All tags with a line for each operation."""
    found: dict[str, list[tuple[str, str, str, str]]] = {tag["name"]: [] for tag in document["tags"]}
    for method, path, operation in operations(document):
        found[operation["tags"][0]].append((operation["operationId"], method, path, operation["summary"]))
    words = {tag["name"]: tag.get("description", "") for tag in document["tags"]}
    return [Group(slug(tag), tag, words[tag], tuple(lines)) for tag, lines in found.items() if lines]


def entries(document: dict[str, Any], wanted: str, base: str) -> list[Entry]:
    """The operations of the tag with this address, in full."""
    return [_Reader(document, base).entry(*one) for one in operations(document) if slug(one[2]["tags"][0]) == wanted]


class _Reader:
    """Reads operations of one document."""

    def __init__(self, document: dict[str, Any], base: str) -> None:
        self.document = document
        self.base = base

    def entry(self, method: str, path: str, operation: dict[str, Any]) -> Entry:
        asked, status, answer = _example(operation)
        text = answer if isinstance(answer, str) else "" if answer is None else json.dumps(answer, indent=2, ensure_ascii=False)
        contents = operation.get("requestBody", {}).get("content", {})
        schema: dict[str, Any] = next((kind.get("schema", {}) for kind in contents.values()), {})
        said = [part for part in operation.get("description", "").split("\n\n") if part and not part.startswith("Permission:")]
        return Entry(
            operation["operationId"], method, path, operation["summary"], tuple(said), operation.get("x-permission"),
            tuple(self._parameter(p) for p in operation.get("parameters", [])), tuple(self._fields(schema)), tuple(self._answer_fields(operation)),
            tuple(samples(self.base, method, path, operation["operationId"], asked)), status, text,
            highlighted(text, "json") if not isinstance(answer, str) else Markup.escape(text),
            tuple(code for code in operation["responses"] if code[0] in "45"),
        )  # fmt: skip

    def _parameter(self, parameter: dict[str, Any]) -> Field:
        schema = parameter.get("schema", {})
        return Field(parameter["name"], self._type(schema), bool(parameter.get("required")), parameter.get("description", ""), _choices(schema))

    def _answer_fields(self, operation: dict[str, Any]) -> Iterator[Field]:
        good: dict[str, Any] = next((answer for status, answer in operation["responses"].items() if status[0] == "2"), {})
        schema = self._resolved(good.get("content", {}).get("application/json", {}).get("schema", {}))
        data = schema.get("properties", {}).get("data", schema) if "meta" in schema.get("properties", {}) else schema
        yield from self._fields(data.get("items", data))

    def _fields(self, schema: dict[str, Any], before: str = "", depth: int = 1) -> Iterator[Field]:
        whole = self._resolved(schema)
        required = set(whole.get("required", ()))
        for name, field in whole.get("properties", {}).items():
            yield Field(f"{before}{name}", self._type(field), name in required, field.get("description", ""), _choices(field))
            inner = field.get("items", field)
            if "$ref" in inner and depth < _DEEPEST:
                yield from self._fields(inner, f"{before}{name}{'[]' if 'items' in field else ''}.", depth + 1)

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].removeprefix(_REF)]
        return schema

    def _type(self, schema: dict[str, Any]) -> str:
        if choices := schema.get("oneOf") or schema.get("anyOf"):
            return " or ".join(dict.fromkeys(self._type(choice) for choice in choices))
        kind = schema.get("type", "object" if "$ref" in schema else "any")
        kinds = [one for one in kind if one != "null"] if isinstance(kind, list) else [kind]
        if kinds == ["array"]:
            return f"list of {self._type(schema.get('items', {}))}"
        word = f"{schema['format']}" if schema.get("format") in ("uuid", "date-time", "email", "binary") else " or ".join(kinds)
        return f"{word}, or null" if isinstance(kind, list) and "null" in kind else word


def _choices(schema: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in schema.get("enum", ()) if value is not None)


def _example(operation: dict[str, Any]) -> tuple[dict[str, Any], str, Any]:
    """The first recorded example: request, status, answer. Without one, what parameters say of themselves."""
    from webapp.documentation.openapi.examples import recorded

    for example in recorded():
        if example["operation"] == operation["operationId"]:
            return example["request"], str(example["status"]), example["answer"]
    path = {p["name"]: p.get("example", p["name"].upper()) for p in operation.get("parameters", []) if p["in"] == "path"}
    return {"path": path}, next(iter(operation["responses"])), None
