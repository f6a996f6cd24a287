"""The Python client as its users import it, and servers for it to talk to."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wsgi import LimitedStream

from tests.docs.world import world
from webapp.settings import ROOT

sys.path.append(str(ROOT / "clients" / "python"))

__all__ = ["address", "world"]


class _KeepsOpen(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing: the application logs its requests itself."""


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The application behind a real socket."""

    def ends(environ: dict[str, Any], start_response: Any) -> Any:
        """Bodies end where they end, as at the real server: this one would wait for more."""
        environ["wsgi.input"] = LimitedStream(environ["wsgi.input"], int(environ.get("CONTENT_LENGTH") or 0))
        return app(environ, start_response)

    server = make_server("127.0.0.1", 0, ends, threaded=True, request_handler=_KeepsOpen)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)
    server.server_close()
