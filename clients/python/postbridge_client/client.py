"""The client: what every operation has in common. The operations themselves are generated from the OpenAPI document."""

from __future__ import annotations

import os
import ssl
from types import TracebackType

from postbridge_client._generated import Operations
from postbridge_client.transport import Transport


class Postbridge(Operations):
    """A server and a key. May be used from many threads; close it, or use it in a ``with``.

    ``url``, ``api_key``: else from POSTBRIDGE_URL and POSTBRIDGE_API_KEY. ``timeout``: seconds for connecting and for each read. ``retries``: how often a
    request that may be repeated is tried again. ``ssl_context``: to trust a certificate of your own.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 2,
        pool: int = 10,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        url = url or os.environ.get("POSTBRIDGE_URL", "")
        api_key = api_key or os.environ.get("POSTBRIDGE_API_KEY", "")
        if not url or not api_key:
            raise ValueError("Give the address of the server and an API key, or set POSTBRIDGE_URL and POSTBRIDGE_API_KEY.")
        self.url = url
        super().__init__(Transport(url, timeout=timeout, pool=pool, context=ssl_context), api_key, retries)

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def __enter__(self) -> Postbridge:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
