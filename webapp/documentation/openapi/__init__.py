"""What turns the document that flask-smorest makes out of the routes into one that says everything: names, permissions, headers, refusals, examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from webapp.documentation.openapi import answers, examples, names, schemas, tags
from webapp.http.guard import Access

METHODS = ("get", "put", "post", "patch", "delete")
PREFIX = "/api/v1"

#: (METHOD, path as in the document) -> who may call it.
Marks = Mapping[tuple[str, str], Access]

__all__ = ["METHODS", "PREFIX", "Marks", "complete", "operations"]


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each operation as ``(METHOD, path, operation)``, in the order of the document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def complete(document: dict[str, Any], marks: Marks, public_url: str) -> dict[str, Any]:
    """The same document, complete. ``public_url``: address of this server, without a slash at its end."""
    document["servers"] = [{"url": public_url, "description": "This server"}]
    document["info"]["description"] = tags.ABOUT
    schemas.mend(document)
    for item in document["paths"].values():
        _spread(item)
    for method, path, operation in operations(document):
        access = marks.get((method, path), Access(word="signed_in"))
        operation["operationId"] = names.operation_id(method, path, is_list=_is_list(operation))
        _words(operation, access)
        answers.add(method, path, operation, is_public=access.word == "public")
    document["components"] |= {"headers": answers.HEADERS, "responses": answers.refusals(public_url)}
    document["tags"] = tags.described(document.get("tags", []))
    examples.attach(document)
    return document


def _spread(item: dict[str, Any]) -> None:
    """Parameters that all operations of an address share stand with each of them: many readers look nowhere else."""
    shared = item.pop("parameters", [])
    for method in METHODS:
        if shared and method in item:
            item[method]["parameters"] = [*shared, *item[method].get("parameters", [])]


def _is_list(operation: dict[str, Any]) -> bool:
    answer = operation["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return str(answer.get("$ref", "")).endswith("Page")


def _words(operation: dict[str, Any], access: Access) -> None:
    """A short summary; the rest of it, and the permission, in the description."""
    first, _, rest = operation.get("summary", "").partition(". ")
    if len(first) > 40 and "; " in first:
        first, _, more = first.partition("; ")
        rest = f"{more[:1].upper()}{more[1:]}{'. ' + rest if rest else ''}"
    operation["summary"] = first.rstrip(".")
    said = [" ".join(text.split()) for text in (rest, operation.get("description", "")) if text]
    said = [text if text.endswith((".", "`")) else f"{text}." for text in said]
    if access.permission is not None:
        operation["x-permission"] = access.permission.value
        said.append(f"Permission: `{access.permission.value}`.")
    elif access.word == "public":
        operation["security"] = []
    else:
        said.append("Any valid key may ask.")
    if said:
        operation["description"] = "\n\n".join(said)
