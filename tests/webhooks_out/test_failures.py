"""Endpoints that behave badly: each attempt ends in time, the schedule is kept, the circuit opens, owners hear of it, and nobody else is hurt."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fixtures import Cast
from tests.webhooks_out import receiver as bad
from tests.webhooks_out.conftest import deliver, happen, make_endpoint, rows
from tests.webhooks_out.receiver import Answer, receiving, says
from webapp.kernel.clock import now
from webapp.stack.certificates import ensure_certificate
from webapp.webhooks.service import policy
from webapp.webhooks.service.policy import Health
from worker.jobs import webhooks as jobs
from worker.jobs.events import fan_out
from worker.webhooks.engine import Engine


def attempt_of(engine: Engine, cast: Cast, url: str) -> dict[str, object]:
    """One event to a new endpoint; what its first attempt left in the log."""
    make_endpoint(cast.owner, url, events=["email.opened"])
    happen(cast.owner, "email.opened")
    deliver(engine)
    deadline = time.monotonic() + 5
    while not (found := rows("select log from webhook_deliveries where jsonb_array_length(log) > 0")) and time.monotonic() < deadline:
        engine.drain(0.2)
    return dict(found[0][0][0])


@pytest.mark.parametrize(("answer", "status", "words"), [
    (says(500), 500, "answered 500"),
    (says(301, Location="http://127.0.0.1:1/"), 301, "redirects are not followed"),
    (bad.closes, None, "without an answer"),
    (bad.hangs, None, "within 1 s"),
    (bad.drips, None, "within 1 s"),
    (bad.floods, 500, "answered 500"),
])  # fmt: skip
def test_every_bad_answer_is_a_failure_that_ends(cast: Cast, engine_of_webhooks: Engine, answer: Answer, status: int | None, words: str) -> None:
    with receiving(answer) as receiver:
        attempt = attempt_of(engine_of_webhooks, cast, receiver.url)
    assert attempt["status"] == status and words in str(attempt["error"])
    assert int(str(attempt["duration_ms"])) < 2500
    assert len(str(attempt["response_body"])) <= 4096


def test_a_2xx_counts_although_its_body_never_ends(cast: Cast, engine_of_webhooks: Engine, settings: Callable[..., None]) -> None:
    settings(webhook_timeout_seconds="5")
    with receiving(bad.drips_body) as receiver:
        make_endpoint(cast.owner, receiver.url, events=["email.opened"])
        happen(cast.owner, "email.opened")
        engine = Engine()  # with the longer limit
        deliver(engine)
        engine.close()
    assert rows("select state from webhook_deliveries") == [("delivered",)]


def test_tls_of_another_name_is_refused(cast: Cast, engine_of_webhooks: Engine, tmp_path: Path) -> None:
    certificate, key = ensure_certificate(tmp_path, "elsewhere.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with receiving(tls=context) as receiver:
        attempt = attempt_of(engine_of_webhooks, cast, receiver.url)
        assert receiver.calls == []
    assert str(attempt["error"]).startswith("TLS failed")


def test_the_schedule_is_that_of_the_standard() -> None:
    gaps = [policy.next_gap(tries, None, 0.0, 1.0) for tries in range(1, 11)]
    assert gaps == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400, None]
    assert policy.next_gap(1, None, 1.0, 1.0) == pytest.approx(5.75)
    assert policy.next_gap(1, 120.0, 0.0, 1.0) == 120 and policy.next_gap(4, 120.0, 0.0, 1.0) == 7200
    assert policy.next_gap(1, 1e9, 0.0, 1.0) == 86400


def test_ten_attempts_and_no_more(cast: Cast, engine_of_webhooks: Engine, settings: Callable[..., None]) -> None:
    settings(retry_scale="0.00001")
    with receiving(says(500)) as receiver:
        make_endpoint(cast.owner, receiver.url, events=["email.opened"])
        happen(cast.owner, "email.opened")
        deliver(engine_of_webhooks)
        deadline = time.monotonic() + 10
        while rows("select 1 from webhook_queue") and time.monotonic() < deadline:
            engine_of_webhooks.drain(0.2)
        assert len(receiver.calls) == 10
        assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1
        assert len({call.body for call in receiver.calls}) == 1
    assert rows("select state, attempts, jsonb_array_length(log) from webhook_deliveries") == [("failed", 10, 10)]


def test_retry_after_is_kept_to(cast: Cast, engine_of_webhooks: Engine) -> None:
    with receiving(says(503, Retry_After="7200")) as receiver:
        attempt_of(engine_of_webhooks, cast, receiver.url)
    [(due,)] = rows("select due_at from webhook_queue")
    assert timedelta(minutes=119) < due - now() < timedelta(minutes=121)


def test_410_switches_off_and_the_owner_is_told(cast: Cast, engine_of_webhooks: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "engine", lambda: engine_of_webhooks)
    with receiving(says(410)) as receiver:
        make_endpoint(cast.owner, receiver.url, events=["email.opened"])
        happen(cast.owner, "email.opened", count=3)
        jobs_fan_out()
        jobs.deliver(0)
    [(state, reason)] = rows("select state, disabled_reason from webhook_endpoints")
    assert state == "disabled" and "410" in reason
    jobs.sweep(0)
    assert {row[0] for row in rows("select state from webhook_deliveries")} == {"failed"} and rows("select 1 from webhook_queue") == []
    assert rows("select kind from webhook_notices") == [("disabled",)]
    happen(cast.owner, "email.opened")
    assert rows("select 1 from event_outbox") == []


def jobs_fan_out() -> None:
    """The events job, without the engine's turn."""
    fan_out(0)


