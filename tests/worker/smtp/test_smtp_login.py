"""AUTH over real sockets: mechanisms, order, and the brake on guessing."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from typing import Any

import pytest

from worker.smtp.guard import AuthGuard, WindowCounter, network_of
from worker.smtp.limits import Limits


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


PLAIN = b64("\0user\0right")
FAST = Limits(auth_delay=0.01, auth_delay_max=0.02)


@pytest.fixture
def client(start: Any, recorder: Any, tls_context: ssl.SSLContext, client_tls: ssl.SSLContext) -> Any:
    """A client behind STARTTLS and EHLO of a server that wants a login."""
    server = start(recorder, FAST, tls_context=tls_context, login_required=True)
    with server.client() as connected:
        connected.say("EHLO client.test")
        connected.say("STARTTLS")
        connected.start_tls(client_tls)
        assert "AUTH PLAIN LOGIN" in connected.say("EHLO client.test")
        yield connected


def test_login_is_refused_in_clear(start: Any, recorder: Any, tls_context: ssl.SSLContext) -> None:
    server = start(recorder, FAST, tls_context=tls_context, login_required=True)
    with server.client() as client:
        assert "AUTH" not in client.say("EHLO client.test")
        assert client.say(f"AUTH PLAIN {PLAIN}").startswith("538 5.7.11")
        assert client.say("MAIL FROM:<a@x.test>").startswith("530 5.7.0")
    assert recorder.logins == []


@pytest.mark.parametrize(
    "lines",
    [
        [f"AUTH PLAIN {PLAIN}"],
        [f"auth plain {b64(chr(0).join(['user', 'user', 'right']))}"],
        ["AUTH PLAIN", PLAIN],
        ["AUTH LOGIN", b64("user"), b64("right")],
        [f"AUTH LOGIN {b64('user')}", b64("right")],
    ],
)
def test_good_logins(client: Any, lines: list[str]) -> None:
    for line in lines[:-1]:
        assert client.say(line).startswith("334")
    assert client.say(lines[-1]) == "235 2.7.0 Authentication succeeded"
    assert client.say("AUTH LOGIN").startswith("503 5.5.1")
    assert client.say("MAIL FROM:<a@x.test>").startswith("250")


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        ([f"AUTH PLAIN {b64('victim' + chr(0) + 'user' + chr(0) + 'right')}"], "535 5.7.8"),  # CVE-2023-27582
        ([f"AUTH PLAIN {b64(chr(0) + 'user' + chr(0) + 'wrong')}"], "535 5.7.8"),
        ([f"AUTH PLAIN {b64(chr(0) * 2)}"], "535 5.7.8"),
        ([f"AUTH PLAIN {b64('user')}"], "501 5.5.2"),
        ([f"AUTH PLAIN {b64(chr(0) * 3)}"], "501 5.5.2"),
        (["AUTH PLAIN !!!"], "501 5.5.2"),
        (["AUTH PLAIN ="], "501 5.5.2"),
        (["AUTH PLAIN", ""], "501 5.5.2"),
        (["AUTH PLAIN", "*"], "501 5.7.0"),
        (["AUTH LOGIN", b64("us\0er")], "501 5.5.2"),
        (["AUTH LOGIN", base64.b64encode(b"\xff").decode()], "501 5.5.2"),
        (["AUTH LOGIN", b64("away"), b64("x")], "454 4.7.0"),
        (["AUTH CRAM-MD5"], "504 5.5.4"),
        (["AUTH"], "501 5.5.4"),
        (["AUTH PLAIN a b"], "501 5.5.4"),
        (["AUTH PLAIN " + "A" * 20_000], "500 5.5.2"),
    ],
)
def test_bad_logins(client: Any, lines: list[str], answer: str) -> None:
    for line in lines[:-1]:
        assert client.say(line).startswith("334")
    assert client.say(lines[-1]).startswith(answer)
    assert client.say("MAIL FROM:<a@x.test>").startswith("530 5.7.0")


def test_commands_behind_auth_are_refused(client: Any, recorder: Any) -> None:
    client.send(f"AUTH PLAIN {PLAIN}\r\nMAIL FROM:<a@x.test>\r\n".encode())
    assert client.read().startswith("554 5.5.0")
    assert client.read() == ""
    assert recorder.logins == []


def test_failures_on_one_connection(client: Any) -> None:
    wrong = "AUTH PLAIN " + b64("\0user\0wrong")
    assert [client.say(wrong)[:3] for _ in range(3)] == ["535"] * 3
    assert client.read().startswith("421 4.7.0")
    assert client.read() == ""


def test_failures_over_reconnects(start: Any, recorder: Any) -> None:
    """F42: guesses from one address over new connections run dry, without asking the handler."""
    limits = Limits(auth_delay=0.001, auth_delay_max=0.002, connections_per_address=100)
    server = start(recorder, limits, login_required=True, allow_plain_login=True)
    answers = []
    for n in range(40):
        with server.client() as client:
            client.say("EHLO client.test")
            answers.append(client.say("AUTH PLAIN " + b64(f"\0user{n}\0wrong"))[:3])
    assert answers == ["535"] * 10 + ["421"] * 30
    assert len(recorder.logins) == 10


def test_login_time_is_limited(start: Any, recorder: Any) -> None:
    server = start(recorder, Limits(login_seconds=0.5), login_required=True, allow_plain_login=True)
    with server.client() as client:
        assert client.say("EHLO client.test").startswith("250")
        assert client.read().startswith("421 4.4.2")
    with server.client() as client:
        client.say("EHLO client.test")
        assert client.say(f"AUTH PLAIN {PLAIN}").startswith("235")
        time.sleep(1.7)
        assert client.say("NOOP").startswith("250")


@pytest.mark.parametrize(("networks", "code"), [(("127.0.0.0/8", "::1/128"), "235"), (("10.0.0.0/8",), "538"), ((), "538")])
def test_login_without_tls_only_from_named_networks(start: Any, recorder: Any, networks: tuple[str, ...], code: str) -> None:
    server = start(recorder, login_required=True, plain_login_networks=networks)
    with server.client() as client:
        assert ("AUTH PLAIN" in client.say("EHLO client.test")) == (code == "235")
        assert client.say(f"AUTH PLAIN {PLAIN}").startswith(code)


def test_account_under_attack_is_slowed_not_locked() -> None:
    limits = Limits()
    guard = AuthGuard(limits)

    async def attack() -> tuple[bool, float, bool, float]:
        for n in range(12):
            await guard.record_failure(f"192.0.2.{n}", "Owner")
        return (
            await guard.is_blocked("198.51.100.1"),
            await guard.delay_before("owner"),
            await guard.is_blocked("192.0.2.1"),
            await guard.delay_before("somebody"),
        )

    blocked, delay, guesser_blocked, other_delay = asyncio.run(attack())
    assert (blocked, guesser_blocked, other_delay) == (False, False, 0.0)
    assert 0 < delay <= limits.auth_delay_max


def test_delay_doubles_up_to_its_limit() -> None:
    guard = AuthGuard(Limits())

    async def delays() -> list[float]:
        return [await guard.record_failure("192.0.2.1", f"u{n}") for n in range(7)]

    assert asyncio.run(delays()) == [1, 2, 4, 8, 16, 16, 16]


def test_window_slides_and_is_bounded() -> None:
    now = [0.0]
    counter = WindowCounter(600, max_keys=100, clock=lambda: now[0])

    async def scenario() -> None:
        await counter.record(["a"])
        now[0] = 599
        await counter.record(["a"])
        assert await counter.count(["a", "b"]) == [2, 0]
        now[0] = 601
        assert await counter.count(["a"]) == [1]
        await counter.record([f"k{n}" for n in range(500)])
        assert await counter.count(["a"]) == [0]
        assert len(counter._times) == 100

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_network_of(address: str, network: str) -> None:
    assert network_of(address) == network
