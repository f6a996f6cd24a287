"""How sessions end: shutdown, revocation, lost clients, broken handlers."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any


def test_stop_finishes_what_is_being_committed(start: Any, recorder: Any) -> None:
    server = start(recorder)
    recorder.gate = asyncio.Event()
    with server.client() as idle, server.client() as busy:
        busy.begin()
        busy.send(b"x\r\n.\r\n")
        time.sleep(0.1)
        stopping = asyncio.run_coroutine_threadsafe(server.server.stop(5), server.loop)
        assert idle.read().startswith("421 4.3.2")
        server.call(lambda: recorder.gate.set())
        assert busy.read().startswith("250 2.0.0")
        assert busy.read().startswith("421 4.3.2")
        stopping.result(5)
    assert len(recorder.messages) == 1
    with server.client() as late:
        assert late.banner.startswith("421 4.3.2")


def test_stop_lets_an_arriving_message_end(start: Any, recorder: Any) -> None:
    server = start(recorder)
    with server.client() as client:
        client.begin()
        client.send(b"half")
        stopping = asyncio.run_coroutine_threadsafe(server.server.stop(5), server.loop)
        time.sleep(0.1)
        client.send(b"\r\n.\r\n")
        assert client.read().startswith("250")
        assert client.read().startswith("421")
        stopping.result(5)


def test_close_sessions(start: Any, recorder: Any) -> None:
    server = start(recorder)
    with server.client() as doomed, server.client() as other:
        doomed.say("EHLO doomed.test")
        other.say("EHLO other.test")
        assert server.call(lambda: server.server.close_sessions(lambda s: s.helo == "doomed.test")) == 1
        assert doomed.read().startswith("421 4.7.0")
        assert doomed.read() == ""
        assert other.say("NOOP").startswith("250")


def test_half_closed_client_gets_its_answer(start: Any, recorder: Any) -> None:
    with start(recorder).client() as client:
        client.begin()
        client.send(b"x\r\n.\r\n")
        client.sock.shutdown(socket.SHUT_WR)
        assert client.read().startswith("250")


def test_broken_handler_answers_451(start: Any, recorder: Any) -> None:
    server = start(recorder)
    recorder.fail = RuntimeError("boom")
    with server.client() as client:
        client.begin()
        assert client.say("x\r\n.").startswith("451 4.3.0")
        recorder.fail = None
        assert client.say("MAIL FROM:<a@x.test>").startswith("250")
    assert server.server.counters.failures == 1


def test_client_lost_during_commit_keeps_the_message(start: Any, recorder: Any) -> None:
    server = start(recorder)
    recorder.gate = asyncio.Event()
    with server.client() as client:
        client.begin()
        client.send(b"x\r\n.\r\n")
        time.sleep(0.1)
    time.sleep(0.1)
    server.call(lambda: recorder.gate.set())
    time.sleep(0.1)
    assert len(recorder.messages) == 1
    assert server.call(lambda: server.server.budget.used) == 0
