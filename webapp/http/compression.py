"""Compressed answers for browsers: pages, fragments and static files as gzip (RFC 9110 8.4), the largest static files as Brotli made beforehand.

Only what has a length, so streams stay streams. Secrets beside text of a stranger could leak by the size of the answer (BREACH); session cookies
are SameSite=Lax, so another site cannot make a browser ask for our pages over and over, and the token of a form is signed anew at each request.
"""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from werkzeug.datastructures import Headers

from webapp.settings import ROOT

#: Below this many bytes the frame costs more than it saves; above the other, memory counts more than the line.
_LEAST, _MOST = 1024, 4_000_000
_TEXT = ("text/", "application/json", "application/javascript", "application/vnd.oai", "image/svg+xml")
_KEPT_FILES = 64

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Compressed:
    """WSGI middleware. Static files are compressed once for each version and kept, at most 64 of them."""

    def __init__(self, inner: Wsgi, static: Path = ROOT / "webapp" / "static") -> None:
        """static: the folder behind ``/static/``; a file in it with a ``.br`` beside it is sent so to those who read Brotli."""
        self.inner = inner
        self.ready = {f"/static/{path.relative_to(static).as_posix().removesuffix('.br')}": path for path in static.rglob("*.br")}
        self.files: dict[str, bytes] = {}
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        accepted, path = environ.get("HTTP_ACCEPT_ENCODING", ""), environ.get("PATH_INFO", "")
        if "gzip" not in accepted or environ.get("REQUEST_METHOD") == "HEAD":
            return self.inner(environ, start_response)
        said: list[Any] = []

        def hold(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            said[:] = [status, Headers(headers), exc_info]
            # The old way of writing is not compressed; nothing here uses it.
            return lambda data: start_response(status, headers, exc_info)(data)

        body = self.inner(environ, hold)
        status, headers, exc_info = said
        if not _worth_it(status, headers):
            start_response(status, list(headers), exc_info)
            return body
        if path in self.ready and re.search(r"\bbr\b", accepted):
            _close(body)
            packed, encoding = self.ready[path].read_bytes(), "br"
        else:
            packed, encoding = self._pack(path, headers, body), "gzip"
        headers["Content-Encoding"], headers["Content-Length"] = encoding, str(len(packed))
        if (tag := headers.get("ETag")) and not tag.startswith("W/"):
            headers["ETag"] = f"W/{tag}"  # other bytes, same meaning
        start_response(status, list(headers), exc_info)
        return [packed]

    def _pack(self, path: str, headers: Headers, body: Iterable[bytes]) -> bytes:
        key = f"{path} {headers.get('ETag')}" if path.startswith("/static/") and headers.get("ETag") else None
        try:
            if key and (known := self.files.get(key)):
                return known
            packed = gzip.compress(b"".join(body), 9 if key else 4, mtime=0)
        finally:
            _close(body)
        if key:
            with self.lock:
                while len(self.files) >= _KEPT_FILES:
                    self.files.pop(next(iter(self.files)))
                self.files[key] = packed
        return packed


def _close(body: Iterable[bytes]) -> None:
    if close := getattr(body, "close", None):
        close()


def _worth_it(status: str, headers: Headers) -> bool:
    """Text of some length that nobody encoded yet; says in ``Vary`` that the answer depends on what the browser takes."""
    if not headers.get("Content-Type", "").startswith(_TEXT) or "Content-Encoding" in headers or status[:3] in ("204", "206", "304"):
        return False
    headers["Vary"] = ", ".join(filter(None, [headers.get("Vary"), "Accept-Encoding"]))
    length = headers.get("Content-Length", "")
    return length.isdigit() and _LEAST <= int(length) <= _MOST
