"""A member that fails is taken out, its mail leaves by the next, nobody gets a bounce, and success brings it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.sinks import SinkOptions
from tests.worker.dispatch.conftest import OpenSink
from tests.worker.dispatch.yard import Yard, drain, make_due, pass_time, rows_of, states
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
