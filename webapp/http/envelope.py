"""The JSON answers of the API, without Flask: shared by the API's blueprints and the plain-WSGI hot path."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import msgspec

from webapp.kernel.errors import DomainError
from webapp.settings import get_settings

#: What is said to a call of the API without a credential.
NO_KEY = "Send your API key as `Authorization: Bearer mp_...` or in the X-API-Key header."


def new_request_id() -> str:
    """``req_`` and 26 random characters: named in X-Request-Id, ``meta.request_id`` and every log line of the request."""
    return "req_" + os.urandom(13).hex()


def doc_url(code: str) -> str:
    """The page of this server that explains an error code."""
    return f"{get_settings().public_url.rstrip('/')}/docs/errors#{code}"


def error_object(error: DomainError) -> dict[str, Any]:
    """The ``error`` object alone, as it stands inside batch results too."""
    return {"code": error.code, "message": error.message, "param": error.param, "doc_url": doc_url(error.code), "retryable": error.retryable}


def error_body(error: DomainError, request_id: str) -> dict[str, Any]:
    """The envelope of a refusal; ``errors`` lists every problem when there is more than the headline."""
    body: dict[str, Any] = {"ok": False, "error": error_object(error)}
    if error.problems:
        body["errors"] = problem_objects(error)
    body["meta"] = {"request_id": request_id}
    return body


def problem_objects(error: DomainError) -> list[dict[str, Any]]:
    """Every problem of a refusal."""
    return [{"code": p.code, "message": p.message, "param": p.param} for p in error.problems]


def success_body(data: Any, request_id: str, pagination: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The envelope of the Management API."""
    body: dict[str, Any] = {"ok": True, "data": data}
    if pagination is not None:
        body["pagination"] = dict(pagination)
    body["meta"] = {"request_id": request_id}
    return body


def error_headers(error: DomainError) -> dict[str, str]:
    """Headers that go with a refusal."""
    headers = dict(error.headers)
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="postbridge"'
    return headers


def encode(body: Mapping[str, Any]) -> bytes:
    """Compact JSON in UTF-8."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # a lone surrogate that a client sent comes back in a message
        return json.dumps(body, separators=(",", ":")).encode()
