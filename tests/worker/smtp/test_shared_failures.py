"""Password guessing spread over several submission processes is one attack (F42)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.worker.smtp.submission_process import SubmissionProcess
from worker.smtp.limits import Limits
from worker.smtp.shared_failures import STREAM, SharedFailures

LIMITS = Limits()
Sharing = Callable[[str], SharedFailures]


@pytest.fixture
def sharing() -> Iterator[Sharing]:
    made: list[SharedFailures] = []

    def start(url: str) -> SharedFailures:
        made.append(SharedFailures(600, lambda: redis.Redis.from_url(url), lambda: redis.Redis.from_url(url, socket_timeout=None)))
        made[-1].start()
        return made[-1]

    yield start
    for counter in made:
        counter.stop()


def counted(counter: SharedFailures, key: str) -> int:
    return asyncio.run(counter.count([key]))[0]


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def test_failures_reach_the_others_and_are_counted_once(redis_client: redis.Redis, redis_url: str, sharing: Sharing) -> None:
    redis_client.delete(STREAM)
    one, two = sharing(redis_url), sharing(redis_url)
    for _ in range(3):
        asyncio.run(one.record(["a:192.0.2.1", "u:x"]))
    asyncio.run(two.record(["a:192.0.2.1", "u:y"]))
    wait_until(lambda: counted(one, "u:y") == 1 and counted(two, "u:x") == 3)
    assert counted(one, "a:192.0.2.1") == counted(two, "a:192.0.2.1") == 4
    late = sharing(redis_url)
    wait_until(lambda: counted(late, "a:192.0.2.1") == 4)
    assert 0 < redis_client.ttl(STREAM) <= 601


def test_old_and_poisoned_entries_do_no_harm(redis_client: redis.Redis, redis_url: str, sharing: Sharing) -> None:
    redis_client.delete(STREAM)
    old = int((time.time() - 3600) * 1000)
    redis_client.xadd(STREAM, {"by": "other", "keys": "a:old"}, id=f"{old}-1")
    redis_client.xadd(STREAM, {"nonsense": b"\xff\xfe"})
    redis_client.xadd(STREAM, {"by": b"\xff", "keys": b"a:\xff\nb\nc\nd"})
    counter = sharing(redis_url)
    redis_client.xadd(STREAM, {"by": "other", "keys": "a:new"})
    wait_until(lambda: counted(counter, "a:new") == 1)
    assert counted(counter, "a:old") == counted(counter, "c") == 0 < counted(counter, "b")


def test_a_missing_broker_leaves_each_its_own_count(free_port: Callable[[], int], sharing: Sharing) -> None:
    counter = sharing(f"redis://127.0.0.1:{free_port()}/0")
    for _ in range(3000):  # more than wait for the broker
        asyncio.run(counter.record(["a:192.0.2.1"]))
    assert counted(counter, "a:192.0.2.1") >= LIMITS.auth_failures_per_address


def _connect(process: SubmissionProcess, context: ssl.SSLContext) -> smtplib.SMTP:
    while True:
        try:
            client = smtplib.SMTP("127.0.0.1", process.port, timeout=20)
            client.starttls(context=context)
            client.ehlo()
            return client
        except (OSError, smtplib.SMTPException):
            time.sleep(0.1)


def _plain(username: str, password: str) -> str:
    return "PLAIN " + base64.b64encode(f"\0{username}\0{password}".encode()).decode()


def test_guessing_at_one_process_is_refused_by_the_other(
    shop: Any, free_port: Callable[[], int], certificate: tuple[Path, Path], client_tls: ssl.SSLContext
) -> None:
    client_tls.check_hostname = False
    with contextlib.ExitStack() as stack:
        first, second = (SubmissionProcess(free_port, certificate) for _ in range(2))
        answers: list[int] = []
        for process in (first, second):
            stack.callback(process.stop)
        good = _plain(shop.secrets.username, shop.secrets.password)
        with contextlib.closing(_connect(second, client_tls)) as client:
            assert client.docmd("AUTH", good)[0] == 235
        for _ in range(LIMITS.auth_failures_per_address):
            # Not waiting for the answers, which are held back longer with every guess.
            guesser = stack.enter_context(contextlib.closing(_connect(first, client_tls)))
            guesser.putcmd("AUTH", _plain("somebody", "wrong"))

        def refused() -> bool:
            with contextlib.closing(_connect(second, client_tls)) as client:
                answers.append(client.docmd("AUTH", good)[0])
            return answers[-1] == 421

        wait_until(refused)
        assert set(answers) <= {235, 421}
