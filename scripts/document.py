"""The OpenAPI document of the application in this checkout, and its parts by tag. Needs no database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

#: Operations a file.
_MOST = 24
_REF = "#/components/schemas/"
Operation = tuple[str, str, dict[str, Any]]


def api_document() -> dict[str, Any]:
    """As clients get it."""
    os.environ.setdefault("DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")
    from webapp.app import create_app
    from webapp.http.api import document_of

    return document_of(create_app())


def by_tag(document: dict[str, Any]) -> dict[str, list[Operation]]:
    """Tag -> its operations ``(METHOD, path, operation)``, in the order of the document."""
    from webapp.documentation.openapi import operations

    found: dict[str, list[Operation]] = {}
    for operation in operations(document):
        found.setdefault(operation[2]["tags"][0], []).append(operation)
    return {name: part for tag, whole in found.items() for name, part in _parts(tag, whole).items()}


def _parts(tag: str, operations: list[Operation]) -> dict[str, list[Operation]]:
    """A tag with many operations by the first word of their addresses, so that no file grows too long."""
    if len(operations) <= _MOST:
        return {tag: operations}
    parts: dict[str, list[Operation]] = {}
    for operation in operations:
        parts.setdefault(f"{tag} {operation[1].split('/')[3]}", []).append(operation)
    return parts


def schemas_by_tag(document: dict[str, Any]) -> dict[str, list[str]]:
    """Tag -> schemas that its operations use first; envelopes and errors are left out: the client opens them."""
    schemas = document["components"]["schemas"]
    homes: dict[str, str] = {}
    for tag, operations in by_tag(document).items():
        for _, _, operation in operations:
            waiting = list(refs([operation.get("requestBody"), operation["responses"], operation.get("parameters")]))
            while waiting:
                name = waiting.pop(0)
                if homes.setdefault(name, tag) == tag:
                    waiting += [inner for inner in refs(schemas[name]) if inner not in homes]
    used = {name: tag for name, tag in homes.items() if not is_envelope(schemas[name])}
    return {tag: [name for name in schemas if used.get(name) == tag] for tag in dict.fromkeys(used.values())}


def is_envelope(schema: dict[str, Any]) -> bool:
    """``{"ok", "data" or "error", "meta"}``."""
    return {"ok", "meta"} <= schema.get("properties", {}).keys()


def refs(part: Any) -> Iterator[str]:
    """Names of the schemas that a part of the document refers to."""
    if isinstance(part, dict):
        if str(part.get("$ref", "")).startswith(_REF):
            yield part["$ref"].removeprefix(_REF)
        for inner in part.values():
            yield from refs(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from refs(inner)
