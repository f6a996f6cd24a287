"""What stands before Flask: the key of a dialect becomes a Bearer token, and clients that drop the path of their base URL still find theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from webapp.dialects import DIALECTS, ROOT

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

#: Its Python client joins paths to the host alone, so its requests are known by this header.
_POSTMARK_KEY = "HTTP_X_POSTMARK_SERVER_TOKEN"
_PREFIX = f"{ROOT}/"


class DialectDoor:
    """WSGI: rewrites requests of dialects, hands everything on to ``app``."""

    def __init__(self, app: Wsgi) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        if _POSTMARK_KEY in environ and not path.startswith(_PREFIX):
            path = environ["PATH_INFO"] = f"{ROOT}/postmark{path}"
        if path.startswith(_PREFIX) and (dialect := DIALECTS.get(path[len(_PREFIX) :].partition("/")[0])):
            token = dialect.token(environ)
            environ["HTTP_AUTHORIZATION"] = f"Bearer {token}" if token else ""
            environ.pop("HTTP_X_API_KEY", None)
        return self.app(environ, start_response)
