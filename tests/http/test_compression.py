"""Answers are compressed for those who can read them, and only then."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from webapp.http.compression import Compressed


def _app(body: bytes, kind: str, **headers: str) -> Compressed:
    def inner(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return Response(body, content_type=kind, headers={name.replace("_", "-"): value for name, value in headers.items()})(environ, start_response)

    return Compressed(inner)


def _static(folder: Path, body: bytes) -> Compressed:
    (folder / "vendor").mkdir()
    (folder / "vendor" / "a.js.br").write_bytes(b"brotli")
    plain = _app(body, "text/javascript", ETag='"1"')
    return Compressed(plain.inner, folder)


def _get(app: Compressed, path: str = "/", accept: str = "gzip, br") -> Any:
    return Client(app).get(path, headers={"Accept-Encoding": accept})


def test_a_page_is_compressed_for_a_browser() -> None:
    answer = _get(_app(b"<p>hello</p>" * 500, "text/html; charset=utf-8", ETag='"a"'))
    assert answer.headers["Content-Encoding"] == "gzip" and answer.headers["ETag"] == 'W/"a"'
    assert answer.headers["Vary"] == "Accept-Encoding" and int(answer.headers["Content-Length"]) < 600
    assert gzip.decompress(answer.data) == b"<p>hello</p>" * 500


@pytest.mark.parametrize(
    ("body", "kind", "accept"),
    [(b"x" * 5000, "text/html", "identity"), (b"x" * 100, "text/html", "gzip"), (b"x" * 5000, "font/woff2", "gzip"), (b"x" * 5000, "image/png", "gzip")],
)
def test_the_rest_goes_as_it_is(body: bytes, kind: str, accept: str) -> None:
    answer = _get(_app(body, kind), accept=accept)
    assert "Content-Encoding" not in answer.headers and answer.data == body


def test_a_static_file_is_compressed_once_for_each_version() -> None:
    app = _app(b"a{}" * 1000, "text/css", ETag='"1"')
    first, second = _get(app, "/static/a.css"), _get(app, "/static/a.css")
    assert first.data == second.data and len(app.files) == 1


def test_what_varies_already_keeps_saying_so() -> None:
    assert _get(_app(b"x" * 2000, "text/html", Vary="Cookie")).headers["Vary"] == "Cookie, Accept-Encoding"


def test_a_file_with_brotli_beside_it_goes_so_to_those_who_read_it(tmp_path: Path) -> None:
    body = b"let a;" * 1000
    app = _static(tmp_path, body)
    answer = _get(app, "/static/vendor/a.js", "gzip, deflate, br")
    assert answer.headers["Content-Encoding"] == "br" and answer.data == b"brotli" and answer.headers["Content-Length"] == "6"
    assert answer.headers["ETag"] == 'W/"1"' and answer.headers["Vary"] == "Accept-Encoding"
    assert _get(app, "/static/vendor/a.js", "gzip, sbr").headers["Content-Encoding"] == "gzip"
    assert _get(app, "/static/vendor/b.js", "gzip, br").headers["Content-Encoding"] == "gzip"
    assert _get(app, "/static/vendor/a.js", "identity").data == body
