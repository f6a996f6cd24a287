"""What the SMTP servers bear, and what they refuse."""

from __future__ import annotations

import time
from typing import Any

import pytest

from worker.smtp.limits import Limits, LongLines


def test_recipients(start: Any, recorder: Any) -> None:
    """F42: the 1,001st recipient gets 452, the transaction goes on."""
    with start(recorder).client() as client:
        client.say("EHLO client.test")
        client.say("MAIL FROM:<a@x.test>")
        client.send(b"".join(b"RCPT TO:<b%d@x.test>\r\n" % n for n in range(1001)))
        answers = [client.read() for _ in range(1001)]
        assert {a[:9] for a in answers[:1000]} == {"250 2.1.5"}
        assert answers[1000].startswith("452 4.5.3")
        client.say("DATA")
        assert client.say("x\r\n.").startswith("250")
    assert len(recorder.messages[0][0].recipients) == 1000


def test_errors(start: Any) -> None:
    with start().client() as client:
        answers = [client.say("JUNK") for _ in range(20)]
        assert answers[-1].startswith("500")
        assert client.read().startswith("421 4.7.0")
        assert client.read() == ""


def test_idle_commands(start: Any) -> None:
    """F42: 100 junk commands."""
    with start().client() as client:
        assert all(client.say("RSET").startswith("250") for _ in range(100))
        assert client.say("RSET").startswith("421 4.7.0")


def test_accepted_mail_clears_the_counts(start: Any, recorder: Any) -> None:
    with start(recorder, Limits(errors=3)).client() as client:
        for _ in range(4):
            client.begin()
            assert client.say("x\r\n.").startswith("250")
            assert client.say("JUNK").startswith("500")
            assert client.say("JUNK").startswith("500")


def test_connections_per_address(start: Any) -> None:
    server = start(limits=Limits(connections_per_address=3))
    clients = [server.client() for _ in range(5)]
    assert [c.banner[:9] for c in clients] == ["220 mail."] * 3 + ["421 4.7.0"] * 2
    for client in clients:
        client.close()
    deadline = time.monotonic() + 5
    while server.call(lambda: server.server.open_sessions) and time.monotonic() < deadline:
        time.sleep(0.01)
    with server.client() as client:
        assert client.banner.startswith("220")


def test_connections_in_all(start: Any) -> None:
    server = start(limits=Limits(connections=2))
    clients = [server.client() for _ in range(3)]
    assert clients[2].banner.startswith("421 4.3.2")
    for client in clients:
        client.close()


def test_message_size(start: Any, recorder: Any) -> None:
    limits = Limits(message_octets=1000)
    with start(recorder, limits).client() as client:
        client.begin()
        client.send(b"x" * 998 + b"\r\n.\r\n")
        assert client.read().startswith("250")
        client.begin()
        client.send(b"x" * 999 + b"\r\n.\r\n")
        assert client.read().startswith("552 5.3.4")
        client.begin()
        for _ in range(50):
            client.send(b"y" * 998 + b"\r\n")
        client.send(b".\r\n")
        assert client.read().startswith("552 5.3.4")
        assert client.say("NOOP").startswith("250"), "the session lives on"
    assert len(recorder.messages) == 1


def test_a_lone_dot_after_discarded_octets_is_no_end(start: Any, recorder: Any) -> None:
    with start(recorder, Limits(message_octets=10)).client() as client:
        client.begin()
        client.send(b"z" * 100)
        time.sleep(0.05)
        client.send(b"x.\r\nA")
        time.sleep(0.05)
        client.send(b"more\r\n")
        time.sleep(0.05)
        client.send(b".\r")
        time.sleep(0.05)
        client.send(b"\n")
        assert client.read().startswith("552")
        assert client.say("NOOP").startswith("250")


def test_endless_message_is_cut_off(start: Any) -> None:
    with start(limits=Limits(message_octets=1000, overrun_octets=5000)).client() as client:
        client.begin()
        with pytest.raises(OSError):
            client.send((b"x" * 998 + b"\r\n") * 10_000)


def test_memory_for_all_messages(start: Any) -> None:
    server = start(limits=Limits(buffered_octets=5000))
    with server.client() as first, server.client() as second:
        first.begin()
        second.begin()
        first.send(b"x" * 4000)
        time.sleep(0.1)
        second.send(b"x" * 4000)
        time.sleep(0.1)
        second.send(b"\r\n.\r\n")
        assert second.read().startswith("452 4.3.1")
        first.send(b"\r\n.\r\n")
        assert first.read().startswith("250")
    assert server.call(lambda: server.server.budget.used) == 0


def test_long_lines_can_be_refused(start: Any, recorder: Any) -> None:
    with start(recorder, Limits(long_lines=LongLines.REFUSE)).client() as client:
        client.begin()
        assert client.say("x" * 999 + "\r\n.").startswith("550 5.6.0")
        client.begin()
        assert client.say("x" * 998 + "\r\n.").startswith("250")


def test_idle_client_is_told_and_closed(start: Any) -> None:
    with start(limits=Limits(idle_seconds=0.5)).client() as client:
        client.send(b"NO")  # octets without a command do not help
        assert client.read().startswith("421 4.4.2")
        assert client.read() == ""


def test_trickling_message_is_ended(start: Any) -> None:
    with start(limits=Limits(data_seconds=1.0)).client() as client:
        client.begin()
        answer = ""
        client.sock.settimeout(0.1)
        for _ in range(60):
            client.send(b"x\r\n")
            try:
                answer = client.read()
                break
            except TimeoutError:
                continue
        assert answer.startswith("421 4.4.2")


def test_command_flood_does_not_grow_the_output(start: Any) -> None:
    """A client that sends commands and never reads stops being read."""
    server = start(limits=Limits(idle_commands=10**9, errors=10**9))
    with server.client() as client:
        client.sock.settimeout(1.0)
        sent = 0
        try:
            while sent < 64_000_000:
                client.send(b"RSET\r\n" * 10_000)
                sent += 60_000
        except TimeoutError:
            pass
        assert sent < 64_000_000


def test_slow_loris_does_not_slow_others(start: Any, recorder: Any) -> None:
    """F42: 200 clients that trickle; others' time stays within a small bound."""
    server = start(recorder, Limits(connections_per_address=300, data_seconds=60))
    loris = [server.client() for _ in range(200)]
    for client in loris:
        client.begin()
    times = []
    for _ in range(20):
        for client in loris:
            client.send(b"x")
        started = time.perf_counter()
        with server.client() as client:
            client.begin()
            assert client.say("x\r\n.").startswith("250")
        times.append(time.perf_counter() - started)
    for client in loris:
        client.close()
    assert sorted(times)[18] < 0.25
