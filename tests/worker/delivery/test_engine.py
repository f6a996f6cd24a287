"""The engine as a whole: pools of connections, fairness, stopping, members that fail."""

from __future__ import annotations

import asyncio
import random
import socket
from uuid import UUID, uuid4

import pytest

from tests.sinks import SinkOptions, SmtpSink
from tests.worker.delivery.engine_rig import deliver, deliver_one, make_delivery, make_engine, make_relay, on_loop
from worker.delivery.egress import EgressPolicy
from worker.delivery.transaction import order_members
from worker.delivery.types import AttemptResult, Blame, Delivery, Outcome, ReplyClass, Stage, Timeouts


def closed_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@on_loop
async def test_connections_grow_with_demand_and_are_kept_between_runs() -> None:
    async with SmtpSink(SinkOptions(latency=0.02)) as sink:
        engine = make_engine()
        member = make_relay(sink.port, max_connections=5)
        await deliver(engine, [make_delivery("ok@example.test", member)])
        assert sink.state.connections == 1
        await deliver(engine, [make_delivery(f"ok-{n}@example.test", member) for n in range(60)])
        assert sink.state.peak == 5
        opened = sink.state.connections
        await deliver(engine, [make_delivery(f"ok-{n}@example.test", member) for n in range(5)])
        assert sink.state.connections == opened
        await engine.close()
        await asyncio.sleep(0.1)
        assert sink.state.open == 0 and engine.open_connections == 0


@on_loop
async def test_idle_connections_are_closed_also_between_runs() -> None:
    async with SmtpSink() as sink:
        engine = make_engine(idle_seconds=0.1)
        (result,) = await deliver(engine, [make_delivery("ok@example.test", make_relay(sink.port))])
        assert result.outcome is Outcome.DELIVERED and sink.state.open == 1
        await asyncio.sleep(0.5)
        assert sink.state.open == 0 and "QUIT" in sink.state.commands
        await engine.close()


@on_loop
async def test_run_need_not_wait_for_a_silent_server() -> None:
    async with SmtpSink() as sink:
        engine = make_engine(timeouts=Timeouts(end_of_data=2.0))
        member = make_relay(sink.port)
        results: list[AttemptResult] = []
        left = iter([make_delivery("stalldata@example.test", member), make_delivery("ok@example.test", member)])

        async def source() -> Delivery | None:
            return next(left, None)

        await asyncio.wait_for(engine.run(source, results.append, linger=0.1), 1.5)
        assert [result.outcome for result in results] == [Outcome.DELIVERED] and engine.in_flight == 1
        more = iter([make_delivery("ok-2@example.test", member)])

        async def source_again() -> Delivery | None:
            return next(more, None)

        await asyncio.wait_for(engine.run(source_again, results.append, linger=0.05), 1.5)
        while engine.in_flight:
            await asyncio.sleep(0.05)
        assert [result.outcome for result in results] == [Outcome.DELIVERED, Outcome.DELIVERED, Outcome.DEFERRED]
        assert results[2].duplicate_possible and engine.in_flight == 0
        await engine.close()


@on_loop
async def test_connection_closed_from_afar_between_runs_costs_nothing() -> None:
    async with SmtpSink() as sink:
        engine = make_engine()
        member = make_relay(sink.port)
        await deliver(engine, [make_delivery("ok-1@example.test", member)])
        port = sink.port
        await sink.stop()
    async with SmtpSink(port=port) as again:
        (result,) = await deliver(engine, [make_delivery("ok-2@example.test", member)])
        await engine.close()
        assert result.outcome is Outcome.DELIVERED and len(again.received) == 1


@on_loop
async def test_messages_a_connection_are_bounded() -> None:
    async with SmtpSink() as sink:
        engine = make_engine(max_messages_per_connection=7)
        member = make_relay(sink.port, max_connections=1)
        results = await deliver(engine, [make_delivery(f"ok-{n}@example.test", member) for n in range(50)])
        await engine.close()
        assert all(result.outcome is Outcome.DELIVERED for result in results)
        assert sink.state.connections == 8
        numbers = [message.connection for message in sink.received]
        assert max(numbers.count(number) for number in numbers) == 7


