"""One small GET of a checked address, for certificates and confirmations: the connection goes to the address that was checked, redirects are not followed."""

from __future__ import annotations

import http.client
import socket
import ssl
from urllib.parse import urlsplit

from webapp.kernel import egress

_SECONDS, _MOST = 5.0, 64 * 1024


class _Pinned(http.client.HTTPSConnection):
    def __init__(self, host: str, address: str, port: int) -> None:
        super().__init__(host, port, timeout=_SECONDS, context=ssl.create_default_context())
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), _SECONDS)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


def fetch(url: str) -> bytes:
    """The body, of at most 64 KiB. Raises ``EgressRefused`` for a private address and ``OSError`` for any other failure."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = _Pinned(host, egress.addresses_of(host)[0], parts.port or 443)
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        answer = connection.getresponse()
        body = answer.read(_MOST + 1)
    except http.client.HTTPException as error:
        raise OSError(str(error)) from None
    finally:
        connection.close()
    if answer.status != 200 or len(body) > _MOST:
        raise OSError(f"{host} answered {answer.status} with {len(body)} octets")
    return body
