"""Group commit: many callers, few transactions, nobody answered before the commit, nobody fails for another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import Any

import psycopg
import pytest
import redis
import sqlalchemy as sa

from tests.messages.conftest import House, to
from webapp.http import ratelimit
from webapp.kernel.errors import DomainError, RateLimited, Unavailable, ValidationFailed
from webapp.kernel.scope import Mode
from webapp.messages import group
from webapp.messages.group import GroupAcceptor
from webapp.messages.service import Unit, unit_of
from webapp.messages.types import Accepted


@pytest.fixture
def acceptor() -> Iterator[GroupAcceptor]:
    made = GroupAcceptor()
    yield made
    made.close()


def all_of(futures: list[Future[Accepted]]) -> list[Accepted | DomainError]:
    wait(futures, timeout=60)
    return [future.exception() or future.result() for future in futures]  # type: ignore[misc]


def test_many_tenants_and_many_messages(house: House, make_house: Callable[..., House], acceptor: GroupAcceptor) -> None:
    stranger = make_house("stranger")
    houses = [house, stranger] * 150
    results = all_of([acceptor.submit(each.sender(), each.submission(subject=f"n {n}")) for n, each in enumerate(houses)])
    assert {type(result) for result in results} == {Accepted}
    for each in (house, stranger):
        assert each.rows("select count(*) from messages")[0][0] == 150
        assert each.rows("select sum(accepted) from stats_deltas")[0][0] == 150
    assert len(house.rows("select 1 from stats_deltas")) < 150, "they were not grouped"


def test_a_refusal_fails_nobody_else(house: House, acceptor: GroupAcceptor) -> None:
    bad = {"from_address": to("me@elsewhere.example")[0].address}
    results = all_of([acceptor.submit(house.sender(), house.submission(**(bad if n % 3 == 0 else {}))) for n in range(60)])
    assert [isinstance(result, ValidationFailed) for result in results] == [n % 3 == 0 for n in range(60)]
    assert house.rows("select count(*) from messages")[0][0] == 40


def test_a_row_the_database_refuses_fails_alone(house: House, acceptor: GroupAcceptor) -> None:
    """G2: only what is stored is acknowledged. The trigger stands for any surprise inside the database."""
    house.change(
        "create or replace function refuse_test() returns trigger language plpgsql as "
        "$$ begin if new.subject like 'bad%' then raise exception 'no'; end if; return new; end $$"
    )
    house.change("create trigger refuse_test before insert on messages for each row execute function refuse_test()")
    try:
        subjects = ["bad" if n % 7 == 0 else f"good {n}" for n in range(100)]
        results = all_of([acceptor.submit(house.sender(), house.submission(subject=subject)) for subject in subjects])
    finally:
        house.change("drop trigger refuse_test on messages")
        house.change("drop function refuse_test")
    assert [isinstance(result, Accepted) for result in results] == [subject != "bad" for subject in subjects]
    stored = {row[0] for row in house.rows("select id from messages")}
    assert {result.id for result in results if isinstance(result, Accepted)} == stored
    assert {type(result) for result in results if not isinstance(result, Accepted)} == {DomainError}


def test_the_same_key_from_many_threads_is_one_message(house: House, acceptor: GroupAcceptor) -> None:
    other = GroupAcceptor()  # stands for another process
    submissions = [house.submission(idempotency_key=f"k{n % 20}", fingerprint=b"f") for n in range(1000)]
    futures = [(acceptor if n % 2 else other).submit(house.sender(), submission) for n, submission in enumerate(submissions)]
    results = all_of(futures)
    other.close()
    assert {type(result) for result in results} == {Accepted}
    assert house.rows("select count(*) from messages")[0][0] == 20
    assert len({result.id for result in results if isinstance(result, Accepted)}) == 20
    assert sum(not result.replayed for result in results if isinstance(result, Accepted)) == 20


def test_a_batch_is_one_request(house: House, acceptor: GroupAcceptor) -> None:
    submissions = [house.submission(subject=f"n {n}", html="<p>x</p>" * 2000) for n in range(100)]
    ticket = acceptor.accept(Unit(house.sender(), submissions, is_batch=True))
    assert len(ticket.unit.results) == 100 and all(isinstance(result, Accepted) for result in ticket.unit.results)
    assert house.rows("select count(*) from messages")[0][0] == 100


def test_connections_that_the_server_closed_are_made_anew(house: House, acceptor: GroupAcceptor) -> None:
    acceptor.submit(house.sender(), house.submission()).result(30)
    house.change(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity "
        "where pid <> pg_backend_pid() and datname = current_database() and usename = current_user"
    )
    results = all_of([acceptor.submit(house.sender(), house.submission()) for _ in range(50)])
    assert {type(result) for result in results} == {Accepted}


def test_a_database_that_is_away(house: House, acceptor: GroupAcceptor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "database_dsn", lambda: "host=127.0.0.1 port=1 dbname=x")
    results = all_of([acceptor.submit(house.sender(), house.submission()) for _ in range(20)])
    assert {type(result) for result in results} == {Unavailable} and results[0].retry_after  # type: ignore[union-attr]
    monkeypatch.undo()
    assert isinstance(acceptor.submit(house.sender(), house.submission()).result(30), Accepted)


def test_a_full_disk_says_so() -> None:
    assert "disk" in group._fault_of(psycopg.errors.DiskFull("could not extend file")).message


def test_the_limit_is_shared_out_within_a_group(house: House, acceptor: GroupAcceptor) -> None:
    tickets: list[Any] = []
    threads = [
        threading.Thread(target=lambda: tickets.append(acceptor.accept(unit_of(house.sender(), house.submission()), ("key:limited", 5)))) for _ in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [ticket for ticket in tickets if isinstance(ticket.unit.error, RateLimited)]
    assert len(refused) == 25 and house.rows("select count(*) from messages")[0][0] == 5
    assert all(ticket.unit.error.retry_after >= 1 and ticket.usage.remaining == 0 for ticket in refused)


def test_accept_goes_on_without_the_broker(house: House, acceptor: GroupAcceptor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit, "broker", lambda: redis.Redis.from_url("redis://127.0.0.1:1/0"))
    monkeypatch.setattr(ratelimit, "_away_until", 0.0)
    kept = [acceptor.accept(unit_of(house.sender(), house.submission()), ("key:away", 3)).unit.error for _ in range(5)]
    assert [error is None for error in kept] == [True, True, True, False, False], "the process counts by itself"


def test_sandbox_wakes_nobody(house: House, acceptor: GroupAcceptor, redis_client: redis.Redis, db_clean: sa.Engine) -> None:
    acceptor.submit(house.sender(Mode.SANDBOX), house.submission()).result(30)
    acceptor.close()
    assert redis_client.keys("wake:*") == []


def test_live_mail_wakes_delivery(house: House, acceptor: GroupAcceptor, redis_client: redis.Redis) -> None:
    acceptor.submit(house.sender(), house.submission()).result(30)
    acceptor.close()
    assert redis_client.keys("wake:*") != []