@on_loop
async def test_connections_in_all_are_bounded() -> None:
    async with SmtpSink(SinkOptions(latency=0.01)) as first, SmtpSink(SinkOptions(latency=0.01)) as second:
        engine = make_engine(max_connections=3)
        members = (make_relay(first.port, max_connections=10), make_relay(second.port, max_connections=10))
        results = await deliver(engine, [make_delivery(f"ok-{n}@example.test", members[n % 2]) for n in range(60)])
        assert engine.open_connections <= 3
        await engine.close()
        assert all(result.outcome is Outcome.DELIVERED for result in results)
        assert first.state.peak + second.state.peak <= 6 and first.state.messages == second.state.messages == 30


@on_loop
async def test_limit_of_the_destination_is_learned() -> None:
    async with SmtpSink(SinkOptions(max_connections=3, latency=0.005)) as sink:
        engine = make_engine()
        member = make_relay(sink.port, max_connections=12)
        results = await deliver(engine, [make_delivery(f"ok-{n}@example.test", member) for n in range(300)])
        await engine.close()
        assert [result.outcome for result in results] == [Outcome.DELIVERED] * 300
        assert sink.state.peak == 3
        assert sink.state.connections < 3 + 12 + 12


@on_loop
async def test_stalled_destination_holds_nobody_up() -> None:
    """2,000 deliveries to a server that never answers, 200 to a good one behind them."""
    async with SmtpSink() as good, SmtpSink() as bad:
        engine = make_engine(window=400)
        slow, fast = make_relay(bad.port, max_connections=2), make_relay(good.port, max_connections=2)
        deliveries = [make_delivery(f"stall-{n}@bad.test", slow) for n in range(2000)]
        deliveries += [make_delivery(f"ok-{n}@good.test", fast) for n in range(200)]
        start = asyncio.get_running_loop().time()
        finished: list[float] = []
        released = 0
        left = iter(deliveries)

        async def source() -> Delivery | None:
            return next(left, None)

        def sink(result: AttemptResult) -> None:
            nonlocal released
            if result.outcome is Outcome.DELIVERED:
                finished.append(asyncio.get_running_loop().time() - start)
            released += result.outcome is Outcome.RELEASED

        running = asyncio.create_task(engine.run(source, sink))
        while len(finished) < 200:
            await asyncio.sleep(0.02)
        assert max(finished) < 6.0
        assert released > 1000 and bad.state.peak <= 2
        engine.stop()
        await running
        await engine.close()


@on_loop
async def test_delivery_behind_a_silent_end_of_data_moves_on() -> None:
    async with SmtpSink() as sink:
        engine = make_engine(steal_after=0.1, timeouts=Timeouts(end_of_data=3.0))
        member = make_relay(sink.port, max_connections=2)
        start = asyncio.get_running_loop().time()
        took: dict[str, float] = {}
        addresses = ["stalldata@example.test", *(f"ok-{n}@example.test" for n in range(10))]
        deliveries = [make_delivery(address, member) for address in addresses]
        names = {delivery.recipient_id: delivery.address for delivery in deliveries}
        left = iter(deliveries)

        async def source() -> Delivery | None:
            return next(left, None)

        await engine.run(source, lambda result: took.__setitem__(names[result.recipient_id], asyncio.get_running_loop().time() - start))
        await engine.close()
        assert all(took[address] < 2.0 for address in addresses[1:]), took
        assert took["stalldata@example.test"] >= 3.0
        assert max(sink.state.recipients.values()) == 1


@on_loop
async def test_failing_member_gives_way_to_the_next() -> None:
    async with SmtpSink(SinkOptions(auth=("user", "secret word"))) as locked, SmtpSink() as good:
        dead = make_relay(closed_port(), weight=1_000_000)
        wrong = make_relay(locked.port, weight=1000, username="user", password="not the secret")
        fine = make_relay(good.port, weight=0)
        engine = make_engine()
        results = await deliver(engine, [make_delivery(f"ok-{n}@example.test", dead, wrong, fine) for n in range(10)])
        await engine.close()
        assert [result.outcome for result in results] == [Outcome.DELIVERED] * 10
        assert {result.member_id for result in results} == {fine.id}
        assert "connection refused" in results[0].transcript and "535" in results[0].transcript
        assert "not the secret" not in results[0].transcript
        assert locked.received == []


