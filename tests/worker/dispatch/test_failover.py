"""A member that fails is taken out, its mail leaves by the next, nobody gets a bounce, and success brings it back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.live import wait_for
from tests.sinks import SinkOptions, SmtpSink
from tests.worker.dispatch.conftest import OpenSink
from tests.worker.dispatch.yard import Yard, do, drain, make_due, pass_time, rows_of, states
from webapp.messages.explain import explain
from webapp.messages.models import Message, Recipient
from worker.dispatch.dispatcher import Dispatcher

_OUT = "select action, provider, rule, ended_at is null from throttles where source_id = :s order by id"
TO = [f"u{n}@example.net" for n in range(12)]


def test_a_relay_that_refuses_connections_is_left_out_and_comes_back(
    yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher, free_port: Callable[[], int]
) -> None:
    port = free_port()
    gone, good = yard.relay(port, name="gone"), open_sink()
    yard.relay(good.port, name="good")
    message = yard.send(*TO)
    drain(dispatcher)
    assert set(states(message).values()) == {"delivered"}
    assert len(good.received) == len(TO)
    assert rows_of(_OUT, s=gone) == [("out", "*", "relay.away", True)]
    first = rows_of("select extract(epoch from until - created_at) from throttles")[0]
    # While it is out nobody knocks; then one message does, and its failure doubles the wait.
    yard.send("later@example.net")
    drain(dispatcher)
    assert rows_of("select strikes from throttles") == rows_of("select strikes from throttles where until > now()")
    pass_time(timedelta(seconds=31))
    probes = yard.send(*(f"probe{n}@example.net" for n in range(40)))
    drain(dispatcher)
    assert set(states(probes).values()) == {"delivered"}
    assert rows_of("select extract(epoch from until - changed_at) > 1.9 * :f from throttles", f=first) == [True]
    back = open_sink(port=port)
    pass_time(timedelta(hours=1))
    dispatcher.stop()
    fresh = Dispatcher()  # whose engine does not rest the destination for some seconds more
    last = yard.send(*(f"back{n}@example.net" for n in range(40)))
    drain(fresh)
    fresh.stop()
    assert set(states(last).values()) == {"delivered"}
    assert back.received, "the probe did not leave"
    assert rows_of("select ended_why from throttles") == ["It takes mail again."]


def test_a_relay_whose_login_fails_is_left_out(yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher) -> None:
    picky, good = open_sink(SinkOptions(auth=("shop", "right"))), open_sink()
    bad = yard.relay(picky.port, name="picky", username="shop")
    yard.relay(good.port, name="good")
    message = yard.send(*TO)
    drain(dispatcher)
    assert set(states(message).values()) == {"delivered"}
    assert len(good.received) == len(TO) and picky.received == []
    assert rows_of(_OUT, s=bad) == [("out", "*", "relay.login", True)]


def test_a_relay_whose_quota_is_used_up_passes_its_mail_on(yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher) -> None:
    full, good = open_sink(SinkOptions(rcpt_replies=[b"550 5.4.5 Daily user sending limit exceeded."] * 50)), open_sink()
    used = yard.relay(full.port, name="full")
    yard.relay(good.port, name="good")
    message = yard.send(*TO)
    drain(dispatcher)
    assert set(states(message).values()) == {"delivered"}
    assert rows_of(_OUT, s=used) == [("out", "*", "relay.quota", True)]
    assert rows_of("select count(*) from suppressions") == [0]


def test_a_pool_whose_only_relay_is_out_waits_with_a_reason_and_does_not_spin(yard: Yard, dispatcher: Dispatcher, free_port: Callable[[], int]) -> None:
    yard.relay(free_port(), name="only")
    yard.send("ada@example.net")
    drain(dispatcher)
    later = yard.send("ben@example.net")
    drain(dispatcher)
    assert states(later) == {"ben@example.net": "queued"}
    reason, attempts, waits = rows_of(
        "select r.state_reason, q.attempt, q.due_at > now() + interval '10 seconds' from queue_entries q join recipients r on r.id = q.recipient_id "
        "where q.message_id = :m", m=later,
    )[0]  # fmt: skip
    assert reason.startswith("only is left out until ") and "the relay cannot be reached" in reason
    assert (attempts, waits) == (0, True)
    with yard.person.scope() as scope:
        message = scope.session.get_one(Message, later)
        recipients = scope.session.query(Recipient).filter_by(message_id=later).all()
        assert "left out until" in explain(scope, message, recipients)[-1].text


def test_mail_of_a_blocked_address_leaves_by_another_and_nobody_bounces(yard: Yard, mx: dict[str, object], dispatcher: Dispatcher) -> None:
    one, two = yard.address("127.0.0.21"), yard.address("127.0.0.22")
    other = mx["other"]
    other.options.rcpt_replies[:] = [b"554 5.7.1 Service unavailable; Client host [127.0.0.21] blocked using zen.spamhaus.org"]  # type: ignore[attr-defined]
    message = yard.send("ada@small.test")
    drain(dispatcher)
    assert states(message) == {"ada@small.test": "delivered"}
    blocked = rows_of("select source_id, provider, action, until - created_at between interval '1 hour' and interval '2 hours' from throttles")
    assert len(blocked) == 1 and blocked[0][0] in (one, two) and blocked[0][1:] == ("small.test", "move", True)
    # The next ones leave by the other address at once.
    message = yard.send(*(f"u{n}@small.test" for n in range(10)))
    drain(dispatcher)
    assert set(states(message).values()) == {"delivered"}
    peers = {mail.peer for mail in other.received}  # type: ignore[attr-defined]
    assert len(peers) == 1


def test_a_blocked_address_without_another_waits_and_never_bounces(yard: Yard, mx: dict[str, object], dispatcher: Dispatcher) -> None:
    yard.address("127.0.0.21")
    mx["other"].options.rcpt_replies[:] = [b"550 5.7.1 blocked using bl.spamhaus.org"]  # type: ignore[attr-defined]
    message = yard.send("ada@small.test")
    drain(dispatcher)
    assert states(message) == {"ada@small.test": "deferred"}
    make_due()
    drain(dispatcher)
    assert states(message) == {"ada@small.test": "deferred"}
    assert "small.test on 127.0.0.21 is paused until" in rows_of("select state_reason from recipients")[0]
    assert rows_of("select count(*) from suppressions") == [0]


def test_an_address_that_this_machine_does_not_have_is_left_out_here(yard: Yard, mx: dict[str, SmtpSink], dispatcher: Dispatcher) -> None:
    """Its mail leaves from the other address in the same attempt, and the attempt says which one could not be used."""
    yard.address("127.0.0.21")
    missing = yard.address("192.0.2.77")
    message = yard.send(*(f"u{n}@small.test" for n in range(12)))
    drain(dispatcher)
    assert set(states(message).values()) == {"delivered"}
    assert {mail.peer for mail in mx["other"].received} == {"127.0.0.21"}
    told = rows_of("select count(*) from delivery_attempts where transcript like '%this machine has no address 192.0.2.77 to send from%'")
    assert told[0] > 0
    assert rows_of("select count(*) from throttles") == [0], "another machine may have it"
    assert missing in dispatcher._pacer.resting
    second = yard.send(*(f"v{n}@small.test" for n in range(12)))
    drain(dispatcher)
    assert set(states(second).values()) == {"delivered"}
    assert rows_of("select count(*) from delivery_attempts where transcript like '%192.0.2.77%'") == told, "it is not tried again for a while"


def test_mail_whose_only_address_is_missing_waits_and_says_why(yard: Yard, mx: dict[str, SmtpSink], dispatcher: Dispatcher) -> None:
    yard.address("192.0.2.77")
    first = yard.send("u1@small.test")
    drain(dispatcher)
    assert set(states(first).values()) == {"deferred"}
    assert "no address 192.0.2.77" in rows_of("select reply from delivery_attempts")[0]
    second = yard.send("u2@small.test")
    drain(dispatcher)
    assert set(states(second).values()) == {"queued"}
    (reason,) = rows_of("select state_reason from recipients where address = 'u2@small.test'")
    assert reason.startswith("192.0.2.77 is no address of this machine")
    assert mx["other"].received == []


def test_a_relay_gets_the_header_fields_it_wants_and_the_next_one_its_own(
    yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher, free_port: Callable[[], int]
) -> None:
    good = open_sink()
    gone, kept = yard.relay(free_port(), name="gone", weight=1000), yard.relay(good.port, name="good", weight=1)
    for account, name in ((gone, "first"), (kept, "second")):
        do("update sending_accounts set headers = jsonb_build_object('X-Stream', cast(:n as text)) where id = :a", a=account, n=name)
    yard.send(*TO)
    drain(dispatcher)
    assert len(good.received) == len(TO)
    assert {mail.data.partition(b"\r\n")[0] for mail in good.received} == {b"X-Stream: second"}
    assert not any(b"X-Stream: first" in mail.data for mail in good.received)


@pytest.mark.parametrize("idle", [True, False])
def test_the_last_results_of_tls_are_written_when_a_worker_stops(yard: Yard, mx: dict[str, SmtpSink], idle: bool) -> None:
    dispatcher = Dispatcher()
    yard.address("127.0.0.21")
    yard.send("u1@small.test")
    thread = threading.Thread(target=drain, args=(dispatcher,))
    thread.start()
    wait_for(lambda: mx["other"].received, 20, "the mail")
    if idle:
        thread.join(30)
    dispatcher.stop()
    thread.join(30)
    assert rows_of("select domain, sum(sessions) from tls_results group by 1") == [("small.test", 1)]
