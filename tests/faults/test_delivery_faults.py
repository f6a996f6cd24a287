"""The database goes away at the worst moments of a delivery, workers meet on one queue, and others leave their leases behind."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.faults.conftest import Shop
from tests.sinks import SmtpSink
from webapp.kernel.db import raw_of, unscoped
from webapp.messages.service import outcomes as outcomes_module
from webapp.messages.service.claim import claim, sweep
from worker.dispatch import dispatcher as module
from worker.dispatch.dispatcher import Dispatcher

Make = Callable[[], Dispatcher]


def failing(real: Callable[..., Any], error: Exception, times: int = 1) -> Callable[..., Any]:
    """``real``, but the first calls with something in their last argument raise ``error``."""
    calls = itertools.count()

    def act(*args: Any, **kwargs: Any) -> Any:
        if args[-1] and next(calls) < times:
            raise error
        return real(*args, **kwargs)

    return act


def test_two_workers_on_one_queue_send_each_message_once(shop: Shop, sink: SmtpSink, worker: Make) -> None:
    for number in range(6):
        shop.send(*(f"ok-{number}-{i}@example.net" for i in range(50)))
    threads = [threading.Thread(target=one.drain, args=(20,)) for one in (worker(), worker())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sink.state.recipients) == 300
    assert set(sink.state.recipients.values()) == {1}
    assert shop.states() == {"delivered": 300}
    assert shop.rows("select count(*) from queue_entries") == [(0,)]


def test_a_claim_whose_preparation_failed_is_given_back(shop: Shop, sink: SmtpSink, worker: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.send("ok-1@example.net")
    one = worker()
    monkeypatch.setattr(one._preparer, "prepare", failing(one._preparer.prepare, psycopg.OperationalError("the connection is lost")))
    one.drain(5)
    assert shop.states() == {"delivered": 1}
    assert sink.state.recipients == {"ok-1@example.net": 1}
    assert shop.rows("select number from delivery_attempts") == [(1,)]


def test_an_outcome_that_could_not_be_written_is_written_later(shop: Shop, sink: SmtpSink, worker: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.send("ok-1@example.net", "r550-1@example.net")
    monkeypatch.setattr(module, "record_outcomes", failing(outcomes_module.record_outcomes, psycopg.OperationalError("terminating connection"), times=3))
    worker().drain(10)
    assert shop.states() == {"delivered": 1, "bounced": 1}
    assert sink.state.recipients == {"ok-1@example.net": 1}
    assert shop.rows("select count(*) from delivery_attempts") == [(2,)]
    assert shop.rows("select address from suppressions") == [("r550-1@example.net",)]


def test_an_outcome_that_the_database_refuses_hurts_no_neighbour(shop: Shop, worker: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    real = outcomes_module.record_outcomes

    def record(connection: Any, outcomes: Any) -> Any:
        if any(outcome.reply and "unknown" in outcome.reply for outcome in outcomes):
            raise psycopg.DataError("invalid byte sequence")
        return real(connection, outcomes)

    shop.send("ok-1@example.net", "r550-1@example.net", "ok-2@example.net")
    monkeypatch.setattr(module, "record_outcomes", record)
    worker().drain(5)
    assert shop.states() == {"delivered": 2, "queued": 1}
    assert shop.rows("select lease_until is not null from queue_entries") == [(True,)]


def test_leases_of_a_lost_process_of_the_same_name_are_taken_back_at_once(shop: Shop, sink: SmtpSink, worker: Make) -> None:
    shop.send("ok-1@example.net")
    one = worker()
    with unscoped("test") as session:
        assert len(claim(raw_of(session), owner=one._owner, batch=5, lease_seconds=900)) == 1
    one.drain(5)
    assert sink.state.recipients == {"ok-1@example.net": 1}


def test_a_late_outcome_of_a_worker_that_was_given_up_changes_nothing(shop: Shop, sink: SmtpSink, worker: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.send("ok-1@example.net")
    real = outcomes_module.record_outcomes

    def overtaken(connection: Any, outcomes: Any) -> Any:
        if not outcomes:
            return real(connection, outcomes)
        with unscoped("test") as session:  # while the first worker was silent, the sweeper freed its lease and a second one claimed
            session.connection().exec_driver_sql("update queue_entries set leased_by = 'second@host#1', attempt = attempt + 1")
        return real(connection, outcomes)

    monkeypatch.setattr(module, "record_outcomes", overtaken)
    worker().drain(5)
    assert shop.states() == {"queued": 1}
    assert shop.rows("select leased_by, attempt from queue_entries") == [("second@host#1", 2)]
    assert shop.rows("select count(*) from delivery_attempts") == [(0,)]


def test_nobody_is_silent_because_the_database_has_just_started(shop: Shop) -> None:
    shop.send("ok-1@example.net")
    with unscoped("test") as session:
        claim(raw_of(session), owner="nobody@nowhere#1", batch=5, lease_seconds=900)
    with unscoped("test") as session:
        assert sweep(raw_of(session), max_claims=3, silent_seconds=86400 * 365) == (0, 0)
    with unscoped("test") as session:
        assert sweep(raw_of(session), max_claims=3, silent_seconds=0) == (1, 0)
