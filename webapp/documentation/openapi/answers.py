"""Headers and refusals of every operation, out of what the conventions promise (webapp/http)."""

from __future__ import annotations

from typing import Any

from webapp.documentation.errors import ERRORS, ErrorCode

_REQUEST = "req_5f0c2b9d6a7e41c8b3d2a1f09e"
_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "string", "pattern": "^[0-9]+$"}

HEADERS: dict[str, Any] = {
    "RequestId": {"description": "Names this request, as `meta.request_id` does; give it to support.", "schema": _TEXT, "example": _REQUEST},
    "RateLimitLimit": {"description": "Requests that this key may make in 60 seconds.", "schema": _NUMBER, "example": "600"},
    "RateLimitRemaining": {"description": "How many of them are left now.", "schema": _NUMBER, "example": "594"},
    "RateLimitReset": {"description": "Second of the epoch at which the next window begins.", "schema": _NUMBER, "example": "1778924040"},
    "RetryAfter": {"description": "Seconds to wait before the next try.", "schema": _NUMBER, "example": "12"},
    "ETag": {"description": "Names this state of the object: for `If-None-Match` and `If-Match`.", "schema": _TEXT, "example": 'W/"6f1d2c9a0b3e4f5a6b7c8d9e"'},
    "Authenticate": {"description": "How to prove who you are.", "schema": _TEXT, "example": 'Bearer realm="postbridge"'},
    "Replayed": {"description": "`true` when this is the first answer to the idempotency key, given again.", "schema": _TEXT, "example": "true"},
}  # fmt: skip
_LIMITS = {"X-RateLimit-Limit": "RateLimitLimit", "X-RateLimit-Remaining": "RateLimitRemaining", "X-RateLimit-Reset": "RateLimitReset"}

#: Status -> name of the shared response.
_NAMES = {
    400: "BadRequest", 401: "Unauthenticated", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 413: "PayloadTooLarge", 415: "UnsupportedMediaType",
    422: "ValidationFailed", 429: "RateLimited", 500: "InternalError", 503: "Unavailable",
}  # fmt: skip
_IF_NONE_MATCH = {
    "in": "header", "name": "If-None-Match", "required": False, "schema": _TEXT, "example": 'W/"6f1d2c9a0b3e4f5a6b7c8d9e"',
    "description": "The `ETag` of your last read: when nothing has changed the answer is 304 without a body.",
}  # fmt: skip


def refusals(public_url: str) -> dict[str, Any]:
    """The shared responses, each with an example of every code it may carry."""
    made: dict[str, Any] = {}
    for status, name in _NAMES.items():
        codes = [code for code in ERRORS if status in (code.status, *code.more)]
        headers = {"X-Request-Id": "RequestId", **({"Retry-After": "RetryAfter"} if status in (429, 503) else {})}
        if status == 401:
            headers["WWW-Authenticate"] = "Authenticate"
        content = {"schema": {"$ref": "#/components/schemas/Error"}, "examples": {code.code: _example(code, public_url) for code in codes}}
        said = " ".join(dict.fromkeys(code.meaning for code in codes))
        made[name] = {"description": said, "headers": _headers(headers), "content": {"application/json": content}}
    return made


def _example(code: ErrorCode, public_url: str) -> dict[str, Any]:
    error = {
        "code": code.code, "message": code.example, "param": code.param, "doc_url": f"{public_url}/docs/errors#{code.code}", "retryable": code.retryable,
    }  # fmt: skip
    body: dict[str, Any] = {"ok": False, "error": error}
    if code.code == "validation_error":
        body["errors"] = [{"code": code.code, "message": code.example, "param": code.param}]
    return {"summary": code.meaning, "value": {**body, "meta": {"request_id": _REQUEST}}}


def _headers(wanted: dict[str, str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{ref}"} for name, ref in wanted.items()}


def add(method: str, path: str, operation: dict[str, Any], *, is_public: bool) -> None:
    """Put headers on good answers, and name every refusal that is possible."""
    given = operation["responses"]
    good = {status: answer for status, answer in given.items() if status.startswith("2")}
    is_single = method == "GET" and "application/json" in _content(good) and not _is_page(good)
    for answer in good.values():
        headers = {"X-Request-Id": "RequestId", **({} if is_public else _LIMITS)}
        if is_single:
            headers["ETag"] = "ETag"
        if any(known.get("name") == "Idempotency-Key" for known in operation.get("parameters", [])):
            headers["Idempotent-Replayed"] = "Replayed"
        answer["headers"] = {**_headers(headers), **answer.get("headers", {})}
    if is_single:
        operation["parameters"] = [*operation.get("parameters", []), _IF_NONE_MATCH]
        good["304"] = {"description": "Nothing has changed since; no body.", "headers": _headers({"X-Request-Id": "RequestId", "ETag": "ETag"})}
    statuses = _possible(method, path, operation, is_public=is_public)
    operation["responses"] = {**good, **{str(status): {"$ref": f"#/components/responses/{_NAMES[status]}"} for status in statuses}}


def _content(good: dict[str, Any]) -> set[str]:
    return {kind for answer in good.values() for kind in answer.get("content", {})}


def _is_page(good: dict[str, Any]) -> bool:
    return any(str(kind.get("schema", {}).get("$ref", "")).endswith("Page") for answer in good.values() for kind in answer.get("content", {}).values())


def _possible(method: str, path: str, operation: dict[str, Any], *, is_public: bool) -> list[int]:
    has_body = "requestBody" in operation
    inputs = {known["in"] for known in operation.get("parameters", []) if "in" in known}
    found = {429, 500, 503}
    if not is_public or path.startswith("/api/v1/webhooks/"):
        found |= {401, 403} if not is_public else {401, 404}
    if has_body or inputs & {"query", "header"}:
        found.add(400)
    asks_by_id = any(known.get("schema", {}).get("format") == "uuid" for known in operation.get("parameters", []) if known.get("in") == "query")
    if "{" in path or has_body or asks_by_id:
        found.add(404)
    if any(known.get("schema", {}).get("format") != "uuid" for known in operation.get("parameters", []) if known.get("in") == "path"):
        found.add(422)  # an address or a name that is none
    if has_body or "query" in inputs:
        found.add(422)
    if has_body:
        found |= {413, 415}
    if method != "GET":
        found.add(409)
    return sorted(found)
