"""Replies slow and pause, rows say why and until when, time and success set free; a new worker reads what an old one learnt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.sinks import SinkOptions, SmtpSink
from tests.worker.dispatch.conftest import OpenSink
from tests.worker.dispatch.yard import Yard, do, drain, make_due, pass_time, rows_of, states
from worker.dispatch.dispatcher import Dispatcher

_TSS04 = b"421 4.7.0 [TSS04] Messages from 127.0.0.21 temporarily deferred due to unexpected volume or user complaints"
_THROTTLES = "select provider, action, rate, strikes, rule, source_label from throttles where ended_at is null order by provider"


def test_yahoo_pauses_after_tss04_twice_and_others_go_on(yard: Yard, mx: dict[str, SmtpSink], dispatcher: Dispatcher) -> None:
    yard.address("127.0.0.21")
    mx["yahoo"].options.rcpt_replies[:] = [_TSS04]
    first = yard.send("ada@yahoo.test")
    drain(dispatcher)
    assert states(first) == {"ada@yahoo.test": "deferred"}
    assert rows_of(_THROTTLES) == [("yahoo", "slow", 10.0, 1, "yahoo.tss04", "127.0.0.21")]
    mx["yahoo"].options.rcpt_replies[:] = [_TSS04]
    yard.send("ben@yahoo.test")
    drain(dispatcher)
    paused = rows_of("select provider, action, strikes, reason, until - changed_at = interval '2 hours' from throttles where ended_at is null")
    assert paused == [("yahoo", "pause", 2, "Yahoo said TSS04 twice", True)]
    # Now nothing leaves for Yahoo; Google and everybody else are served.
    third = yard.send("cy@yahoo.test", "dee@workspace.test", "eve@small.test")
    drain(dispatcher)
    assert states(third) == {"cy@yahoo.test": "queued", "dee@workspace.test": "delivered", "eve@small.test": "delivered"}
    reason = rows_of("select state_reason from recipients where address = 'cy@yahoo.test'")[0]
    assert reason.startswith("Yahoo on 127.0.0.21 is paused until ") and reason.endswith("UTC: Yahoo said TSS04 twice.")


def test_after_the_pause_it_goes_on_slowly_and_then_freely(yard: Yard, mx: dict[str, SmtpSink], dispatcher: Dispatcher) -> None:
    yard.address("127.0.0.21")
    mx["yahoo"].options.rcpt_replies[:] = [_TSS04, _TSS04]
    yard.send("ada@yahoo.test", "ben@yahoo.test")
    drain(dispatcher)
    assert rows_of("select action from throttles") == ["pause"]
    pass_time(timedelta(hours=2, minutes=1))
    probe = yard.send(*(f"u{n}@yahoo.test" for n in range(5)))
    drain(dispatcher)
    assert list(states(probe).values()).count("delivered") == 1, "a way out on probation gets one message at a time"
    assert rows_of(_THROTTLES)[0][:3] == ("yahoo", "slow", 1.0)
    # Success lets the rate double until it is the budget's.
    for rate in (2.0, 4.0):
        do("update throttles set changed_at = changed_at - interval '2 minutes', good = 50")
        dispatcher._pacer._buckets.clear()  # as if some seconds had passed
        yard.send("more@yahoo.test")
        make_due()
        drain(dispatcher)
        assert rows_of("select rate from throttles") == [rate]
    do("update throttles set changed_at = changed_at - interval '2 minutes', good = 50, rate = 60")
    dispatcher._pacer._buckets.clear()
    yard.send("last@yahoo.test")
    make_due()
    drain(dispatcher)
    assert rows_of("select ended_why from throttles") == ["Mail got through at the full rate again."]


def test_a_server_that_says_421_twice_and_then_takes_it(yard: Yard, mx: dict[str, SmtpSink], dispatcher: Dispatcher) -> None:
    yard.address("127.0.0.21")
    mx["google"].options.rcpt_replies[:] = [b"421 4.7.0 Our system has detected an unusual rate of unsolicited mail"] * 2
    message = yard.send("ada@workspace.test")
    for expected in ("deferred", "deferred", "delivered"):
        drain(dispatcher)
        assert states(message) == {"ada@workspace.test": expected}
        pass_time(timedelta(seconds=6))
        make_due()
    assert rows_of("select action, rate, strikes from throttles") == [("slow", 5.0, 2)]


def test_the_rows_outlive_the_worker(yard: Yard, mx: dict[str, SmtpSink], dispatcher: Dispatcher) -> None:
    yard.address("127.0.0.21")
    mx["yahoo"].options.rcpt_replies[:] = [_TSS04, _TSS04]
    yard.send("ada@yahoo.test", "ben@yahoo.test")
    drain(dispatcher)
    dispatcher.stop()
    successor = Dispatcher()
    message = yard.send("cy@yahoo.test")
    drain(successor)
    successor.stop()
    assert states(message) == {"cy@yahoo.test": "queued"}
    assert len(mx["yahoo"].received) == 0


def test_more_than_the_rate_is_put_off_to_moments_of_its_own(yard: Yard, mx: dict[str, SmtpSink], dispatcher: Dispatcher) -> None:
    yard.address("127.0.0.21")
    do("insert into provider_budgets (provider, rate) values ('google', 2)")
    message = yard.send(*(f"u{n}@workspace.test" for n in range(24)))
    drain(dispatcher, 1)
    sent = list(states(message).values()).count("delivered")
    assert 4 <= sent < 24
    waits = rows_of("select extract(epoch from due_at - now()) from queue_entries order by due_at")
    assert len(waits) == 24 - sent and waits[-1] - waits[0] > (len(waits) - 1) / 2 - 3
    assert rows_of("select distinct attempt from queue_entries") == [0]
    assert "waits for its turn" in rows_of("select state_reason from recipients where state = 'queued' limit 1")[0]


@pytest.mark.parametrize("reply", [b"450 4.2.1 The user you are trying to contact is receiving mail too quickly", b"451 4.3.0 local error", b"550 5.1.1 no"])
def test_replies_about_others_slow_nothing(yard: Yard, mx: dict[str, SmtpSink], dispatcher: Dispatcher, reply: bytes) -> None:
    yard.address("127.0.0.21")
    mx["google"].options.rcpt_replies[:] = [reply]
    yard.send("ada@workspace.test")
    drain(dispatcher)
    assert rows_of(_THROTTLES) == []


def test_a_relay_is_slowed_not_paused_by_what_it_passes_on(yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher) -> None:
    sink = open_sink(SinkOptions(rcpt_replies=[b"450 4.7.0 Too many messages from you, slow down"] * 40))
    yard.relay(sink.port)
    yard.send(*(f"u{n}@example.net" for n in range(40)))
    drain(dispatcher)
    (slowed,) = rows_of(_THROTTLES)
    assert slowed[:2] == ("relay", "slow") and slowed[4:] == ("relay.slow", "relay") and slowed[2] >= 1.0


def test_what_a_relay_says_of_a_few_recipients_does_not_slow_all(yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher) -> None:
    yard.relay(open_sink(SinkOptions()).port)
    yard.send(*(f"u{n}@example.net" for n in range(30)))
    drain(dispatcher)
    message = yard.send("d421@example.net", "ada@example.net")
    drain(dispatcher)
    assert states(message) == {"d421@example.net": "deferred", "ada@example.net": "delivered"}
    assert rows_of(_THROTTLES) == []


def test_no_address_of_a_recipient_stands_in_a_row(yard: Yard, mx: dict[str, SmtpSink], dispatcher: Dispatcher) -> None:
    yard.address("127.0.0.21")
    mx["other"].options.rcpt_replies[:] = [b"550 5.7.1 <ada.private@small.test>: blocked using zen.spamhaus.org"]
    yard.send("ada.private@small.test")
    drain(dispatcher)
    reply = rows_of("select reply from throttles")[0]
    assert "spamhaus" in reply and "private" not in reply
