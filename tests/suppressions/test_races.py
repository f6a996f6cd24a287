"""Suppressing while mail is on its way: whatever is committed stops what has not left yet, within a second (SES and Postmark promise no time at all)."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from tests.fixtures import Cast
from tests.fixtures_post import rows
from tests.sinks import Received, SinkOptions, SmtpSink, sink_in_thread
from webapp.bridges.service import BridgeInput, create_bridge
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import raw_of, unscoped
from webapp.messages.service import accept, forget_facts
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from webapp.suppressions.service import suppress
from webapp.suppressions.types import SuppressionReason, SuppressionScope
from worker.delivery.gate import Answer
from worker.dispatch.dispatcher import Dispatcher
from worker.dispatch.gatekeeper import FRESH_SECONDS, RENEW_SECONDS, Gatekeeper

RACES = 1000
PROMISE = 1.0


class Timed(list[Received]):
    """Notes when each message had come in whole."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, float] = {}

    def append(self, mail: Received) -> None:
        self.at[mail.recipient] = time.monotonic()
        super().append(mail)


class Lag(threading.Thread):
    """How long this process was not run at all: no promise of ours covers that."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.worst, self.over = 0.0, threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            before = time.monotonic()
            time.sleep(0.01)
            self.worst = max(self.worst, time.monotonic() - before - 0.01)


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    """A slow server that takes eight at a time: mail waits for it, claimed and unsent, for many seconds."""
    with sink_in_thread(SinkOptions(latency=0.05, max_connections=8)) as made:
        made.state.received = Timed()
        yield made


@pytest.fixture
def bridge(cast: Cast, sink: SmtpSink) -> UUID:
    forget_facts()
    with unscoped("test") as session:
        connection = raw_of(session)
        account, pool = uuid4(), uuid4()
        connection.execute(
            "insert into sending_accounts (id, name, host, port, tls, active) values (%s, 'sink', '127.0.0.1', %s, 'none', true)", (account, sink.port)
        )
        connection.execute("insert into pools (id, name, is_default) values (%s, 'Shared', true)", (pool,))
        connection.execute("insert into pool_members (pool_id, sending_account_id) values (%s, %s)", (pool, account))
        connection.execute(
            "insert into domains (tenant_id, name, status, challenge, verified_at) values (%s, 'acme.test', 'verified', 'x', now())", (cast.owner.tenant_id,)
        )
    with cast.owner.scope() as scope:
        return create_bridge(scope, BridgeInput("shop"))[0].id


@pytest.mark.timeout(240)
def test_nothing_leaves_a_second_after_a_suppression_was_committed(cast: Cast, bridge: UUID, sink: SmtpSink) -> None:
    addresses = [f"u{n}@example.net" for n in range(RACES)]
    submission = MessageSubmission(
        from_address=parse_address("shop@acme.test"), recipients=tuple(RecipientInput(parse_address(a)) for a in addresses), subject="Race", door=Door.API,
        text="Off we go", bridge_id=bridge,
    )  # fmt: skip
    with cast.owner.scope() as scope:
        accept(scope, submission)
    committed: dict[str, float] = {}
    begun = threading.Event()
    lag = Lag()

    def suppressor(mine: list[str]) -> None:
        begun.wait(30)
        for address in mine:
            with unscoped("test") as session:
                assert cast.owner.tenant_id is not None
                suppress(session, cast.owner.tenant_id, address, SuppressionScope.ALL, SuppressionReason.COMPLAINT, "fbl")
            committed[address] = time.monotonic()
            time.sleep(random.random() * 0.03)

    shuffled = random.Random(4).sample(addresses, RACES)
    threads = [threading.Thread(target=suppressor, args=(shuffled[start::2],)) for start in range(2)]
    dispatcher = Dispatcher()
    try:
        for thread in (*threads, lag):
            thread.start()
        begun.set()
        dispatcher.drain(60)
        for thread in threads:
            thread.join()
        while rows("select from queue_entries limit 1"):  # what was called back is looked at again some seconds later
            dispatcher.drain(5)
            time.sleep(0.2)
    finally:
        lag.over.set()
        dispatcher.stop()
    received = sink.state.received
    assert isinstance(received, Timed)
    late = {a: round(at - committed[a], 3) for a, at in received.at.items() if a in committed and at - committed[a] > PROMISE + lag.worst}
    assert not late
    after = [a for a, at in received.at.items() if at > committed[a]]
    counts = dict(rows("select state, count(*) from recipients group by 1"))
    assert counts["delivered"] == len(received) and len(received) + counts["suppressed"] == RACES
    assert counts["delivered"] > 50 and counts["suppressed"] > 50, "the races were not close"
    assert len(after) < len(received)


class TestGatekeeper:
    """The gate's own promises, without a clock to race against."""

    def test_an_old_answer_is_none(self) -> None:
        keeper, who = Gatekeeper(), uuid4()
        keeper.admit([who], time.monotonic())
        assert keeper.ask(who) is Answer.GO
        keeper.admit([who], time.monotonic() - FRESH_SECONDS)
        assert keeper.ask(who) is Answer.WAIT
        keeper.forget(who)
        assert keeper.ask(who) is Answer.WAIT

    def test_it_asks_anew_often_enough(self) -> None:
        assert 2 * RENEW_SECONDS < FRESH_SECONDS < PROMISE

    def test_who_waits_is_asked_about_at_once_and_who_was_suppressed_goes_back(self, cast: Cast, bridge: UUID) -> None:
        with cast.owner.scope() as scope:
            for name in ("ada", "ben"):
                to = (RecipientInput(parse_address(f"{name}@example.net")),)
                accept(scope, MessageSubmission(parse_address("shop@acme.test"), to, "Hi", Door.API, text="Hi", bridge_id=bridge))
        ids = dict(rows("select address, id from recipients"))
        with unscoped("test") as session:
            assert cast.owner.tenant_id is not None
            suppress(session, cast.owner.tenant_id, "ada@example.net", SuppressionScope.ALL, SuppressionReason.COMPLAINT, "fbl")

        async def scenario() -> dict[str, Answer]:
            keeper, changed = Gatekeeper(), asyncio.Event()
            keeper.admit(ids.values(), 0.0)
            keeper.start(changed.set)
            assert {keeper.ask(who) for who in ids.values()} == {Answer.WAIT}
            try:
                await asyncio.wait_for(changed.wait(), 10)
                return {address: keeper.ask(who) for address, who in ids.items()}
            finally:
                keeper.close()

        assert asyncio.run(scenario()) == {"ada@example.net": Answer.BACK, "ben@example.net": Answer.GO}