@on_loop
async def test_no_member_left_is_deferred() -> None:
    members = (make_relay(closed_port()), make_relay(closed_port()))
    result = await deliver_one(make_engine(), make_delivery("ok@example.test", *members))
    assert (result.outcome, result.reply_class, result.stage, result.retry) == (Outcome.DEFERRED, ReplyClass.NET, Stage.CONNECT, True)
    assert result.transcript.count("connecting to") == 2


@on_loop
async def test_pool_without_members_is_deferred() -> None:
    result = await deliver_one(make_engine(), make_delivery("ok@example.test"))
    assert (result.outcome, result.blame, result.member_id) == (Outcome.DEFERRED, Blame.OURS, None)


@on_loop
async def test_relay_that_wants_a_login_at_mail_is_passed_over() -> None:
    async with SmtpSink(SinkOptions(auth=("u", "p"))) as locked, SmtpSink() as good:
        forgot, fine = make_relay(locked.port), make_relay(good.port, weight=0)
        result = await deliver_one(make_engine(), make_delivery("ok@example.test", forgot, fine))
        assert result.outcome is Outcome.DELIVERED and result.member_id == fine.id


@on_loop
async def test_private_relay_is_refused_without_a_packet() -> None:
    async with SmtpSink() as sink:
        engine = make_engine(egress=EgressPolicy())
        result = await deliver_one(engine, make_delivery("ok@example.test", make_relay(sink.port)))
        assert (result.outcome, result.reply_class, result.blame) == (Outcome.DEFERRED, ReplyClass.RELAY, Blame.OURS)
        assert sink.state.connections == 0


@on_loop
async def test_source_address_is_bound() -> None:
    async with SmtpSink() as sink:
        here = make_relay(sink.port, source_ip="127.0.0.7")
        result = await deliver_one(make_engine(), make_delivery("ok@example.test", here))
        assert result.outcome is Outcome.DELIVERED and sink.received[0].peer == "127.0.0.7"
        elsewhere = make_relay(sink.port, source_ip="192.0.2.55")
        result = await deliver_one(make_engine(), make_delivery("ok@example.test", elsewhere))
        assert (result.outcome, result.blame) == (Outcome.DEFERRED, Blame.OURS)
        assert "has no address 192.0.2.55" in result.reply


@on_loop
async def test_changed_member_takes_effect_on_a_running_engine() -> None:
    async with SmtpSink(SinkOptions(auth=("u", "new password"))) as sink:
        engine = make_engine(cooldown=0)
        old = make_relay(sink.port, username="u", password="old password")
        new = make_relay(sink.port, username="u", password="new password", id=old.id)
        (first,) = await deliver(engine, [make_delivery("ok@example.test", old)])
        (second,) = await deliver(engine, [make_delivery("ok@example.test", new)])
        await engine.close()
        assert (first.reply_class, second.outcome) == (ReplyClass.RELAY, Outcome.DELIVERED)


@on_loop
async def test_stop_finishes_what_is_under_way_and_gives_back_the_rest() -> None:
    async with SmtpSink(SinkOptions(latency=0.05)) as sink:
        engine = make_engine()
        member = make_relay(sink.port, max_connections=2)
        results: list[AttemptResult] = []
        left = iter([make_delivery(f"ok-{n}@example.test", member) for n in range(500)])

        async def source() -> Delivery | None:
            return next(left, None)

        running = asyncio.create_task(engine.run(source, results.append))
        await asyncio.sleep(0.4)
        engine.stop()
        await asyncio.wait_for(running, 5)
        await engine.close()
        outcomes = [result.outcome for result in results]
        assert set(outcomes) == {Outcome.DELIVERED, Outcome.RELEASED}
        assert outcomes.count(Outcome.DELIVERED) == len(sink.received) > 2
        assert len(results) + len(list(left)) == 500
        assert all(not result.suppress and result.code is None for result in results if result.outcome is Outcome.RELEASED)


