"""From a fetched pixel to events and figures: once each, also when the same entries are read twice or Valkey is away in between."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable
from typing import Any

import pytest
import redis
import sqlalchemy as sa

from tests.fixtures import Cast
from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.ids import uuid7
from webapp.tracking import hotpath
from webapp.tracking.hotpath import GIF, HitBuffer, HitDoor
from webapp.tracking.service import read_hit, record_hits
from webapp.tracking.stream import HITS
from webapp.tracking.tokens import Purpose, Who, make_link_token, make_recipient_token
from worker.jobs.tracking import aggregate


@pytest.fixture
def who(cast: Cast) -> Who:
    """A delivered recipient of the owner's tenant."""
    message, recipient = uuid7(), uuid7()
    with unscoped("test") as rows:
        rows.execute(
            sa.text(
                "insert into recipients (id, tenant_id, message_id, mode, kind, address, state) "
                "values (:r, :t, :m, 'live', 'to', 'ada@example.net', 'delivered')"
            ),
            {"r": recipient, "t": cast.owner.tenant_id, "m": message},
        )
    return Who(message, recipient)


def fetch(path: str, method: str = "GET") -> tuple[str, dict[str, str], bytes]:
    """Call the door as a WSGI server would."""
    answer: dict[str, Any] = {}

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        answer["status"], answer["headers"] = status, dict(headers)

    def beyond(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("204 No Content", [])
        return [b""]

    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": "<img onerror>"}
    body = b"".join(HitDoor(beyond)(environ, start))
    return answer["status"], answer["headers"], body


def count(statement: str) -> list[Any]:
    with unscoped("test") as rows:
        return [tuple(row) for row in rows.execute(sa.text(statement))]


def test_opens_and_clicks_are_counted_once_per_person(who: Who, redis_client: redis.Redis) -> None:
    token = make_recipient_token(who.message_id, who.recipient_id)
    url = "https://shop.example/a?b=1&c=ü#x"
    status, headers, body = fetch(f"/api/t/o/{token}")
    assert (status, body, headers["Content-Type"]) == ("200 OK", GIF, "image/gif")
    fetch(f"/api/t/o/{token}.gif")
    status, headers, _ = fetch(f"/api/t/c/{token}.{make_link_token(who.message_id, url)}")
    assert (status, headers["Location"]) == ("302 Found", "https://shop.example/a?b=1&c=%C3%BC#x")
    hotpath.buffer.flush()
    assert aggregate(0) == 3
    assert redis_client.xlen(HITS) == 0
    assert count("select type, count(*) from events group by 1 order by 1") == [("email.clicked", 1), ("email.opened", 2)]
    assert count("select opened, unique_opened, clicked, unique_clicked from stats_deltas") == [(2, 1, 1, 1)]
    assert count("select first_opened_at is not null, first_clicked_at is not null from recipients") == [(True, True)]


def test_a_head_request_and_a_forged_token_count_nothing(who: Who, redis_client: redis.Redis) -> None:
    token = make_recipient_token(who.message_id, who.recipient_id)
    link = make_link_token(who.message_id, "https://shop.example/")
    assert fetch(f"/api/t/o/{token}", "HEAD")[0] == "200 OK"
    assert fetch(f"/api/t/o/{token[:-2]}AA")[0] == "404 Not Found"
    assert fetch(f"/api/t/c/{token}")[0] == "404 Not Found"
    assert fetch(f"/api/t/c/{token}.{link[:-2]}AA")[0] == "404 Not Found"
    assert fetch(f"/api/t/c/{token}.{make_link_token(uuid7(), 'https://evil.example/')}")[0] == "404 Not Found"
    assert fetch(f"/api/t/c/{token}.{make_link_token(who.message_id, 'javascript:alert(1)')}")[0] == "404 Not Found"
    assert fetch(f"/api/t/c/{make_recipient_token(who.message_id, who.recipient_id, Purpose.UNSUBSCRIBE)}.{link}")[0] == "404 Not Found"
    assert fetch("/api/t/o/x", "POST")[0] == "405 Method Not Allowed"
    assert fetch("/somewhere/else")[0] == "204 No Content"
    hotpath.buffer.flush()
    assert redis_client.xlen(HITS) == 0


def test_reading_the_same_entries_twice_records_them_once(who: Who) -> None:
    entry = {b"d": b'{"k":"open","m":"%s","r":"%s","t":%d}' % (who.message_id.hex.encode(), who.recipient_id.hex.encode(), who.recipient_id.int >> 80)}
    hit = read_hit(b"1-1", entry)
    assert hit is not None
    for expected in (1, 0):
        with unscoped("test") as rows:
            assert record_hits(raw_of(rows), [hit]) == expected
    assert count("select sum(opened) from stats_deltas") == [(1,)]


def test_rubbish_in_the_stream_does_not_stop_the_rest(who: Who, redis_client: redis.Redis) -> None:
    redis_client.xadd(HITS, {"d": "not json"})
    redis_client.xadd(HITS, {"x": "y"})
    fetch(f"/api/t/o/{make_recipient_token(who.message_id, who.recipient_id)}")
    hotpath.buffer.flush()
    assert aggregate(0) == 1


def test_hits_wait_while_valkey_is_away(who: Who, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = HitBuffer()
    monkeypatch.setattr(buffer, "_start", lambda: None)
    buffer.add({"k": "open", "m": who.message_id.hex, "r": who.recipient_id.hex, "t": 1})
    away = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=1)
    with monkeypatch.context() as patch:
        patch.setattr(hotpath, "broker", lambda: away)
        assert buffer.flush() is False
    away.close()
    assert buffer.flush() is True
    assert redis_client.xlen(HITS) == 1


def test_unsubscribe_shows_on_get_and_acts_on_post(who: Who, visitor: Any, redis_client: redis.Redis) -> None:
    path = f"/api/unsub/{make_recipient_token(who.message_id, who.recipient_id, Purpose.UNSUBSCRIBE)}"
    assert b"<button" in visitor.get(path).data
    assert count("select count(*) from suppressions") == [(0,)]
    plain = visitor.application.test_client()
    for _ in range(3):
        assert plain.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert count("select address, scope, reason from suppressions") == [("ada@example.net", "bulk", "unsubscribe")]
    assert count("select count(*) from events where type = 'email.unsubscribed'") == [(1,)]
    assert plain.post("/api/unsub/" + "A" * 59).status_code == 404


def test_a_web_process_that_ends_appends_what_waits(redis_client: redis.Redis) -> None:
    """Its server runs it as a child of multiprocessing, for which atexit does nothing."""
    buffer = HitBuffer()
    child = multiprocessing.get_context("fork").Process(target=lambda: buffer.add({"k": "the only one"}))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    # A fork takes along what other buffers of this process still hold.
    assert sum(b"the only one" in entry[b"d"] for _, entry in redis_client.xrange(HITS)) == 1
