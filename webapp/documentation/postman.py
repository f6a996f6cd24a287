"""The OpenAPI document as a Postman collection (format 2.1): a folder a tag, the examples as saved answers, host and key as variables."""

from __future__ import annotations

import json
import re
from typing import Any

from webapp.documentation.openapi import operations
from webapp.documentation.openapi.examples import recorded

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_REASONS = {200: "OK", 201: "Created", 202: "Accepted", 304: "Not Modified"}


def collection(document: dict[str, Any]) -> dict[str, Any]:
    """The whole collection."""
    folders: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for method, path, operation in operations(document):
        folders[operation["tags"][0]].append(_item(method, path, operation))
    words = {tag["name"]: tag.get("description", "") for tag in document["tags"]}
    return {
        "info": {"name": document["info"]["title"], "description": document["info"]["description"], "schema": SCHEMA},
        "variable": [
            {"key": "host", "value": document["servers"][0]["url"], "type": "string"},
            {"key": "api_key", "value": "mp_test_YOUR_API_KEY", "type": "string"},
        ],
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{api_key}}", "type": "string"}]},
        "item": [{"name": tag, "description": words[tag], "item": items} for tag, items in folders.items() if items],
    }


def _item(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    known = [example for example in recorded() if example["operation"] == operation["operationId"]]
    first = known[0]["request"] if known else {}
    request = _request(method, path, operation, first)
    if operation.get("security") == []:
        request["auth"] = {"type": "noauth"}
    return {"name": operation["summary"], "request": request, "response": [_response(method, path, operation, example) for example in known]}


def _request(method: str, path: str, operation: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    headers = [{"key": name, "value": value, "type": "text"} for name, value in (asked.get("headers") or {}).items()]
    made: dict[str, Any] = {"method": method, "header": headers, "url": _url(path, operation, asked), "description": operation.get("description", "")}
    body, kind = asked.get("body"), asked.get("content_type", "application/json")
    if kind == "multipart/form-data" and isinstance(body, dict):
        made["body"] = {"mode": "formdata", "formdata": [{"key": name, "value": str(value), "type": "text"} for name, value in body.items()]}
    elif body is not None:
        text = body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
        headers.append({"key": "Content-Type", "value": kind, "type": "text"})
        made["body"] = {"mode": "raw", "raw": text, "options": {"raw": {"language": "json" if kind == "application/json" else "text"}}}
    return made


def _url(path: str, operation: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    given = asked.get("query") or {}
    parameters = operation.get("parameters", [])
    query = [
        {"key": p["name"], "value": _text(given.get(p["name"], "")), "disabled": p["name"] not in given, "description": p.get("description", "")}
        for p in parameters
        if p["in"] == "query"
    ]
    ids = [
        {"key": p["name"], "value": _text((asked.get("path") or {}).get(p["name"], "")), "description": p.get("description", "")}
        for p in parameters
        if p["in"] == "path"
    ]
    steps = [re.sub(r"\{(\w+)\}", r":\1", step) for step in path.strip("/").split("/")]
    sent = "&".join(f"{one['key']}={one['value']}" for one in query if not one["disabled"])
    raw = "{{host}}/" + "/".join(steps) + (f"?{sent}" if sent else "")
    return {"raw": raw, "host": ["{{host}}"], "path": steps, "query": query, "variable": ids}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _response(method: str, path: str, operation: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    answer = example["answer"]
    is_text = isinstance(answer, str)
    return {
        "name": example["title"],
        "originalRequest": _request(method, path, operation, example["request"]),
        "status": _REASONS.get(example["status"], ""),
        "code": example["status"],
        "_postman_previewlanguage": "text" if is_text else "json",
        "header": [{"key": "Content-Type", "value": "text/csv" if is_text else "application/json"}],
        "cookie": [],
        "body": answer if is_text else "" if answer is None else json.dumps(answer, indent=2, ensure_ascii=False),
    }
