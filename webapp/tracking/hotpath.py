"""Pixel and click, before Flask: check the signature, note the hit in memory, answer. No database, and no Valkey round trip per hit.

Hits wait at most 20 ms in this process before one pipeline appends them to a Valkey stream. That window, and what Valkey's own
``appendfsync`` setting admits, is all that a crash can lose; while Valkey is away hits wait here, up to a bound.
"""

from __future__ import annotations

import collections
import json
import os
import string
import threading
import time
from collections.abc import Callable, Iterable
from multiprocessing.util import Finalize
from typing import Any
from urllib.parse import quote, unquote

import redis
import sqlalchemy.exc
import structlog

from webapp.domains.service import is_tracking_host
from webapp.kernel.jobs import QueueName, broker, wake_slots
from webapp.metrics import HITS as HIT_COUNTER
from webapp.tracking.hosts import bound_host
from webapp.tracking.stopped import is_stopped
from webapp.tracking.stream import HITS
from webapp.tracking.tokens import read_link_token, read_recipient_token

log = structlog.get_logger()
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
_OPEN, _CLICK = "/api/t/o/", "/api/t/c/"
#: The warning in place of a link of a tenant that was suspended for abuse.
_STOPPED = "/api/t/stopped"
#: What a tenant's tracking host shows besides hits: the unsubscribe page and its looks.
_ALSO_THERE = ("/api/unsub/", "/static/")
_COMMON = [("Cache-Control", "no-store, private, max-age=0"), ("X-Robots-Tag", "noindex"), ("X-Content-Type-Options", "nosniff")]
_PIXEL = [("Content-Type", "image/gif"), ("Content-Length", str(len(GIF))), *_COMMON]
_LOST = [("Content-Type", "text/plain; charset=utf-8"), *_COMMON]
_FLUSH_SECONDS = 0.02
_MOST_WAITING = 200_000


class HitBuffer:
    """Hits of this process on their way to Valkey."""

    def __init__(self) -> None:
        self._waiting: collections.deque[bytes] = collections.deque()
        self._ring = threading.Event()
        self._started: int | None = None
        self._lock = threading.Lock()
        self._flushing = threading.Lock()

    def add(self, hit: dict[str, Any]) -> None:
        """Take one hit. Past the bound (Valkey away for long) the oldest goes, counted in the log."""
        self._waiting.append(json.dumps(hit, separators=(",", ":")).encode())
        if self._started != os.getpid():
            self._start()
        if len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()
            log.error("hit_dropped", reason="Valkey has been away too long")
        if not self._ring.is_set():
            self._ring.set()

    def _start(self) -> None:
        with self._lock:
            if self._started != os.getpid():
                self._started = os.getpid()
                threading.Thread(target=self._serve, name="hits", daemon=True).start()
                # The web server's workers are multiprocessing children, which run these at their end, but nothing of atexit.
                Finalize(None, self.flush, exitpriority=10)

    def _serve(self) -> None:
        while True:
            self._ring.wait()
            time.sleep(_FLUSH_SECONDS)
            self._ring.clear()
            if not self.flush():
                time.sleep(1)
                self._ring.set()

    def flush(self) -> bool:
        """Append everything that waits to the stream. False when Valkey is away: nothing is dropped."""
        with self._flushing:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), 5000))]
            if not batch:
                return True
            try:
                pipe = broker().pipeline(transaction=False)
                for hit in batch:
                    pipe.xadd(HITS, {"d": hit})
                pipe.execute()
            except redis.RedisError as error:
                self._waiting.extendleft(reversed(batch))
                log.warning("broker_away", what="hits", waiting=len(self._waiting), error=str(error))
                return False
        wake_slots(QueueName.DEFAULT, "worker.jobs.tracking.aggregate", [0])
        if self._waiting:
            self._ring.set()
        return True


buffer = HitBuffer()


class HitDoor:
    """The WSGI callable in front of the application."""

    def __init__(self, inner: Wsgi) -> None:
        self.inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        host = bound_host(environ.get("HTTP_HOST", ""))
        if not path.startswith("/api/t/"):
            if host and not path.startswith(_ALSO_THERE) and _is_tracking_host(host):
                start_response("404 Not Found", _LOST)
                return [b"There is nothing at this address.\n"]
            return self.inner(environ, start_response)
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            start_response("405 Method Not Allowed", [*_LOST, ("Allow", "GET, HEAD")])
            return [b""]
        if path.startswith(_OPEN):
            return self._open(path[len(_OPEN) :], host, environ, start_response)
        if path.startswith(_CLICK):
            return self._click(path[len(_CLICK) :], host, environ, start_response)
        start_response("404 Not Found", _LOST)
        return [b"There is nothing at this address.\n"]

    def _open(self, token: str, host: str, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        who = read_recipient_token(token.removesuffix(".gif"), host=host)
        if who is None:
            start_response("404 Not Found", _PIXEL)
            return [GIF]
        if environ["REQUEST_METHOD"] == "GET":
            _note("open", who.message_id.hex, who.recipient_id.hex, None, environ)
        start_response("200 OK", _PIXEL)
        return [GIF]

    def _click(self, token: str, host: str, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        first, _, second = unquote(token).partition(".")
        who = read_recipient_token(first, host=host)
        url = read_link_token(second, who.message_id) if who else None
        if who is None or url is None or not url.startswith(("https://", "http://")) or any(ord(c) < 32 for c in url):
            start_response("404 Not Found", _LOST)
            return [b"This link is not one of ours, or it was changed on its way.\n"]
        if is_stopped(who.message_id):
            environ["PATH_INFO"] = _STOPPED
            return self.inner(environ, start_response)
        if environ["REQUEST_METHOD"] == "GET":
            _note("click", who.message_id.hex, who.recipient_id.hex, url, environ)
        # Exactly the stored address: only what a header cannot carry (spaces, other scripts) is written in its percent form.
        start_response("302 Found", [("Location", quote(url, safe=string.punctuation)), ("Content-Length", "0"), ("Referrer-Policy", "no-referrer"), *_COMMON])
        return [b""]


def _is_tracking_host(host: str) -> bool:
    """Whether the dashboard must not be shown there. While the database is away nobody can log in anyway."""
    try:
        return is_tracking_host(host)
    except sqlalchemy.exc.SQLAlchemyError:
        return False


_OPENS, _CLICKS = HIT_COUNTER.labels("open"), HIT_COUNTER.labels("click")


def _note(kind: str, message_id: str, recipient_id: str, url: str | None, environ: dict[str, Any]) -> None:
    (_OPENS if kind == "open" else _CLICKS).inc()
    buffer.add(
        {
            "k": kind,
            "m": message_id,
            "r": recipient_id,
            "u": url,
            "a": environ.get("HTTP_USER_AGENT", "")[:400],
            "i": environ.get("REMOTE_ADDR", ""),
            "t": int(time.time() * 1000),
        }
    )