def test_owners_hear_of_a_long_outage_once_and_then_that_it_is_over_with() -> None:
    moment = now()
    health = Health()
    for _ in range(policy.DISABLE_FAILURES):
        health = policy.after_failure(health, moment, "no", None, 1.0)
    assert not policy.must_alarm(health, moment + timedelta(hours=23), 1.0) and policy.must_alarm(health, moment + timedelta(hours=24), 1.0)
    told = policy.alarmed(health, moment)
    assert not policy.must_alarm(told, moment + timedelta(days=3), 1.0)
    assert not policy.must_disable(told, moment + timedelta(hours=119), 1.0) and policy.must_disable(told, moment + timedelta(hours=120), 1.0)
    assert policy.after_success(told, moment).failing_since is None


def test_the_circuit_opens_doubles_and_closes() -> None:
    moment, health = now(), Health()
    for number in range(policy.TRIP_AFTER):
        assert health.open_until is None, number
        health = policy.after_failure(health, moment, "no", None, 1.0)
    assert health.open_until == moment + timedelta(seconds=30)
    assert policy.after_failure(health, moment, "no", None, 1.0).open_until == health.open_until
    probed = policy.after_failure(health, moment + timedelta(seconds=31), "no", None, 1.0)
    assert probed.open_until == moment + timedelta(seconds=91)
    assert policy.after_success(probed, moment).open_until is None


def test_a_hanging_endpoint_holds_up_nobody(cast: Cast, engine_of_webhooks: Engine) -> None:
    with receiving(bad.hangs) as stuck, receiving() as healthy:
        for receiver in (stuck, healthy):
            make_endpoint(cast.owner, receiver.url, events=["email.opened"])
        happen(cast.owner, "email.opened", count=100)
        jobs_fan_out()
        start = time.monotonic()
        engine_of_webhooks.drain(0.9)
        assert len(healthy.calls) == 100 and time.monotonic() - start < 5
        assert len(stuck.calls) <= 5


def test_an_open_circuit_waits_and_loses_nothing(cast: Cast, engine_of_webhooks: Engine, settings: Callable[..., None]) -> None:
    settings(retry_scale="0.05")
    with receiving(*[says(500)] * 8, says()) as receiver:
        make_endpoint(cast.owner, receiver.url, events=["email.opened"])
        happen(cast.owner, "email.opened", count=30)
        jobs_fan_out()
        engine_of_webhooks.drain(1)
        assert len(receiver.calls) <= 9
        [(trips, open_until)] = rows("select trips, open_until from webhook_health")
        assert trips >= 1 and open_until is not None
        deadline = time.monotonic() + 15
        while rows("select 1 from webhook_queue where due_at < now() + interval '5 seconds'") and time.monotonic() < deadline:
            engine_of_webhooks.drain(0.5)
            time.sleep(0.1)
    assert rows("select failures, trips, open_until from webhook_health") == [(0, 0, None)]
    assert rows("select count(*) from webhook_deliveries where state = 'failed'") == [(0,)]


def test_a_lost_worker_loses_nothing(cast: Cast, engine_of_webhooks: Engine) -> None:
    with receiving() as receiver:
        make_endpoint(cast.owner, receiver.url, events=["email.opened"])
        happen(cast.owner, "email.opened", count=3)
        jobs_fan_out()
        assert rows("update webhook_queue set lease_until = now() - interval '1 second', leased_by = 'gone', claims = 1 returning 1")
        assert engine_of_webhooks.drain(1) == 0
        jobs.sweep(0)
        assert engine_of_webhooks.drain(1) == 3
        assert len(receiver.calls) == 3

