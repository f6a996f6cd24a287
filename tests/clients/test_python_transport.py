"""The hand-written part of the Python client: connections, retries, webhooks. Against a server that does what the test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from postbridge_client import ConnectionFailed, Postbridge, RateLimited, ServerFailed, webhooks
from standardwebhooks import Webhook

_REFUSAL = {"ok": False, "error": {"code": "x", "message": "Not now.", "param": None, "doc_url": "http://d", "retryable": True}, "meta": {"request_id": "r"}}


@dataclass
class Script:
    """``answers``: status and headers of the next answers, then 200. ``seen``: (method, path, idempotency key) of requests, ``peers``: connections."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    peers: set[int] = field(default_factory=set)
    close_after_each: bool = False


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def url(script: Script) -> Iterator[str]:
    """A server that follows the script."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            script.seen.append((self.command, self.path, self.headers.get("Idempotency-Key")))
            script.peers.add(self.client_address[1])
            status, headers = script.answers.pop(0) if script.answers else (200, {})
            if status == 0:
                self.close_connection = True
                return
            body = json.dumps({"ok": True, "data": {"id": "1"}, "meta": {"request_id": "r"}} if status < 400 else _REFUSAL).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = script.close_after_each

        do_GET = do_POST = do_PATCH = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def make(url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Postbridge]:
    """A client that does not wait between tries; what it would have waited is lost."""
    monkeypatch.setattr("postbridge_client.caller.time.sleep", lambda seconds: None)
    return lambda **more: Postbridge(url, "key", **more)


def test_connections_are_kept(make: Callable[..., Postbridge], script: Script) -> None:
    with make() as client:
        for _ in range(5):
            assert client.get_role("1") == {"id": "1"}
    assert len(script.peers) == 1


def test_a_connection_that_the_server_closed_is_not_used_again(make: Callable[..., Postbridge], script: Script) -> None:
    script.close_after_each = True
    with make() as client:
        for _ in range(3):
            client.get_role("1")
    assert len(script.peers) == 3


def test_a_post_is_tried_again_with_one_key(make: Callable[..., Postbridge], script: Script) -> None:
    script.answers = [(0, {}), (503, {"Retry-After": "7"}), (200, {})]
    with make() as client:
        client.create_role(name="x", permissions=["email.send"])
    keys = {key for _, _, key in script.seen}
    assert len(script.seen) == 3 and len(keys) == 1 and keys != {None}


def test_a_patch_is_not_sent_twice_when_its_fate_is_unknown(make: Callable[..., Postbridge], script: Script) -> None:
    script.answers = [(0, {})]
    with make() as client, pytest.raises(ConnectionFailed):
        client.update_role("1", name="x")
    assert len(script.seen) == 1


def test_what_was_refused_for_its_rate_may_be_sent_again(make: Callable[..., Postbridge], script: Script) -> None:
    script.answers = [(429, {"Retry-After": "3"})]
    with make() as client:
        client.update_role("1", name="x")
    assert len(script.seen) == 2
    script.answers = [(429, {"Retry-After": "3"})] * 3
    with make() as client, pytest.raises(RateLimited) as refused:
        client.get_role("1")
    assert refused.value.retry_after == 3


def test_it_gives_up(make: Callable[..., Postbridge], script: Script) -> None:
    script.answers = [(503, {})] * 3
    with make() as client, pytest.raises(ServerFailed, match="Not now"):
        client.get_role("1")
    assert len(script.seen) == 3


def test_ids_cannot_leave_their_place_in_the_address(make: Callable[..., Postbridge], script: Script) -> None:
    with make() as client:
        client.get_role("../keys?x=1#y")
    assert script.seen[0][1] == "/api/v1/roles/..%2Fkeys%3Fx%3D1%23y"


def test_many_threads_share_a_client(make: Callable[..., Postbridge], script: Script) -> None:
    with make(pool=4) as client:
        threads = [threading.Thread(target=lambda: [client.get_role("1") for _ in range(20)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len(script.seen) == 160


def test_nobody_there(free_port: Callable[[], int]) -> None:
    with Postbridge(f"http://127.0.0.1:{free_port()}", "key", retries=0) as client, pytest.raises(ConnectionFailed):
        client.list_bridges()


def test_address_and_key_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="POSTBRIDGE_URL"):
        Postbridge()
    monkeypatch.setenv("POSTBRIDGE_URL", "mail.example.com")
    monkeypatch.setenv("POSTBRIDGE_API_KEY", "key")
    with pytest.raises(ValueError, match="https://"):
        Postbridge()


_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_BODY = b'{"type": "email.delivered", "data": {"id": "1"}}'


def _headers(body: bytes = _BODY, secret: str = _SECRET, stamp: int = 1_778_923_800) -> dict[str, str]:
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(stamp), "webhook-signature": f"v1,{webhooks.signature(body, 'msg_1', stamp, secret)}"}


def test_a_signature_is_the_one_of_the_standard() -> None:
    from datetime import UTC, datetime

    theirs = Webhook(_SECRET).sign("msg_1", datetime.fromtimestamp(1_778_923_800, UTC), _BODY.decode())
    assert theirs == _headers()["webhook-signature"]


def test_webhooks_are_verified() -> None:
    assert webhooks.verify(_BODY, _headers(), _SECRET, now=1_778_923_900)["type"] == "email.delivered"
    assert webhooks.verify(_BODY, _headers(), ["whsec_AAAA", _SECRET], now=1_778_923_900)


@pytest.mark.parametrize(
    ("body", "headers", "moment"),
    [
        (_BODY + b" ", _headers(), 1_778_923_900),
        (_BODY, _headers(secret="whsec_AAAA"), 1_778_923_900),
        (_BODY, _headers(), 1_778_923_800 + 301),
        (_BODY, _headers(), 1_778_923_800 - 301),
        (_BODY, {}, 1_778_923_900),
        (_BODY, {**_headers(), "webhook-signature": "v1,ü"}, 1_778_923_900),
    ],
    ids=["changed", "another secret", "too old", "too early", "no headers", "nonsense"],
)
def test_forged_webhooks_are_refused(body: bytes, headers: dict[str, str], moment: float) -> None:
    with pytest.raises(webhooks.BadSignature):
        webhooks.verify(body, headers, _SECRET, now=moment)
