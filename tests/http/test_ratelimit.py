"""Request limits: sliding, told in headers, with a Retry-After that holds, per key and per address for strangers."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures import Cast
from webapp.access.service import KeyWish, create_key
from webapp.http import ratelimit
from webapp.kernel.errors import RateLimited
from webapp.kernel.scope import Mode
from webapp.settings import get_settings

MIDNIGHT = 1_800_000_000.0  # the first second of a window


class Clock:
    """The time that the limits see."""

    def __init__(self, now: float) -> None:
        self.now = now

    def time(self) -> float:
        return self.now

    monotonic = time


@pytest.fixture
def clock(db_clean: Any, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stands still until it is moved."""
    made = Clock(MIDNIGHT)
    monkeypatch.setattr(ratelimit, "time", made)
    return made


def fill(key: str, limit: int) -> int:
    """Requests until the first refusal."""
    done = 0
    while ratelimit.count(key, limit).allowed:
        done += 1
    return done


@pytest.mark.parametrize("limit", [1, 5, 60])
@pytest.mark.parametrize("second", [0.0, 13.0, 59.5])
def test_who_waits_as_told_is_let_in_and_not_much_sooner(clock: Clock, limit: int, second: float) -> None:
    clock.now = MIDNIGHT + second
    assert fill("key:a", limit) == limit
    for _ in range(4):  # also in the windows after
        with pytest.raises(RateLimited) as refused:
            ratelimit.count("key:a", limit).check()
        wait = refused.value.retry_after or 0
        clock.now += wait
        assert ratelimit.count("key:a", limit).allowed, (limit, second, wait)
        fill("key:a", limit)


def test_refused_requests_do_not_count(clock: Clock) -> None:
    fill("key:a", 10)
    for _ in range(1000):
        assert not ratelimit.count("key:a", 10).allowed
    clock.now += 66  # a tenth of the next window
    assert fill("key:a", 10) == 1


def test_the_window_slides(clock: Clock) -> None:
    clock.now = MIDNIGHT + 59
    assert fill("key:a", 100) == 100
    clock.now = MIDNIGHT + 61
    assert fill("key:a", 100) <= 2, "a new minute does not open a new quota"
    clock.now = MIDNIGHT + 90
    assert 40 <= fill("key:a", 100) <= 51


def test_a_limit_holds_while_the_broker_is_away(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit, "_away_until", clock.now + 1000)
    assert fill("key:away", 7) == 7
    assert not ratelimit.count("key:away", 7).allowed


def test_a_group_is_let_in_as_far_as_it_fits(clock: Clock) -> None:
    usage = ratelimit.count_many({"key:a": (8, 5)})["key:a"]
    assert usage.allowed_of(8) == 5
    assert ratelimit.count("key:a", 6).allowed, "the three that were refused do not count"


def answers_until_429(client: FlaskClient, path: str, headers: dict[str, str], most: int) -> Any:
    for _ in range(most):
        answer = client.get(path, headers=headers)
        if answer.status_code == 429:
            return answer
    raise AssertionError(f"{most} requests and no refusal")


def test_a_key_has_its_own_limit_and_tells_it(cast: Cast, app: Flask) -> None:
    with cast.owner.scope() as scope:
        slow = create_key(scope, KeyWish("slow", Mode.LIVE, "root:full", rate_limit=7)).plain
    headers, client = {"Authorization": f"Bearer {slow}"}, app.test_client()
    first = client.get("/api/v1/pools", headers=headers)
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("7", "6")
    refused = answers_until_429(client, "/api/v1/pools", headers, 20)
    assert refused.json["error"]["code"] == "rate_limit_exceeded" and refused.json["error"]["retryable"] is True
    assert 1 <= int(refused.headers["Retry-After"]) <= 120 and refused.headers["X-RateLimit-Remaining"] == "0"
    assert client.get("/api/v1/email/absent", headers=headers).status_code != 429, "the Sending API is counted apart"
    assert cast.owner.api(app).get("/api/v1/pools").status_code == 200, "another key is another count"


def test_defaults_are_those_of_the_seed(cast: Cast, app: Flask) -> None:
    client = cast.owner.api(app)
    assert client.get("/api/v1/pools").headers["X-RateLimit-Limit"] == "600"
    mail = {"from": "a@acme.test", "to": "b@c.example", "subject": "s", "text": "t"}
    assert client.post("/api/v1/email/send", json=mail).headers["X-RateLimit-Limit"] == "1800"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, {"X-API-Key": "mp_live_nonsense"}])
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/v1/pools"), ("POST", "/api/v1/email/send")])
def test_strangers_are_counted_by_address(cast: Cast, app: Flask, headers: dict[str, str], method: str, path: str) -> None:
    client, limit = app.test_client(), get_settings().stranger_rate

    def call(address: str) -> Any:
        return client.open(path, method=method, headers=headers, json={} if method == "POST" else None, environ_overrides={"REMOTE_ADDR": address})

    first = call("203.0.113.9")
    assert (first.status_code, first.headers["X-RateLimit-Limit"]) == (401, str(limit))
    assert first.headers["WWW-Authenticate"].startswith("Bearer")
    assert {call("203.0.113.9").status_code for _ in range(limit + 5)} == {401, 429}
    refused = call("203.0.113.9")
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) >= 1
    assert call("203.0.113.10").status_code == 401


def test_a_key_from_a_forbidden_address_is_a_stranger_there(cast: Cast, app: Flask) -> None:
    with cast.owner.scope() as scope:
        bound = create_key(scope, KeyWish("bound", Mode.LIVE, "root:full", allowed_networks=("198.51.100.0/24",))).plain
    refused = app.test_client().get("/api/v1/pools", headers={"Authorization": f"Bearer {bound}"})
    assert refused.status_code == 403 and refused.headers["X-RateLimit-Limit"] == str(get_settings().stranger_rate)
