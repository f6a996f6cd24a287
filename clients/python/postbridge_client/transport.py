"""HTTP over connections that are kept: one pool a client, safe for threads, with the standard library alone."""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from postbridge_client.errors import ConnectionFailed


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Transport:
    """``timeout``: seconds for connecting and for each read. ``pool``: connections that are kept when idle."""

    def __init__(self, url: str, *, timeout: float, pool: int, context: ssl.SSLContext | None) -> None:
        self.parts: SplitResult = urlsplit(url)
        if self.parts.scheme not in ("http", "https") or not self.parts.hostname:
            raise ValueError(f"Not the address of a server: {url!r}; write https://mail.example.com")
        self.prefix = self.parts.path.rstrip("/")
        self._timeout = timeout
        self._context = context or (ssl.create_default_context() if self.parts.scheme == "https" else None)
        self._idle: deque[http.client.HTTPConnection] = deque(maxlen=pool)
        self._lock = threading.Lock()

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """One request and its whole answer. Raises ``ConnectionFailed``."""
        connection = self._take()
        try:
            connection.request(method, self.prefix + path, body, headers)
            response = connection.getresponse()
            answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise ConnectionFailed(f"{self.parts.netloc}: {error or type(error).__name__}", code="connection_failed", retryable=True) from error
        self._give_back(connection, response)
        return answer

    def lines(self, path: str, headers: dict[str, str]) -> Iterator[tuple[int, str]]:
        """A GET whose answer is read line by line as it comes: ``(status, line)``. Has a connection of its own. Raises ``ConnectionFailed``."""
        connection = self._open()
        try:
            connection.request("GET", self.prefix + path, None, headers)
            response = connection.getresponse()
            while line := response.readline(1_000_000):
                yield response.status, line.decode("utf-8", "replace").rstrip("\r\n")
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionFailed(f"{self.parts.netloc}: {error or type(error).__name__}", code="connection_failed", retryable=True) from error
        finally:
            connection.close()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def _take(self) -> http.client.HTTPConnection:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._open()
            if connection.sock is not None and not _is_readable(connection.sock):
                return connection
            connection.close()  # the server closed it while it was idle

    def _open(self) -> http.client.HTTPConnection:
        host, port = str(self.parts.hostname), self.parts.port
        if self.parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout)

    def _give_back(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        if response.will_close or connection.sock is None:
            connection.close()
            return
        with self._lock:
            oldest = self._idle.popleft() if len(self._idle) == self._idle.maxlen and self._idle else None
            self._idle.append(connection)
        if oldest is not None:
            oldest.close()


def _is_readable(sock: socket.socket) -> bool:
    """An idle connection that has something to read was closed, or speaks out of turn: useless either way."""
    poll = getattr(select, "poll", None)
    if poll is None:
        return bool(select.select([sock], [], [], 0)[0])
    poller = poll()
    poller.register(sock, select.POLLIN)
    return bool(poller.poll(0))
