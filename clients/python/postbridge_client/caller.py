"""From arguments to requests, and from answers to results; retries."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from postbridge_client.errors import ConnectionFailed, PostbridgeError, error_of
from postbridge_client.results import Page, Record
from postbridge_client.transport import Answer, Transport

VERSION = "1.0.0"


class _Unset:
    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNSET"


#: An argument that was not given: None is a value of its own (null).
UNSET: Final[Any] = _Unset()
#: Seconds before the first retry; doubled each time, half of it by chance.
_PAUSE, _LONGEST = 0.5, 20.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``repeatable``: may be sent again when it is unknown whether the first one was acted on."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None
    repeatable: bool


class Caller:
    """Sends requests with the key. Base of the generated operations."""

    def __init__(self, transport: Transport, api_key: str, retries: int) -> None:
        self.transport = transport
        self._api_key = api_key
        self._retries = retries

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = UNSET,
        headers: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        keyed: bool = False,
    ) -> Any:
        """Send one request and return the JSON of the answer, or its text. Raises ``PostbridgeError``.

        For operations that this version does not know. ``path``: from ``/api/v1`` on. ``keyed``: the operation takes an idempotency key, so give it one.
        """
        return self._read(self._send(self._call(method, path, query, body, headers, content_type, keyed)))

    def _call(self, method: str, path: str, query: Any, body: Any, headers: Any, content_type: str, keyed: bool) -> Call:
        sent = {"Authorization": f"Bearer {self._api_key}", "Accept": "application/json", "User-Agent": f"postbridge-client/{VERSION}"}
        sent |= {name: str(value) for name, value in (headers or {}).items() if value is not UNSET and value is not None}
        if keyed and "Idempotency-Key" not in sent:
            sent["Idempotency-Key"] = str(uuid.uuid4())
        given = {name: _in_query(value) for name, value in (query or {}).items() if value is not UNSET and value is not None}
        target = f"{path}?{urlencode(given, doseq=True)}" if given else path
        encoded = None
        if body is not UNSET:
            encoded = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(_given(body)).encode()
            sent["Content-Type"] = content_type
        return Call(method, target, sent, encoded, method in ("GET", "DELETE", "PUT") or "Idempotency-Key" in sent)

    def _send(self, call: Call) -> Answer:
        """Try until there is an answer that another try would not change."""
        for attempt in range(self._retries + 1):
            is_last = attempt == self._retries
            try:
                answer = self.transport.send(call.method, call.path, call.headers, call.body)
            except ConnectionFailed:
                if is_last or not call.repeatable:
                    raise
                time.sleep(_pause(attempt, None))
                continue
            if answer.status < 400:
                return answer
            error = error_of(answer.status, _decoded(answer), answer.headers)
            # What was refused for its rate was not done; after a 5xx that is not known.
            if is_last or not (error.status == 429 or (error.retryable and call.repeatable)):
                raise error
            time.sleep(_pause(attempt, error.retry_after))
        raise AssertionError("unreachable")

    def _read(self, answer: Answer) -> Any:
        content = _decoded(answer)
        if not isinstance(content, dict):
            return content
        is_envelope = content.get("ok") is True and "meta" in content
        found = content.get("data") if is_envelope and "pagination" not in content else content
        if not isinstance(found, dict):
            return found
        record = Record(found)
        record.etag = answer.headers.get("etag")
        record.request_id = answer.headers.get("x-request-id")
        record.replayed = answer.headers.get("idempotent-replayed") == "true"
        return record

    def _page(self, method: str, path: str, *, query: Mapping[str, Any] | None = None, **more: Any) -> Page[Any]:
        found = self.request(method, path, query=query, **more)
        return Page(found["data"], found["pagination"]["next_cursor"])

    def _pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Any]:
        cursor = None
        while True:
            page = self._page("GET", path, query={**query, "cursor": cursor})
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return


def in_path(value: object) -> str:
    """A value as one step of an address."""
    return quote(str(value), safe="@")


def _in_query(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [_in_query(inner) for inner in value] if isinstance(value, list | tuple) else value


def _given(body: Any) -> Any:
    return {name: value for name, value in body.items() if value is not UNSET} if isinstance(body, dict) else body


def _decoded(answer: Answer) -> Any:
    if not answer.body:
        return None
    text = answer.body.decode("utf-8", "replace")
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise PostbridgeError("The server sent something that is not JSON.", status=answer.status, code="unreadable_answer") from None


def _pause(attempt: int, retry_after: float | None) -> float:
    if retry_after is not None:
        return min(retry_after, 60.0)
    pause = min(_PAUSE * 2.0**attempt, _LONGEST)
    return pause / 2 + random.random() * pause / 2