@on_loop
async def test_stop_does_not_wait_for_a_silent_server() -> None:
    async with SmtpSink() as sink:
        engine = make_engine(stop_grace=0.2, steal_after=60, timeouts=Timeouts())
        member = make_relay(sink.port, max_connections=1)
        results: list[AttemptResult] = []
        left = iter([make_delivery(address, member) for address in ("stalldata@example.test", "ok@example.test")])

        async def source() -> Delivery | None:
            return next(left, None)

        running = asyncio.create_task(engine.run(source, results.append))
        await asyncio.sleep(0.3)
        engine.stop()
        await asyncio.wait_for(running, 3)
        await engine.close()
        assert [result.outcome for result in results] == [Outcome.DEFERRED, Outcome.RELEASED]
        assert results[0].duplicate_possible


@on_loop
async def test_broken_sink_and_broken_source_are_reported() -> None:
    async with SmtpSink() as sink:
        member = make_relay(sink.port)

        def refuse(result: AttemptResult) -> None:
            raise OSError("disk full")

        left = iter([make_delivery("ok@example.test", member)])

        async def source() -> Delivery | None:
            return next(left, None)

        engine = make_engine()
        with pytest.raises(OSError, match="disk full"):
            await engine.run(source, refuse)
        await engine.close()

        results: list[AttemptResult] = []
        more = iter([make_delivery("ok@example.test", member)])

        async def failing() -> Delivery | None:
            found = next(more, None)
            if found is None:
                raise OSError("database away")
            return found

        engine = make_engine()
        with pytest.raises(OSError, match="database away"):
            await engine.run(failing, results.append)
        await engine.close()
        assert [result.outcome for result in results] == [Outcome.DELIVERED]


@on_loop
async def test_resting_destination_answers_at_once() -> None:
    port = closed_port()
    engine = make_engine(cooldown=30)
    member = make_relay(port)
    (first,) = await deliver(engine, [make_delivery("ok@example.test", member)])
    start = asyncio.get_running_loop().time()
    results = await deliver(engine, [make_delivery(f"ok-{n}@example.test", member) for n in range(100)])
    await engine.close()
    assert asyncio.get_running_loop().time() - start < 0.5
    assert {result.reply for result in results} == {first.reply}


def test_members_keep_their_share_and_their_recipients() -> None:
    one, two, three = make_relay(1, weight=1), make_relay(2, weight=3), make_relay(3, weight=0)
    keys = [uuid4().bytes for _ in range(4000)]
    first = [order_members((one, two, three), key)[0].id for key in keys]
    assert first.count(three.id) == 0
    assert 0.70 < first.count(two.id) / len(keys) < 0.80
    assert [order_members((three, two, one), key)[0].id for key in keys] == first
    assert all(order_members((one, two, three), key)[-1].id == three.id for key in keys)
    assert order_members((), UUID(int=1).bytes) == ()


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])
@on_loop
async def test_every_fault_at_once_settles_each_delivery_once(pipelining: bool) -> None:
    words = ["ok"] * 12 + ["r421", "r450", "r550", "d451", "d552", "m421", "multi", "garbage", "dgarbage", "long", "data354"]
    words += ["reset", "dropmid", "dropdot", "taken", "stall", "stalldata", "slow"]
    chance = random.Random(7)
    async with SmtpSink(SinkOptions(pipelining=pipelining, slow_seconds=0.02)) as sink:
        quick = Timeouts(mail=0.3, rcpt=0.3, data=0.3, data_block=0.3, end_of_data=0.3)
        engine = make_engine(timeouts=quick, steal_after=0.1, patience=5.0)
        member = make_relay(sink.port, max_connections=8)
        chosen = [chance.choice(words) for _ in range(500)]
        deliveries = [make_delivery(f"{word}-{n}@example.test", member) for n, word in enumerate(chosen)]
        results = await deliver(engine, deliveries)
        await engine.close()
        assert engine.in_flight == 0 and engine.open_connections == 0
        assert max(sink.state.recipients.values()) == 1
        for word, delivery, result in zip(chosen, deliveries, results, strict=True):
            arrived = sink.state.recipients[delivery.address]
            if word in ("ok", "slow", "m421"):
                assert result.outcome is Outcome.DELIVERED and arrived == 1, result.transcript
            elif word in ("taken", "dropdot", "stalldata", "dgarbage"):
                assert result.reply_class is ReplyClass.UNKNOWN_AFTER_DATA and result.duplicate_possible
            else:
                assert result.outcome in (Outcome.DEFERRED, Outcome.BOUNCED) and not arrived
