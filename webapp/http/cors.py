"""Calls from web pages of other origins (Fetch, CORS): none unless the operator lists their origins. Cookies never go along, keys stand in a header."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.datastructures import Headers

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_PLACES = ("/api/", "/v1/", "/compat/")
#: What mail clients call has no key and needs none.
_NOT = ("/api/t/", "/api/unsub/", "/api/preferences/")
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_SENT = "Authorization, Content-Type, X-API-Key, Idempotency-Key, X-Idempotency-Key, If-Match, If-None-Match"
_SHOWN = "ETag, Idempotent-Replayed, Link, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"


class Cors:
    """WSGI middleware before all doors of the API. ``origins``: as browsers name them (https://app.example.com), or ``*`` for any."""

    def __init__(self, inner: Wsgi, origins: tuple[str, ...]) -> None:
        self.inner = inner
        self.origins = frozenset(origins)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path, origin = environ.get("PATH_INFO", ""), environ.get("HTTP_ORIGIN")
        if not path.startswith(_PLACES) or path.startswith(_NOT):
            return self.inner(environ, start_response)
        allowed = origin if origin and ("*" in self.origins or origin in self.origins) else None

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            said = Headers(headers)
            said.add("Vary", "Origin")
            if allowed:
                said["Access-Control-Allow-Origin"] = allowed
                said["Access-Control-Expose-Headers"] = _SHOWN
            return start_response(status, said.to_wsgi_list(), *([exc_info] if exc_info else []))

        if allowed and environ.get("REQUEST_METHOD") == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
            asked = [("Access-Control-Allow-Methods", _METHODS), ("Access-Control-Allow-Headers", _SENT), ("Access-Control-Max-Age", "600")]
            start("204 No Content", [*asked, ("Cache-Control", "no-store")])
            return []
        return self.inner(environ, start)
