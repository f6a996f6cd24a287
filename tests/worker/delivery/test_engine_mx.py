"""Delivery to the MX hosts of a domain: order, failing over, and domains that take no mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.dns_server import DnsServer
from tests.sinks import SinkOptions, SmtpSink
from tests.worker.delivery.engine_rig import deliver, deliver_one, make_delivery, make_engine, make_ip, make_relay, on_loop
from worker.delivery.egress import EgressPolicy
from worker.delivery.engine import Engine
from worker.delivery.resolver import Resolver
from worker.delivery.types import Blame, Outcome, ReplyClass, Stage

ZONE = {
    ("example.test", "MX"): ["10 mx1.example.test.", "20 mx2.example.test."],
    ("sister.test", "MX"): ["10 mx1.example.test.", "20 mx2.example.test."],
    ("mx1.example.test", "A"): ["127.0.0.11"],
    ("mx2.example.test", "A"): ["127.0.0.12"],
    ("null.test", "MX"): ["0 ."],
    ("inside.test", "MX"): ["10 gate.inside.test."],
    ("gate.inside.test", "A"): ["10.0.0.5"],
    ("dangling.test", "MX"): ["10 gone.dangling.test."],
    ("mixed.test", "MX"): ["10 gone.dangling.test.", "20 mx2.example.test."],
    ("direct.test", "A"): ["127.0.0.12"],
}


@dataclass
class World:
    """Two MX hosts on the same port, a DNS server that names them, and an engine."""

    first: SmtpSink
    second: SmtpSink
    dns: DnsServer
    engine: Engine


@asynccontextmanager
async def world(first: SinkOptions | None = None, second: SinkOptions | None = None) -> AsyncIterator[World]:
    """127.0.0.11 is mx1, 127.0.0.12 is mx2."""
    async with DnsServer(ZONE) as dns, SmtpSink(second, host="127.0.0.12") as two, SmtpSink(first, host="127.0.0.11", port=two.port) as one:
        engine = make_engine(resolver=Resolver([dns.address], timeout=0.5), mx_port=two.port)
        yield World(one, two, dns, engine)
        await engine.close()


@on_loop
async def test_best_host_first_and_shared_by_sister_domains() -> None:
    async with world() as at:
        member = make_ip(max_connections=1)
        results = await deliver(at.engine, [make_delivery(f"ok-{n}@{domain}", member) for n in range(5) for domain in ("example.test", "sister.test")])
        assert all(result.outcome is Outcome.DELIVERED and result.remote_host == "mx1.example.test" for result in results)
        assert len(at.first.received) == 10 and at.first.state.connections == 1 and at.second.received == []
        assert results[0].remote_ip == "127.0.0.11"


@pytest.mark.parametrize(
    "options",
    [
        SinkOptions(banner=b"421 4.3.2 closing"),
        SinkOptions(banner=b"not SMTP at all"),
        SinkOptions(banner=b""),
        SinkOptions(ehlo=b"451 4.3.0 not now"),
    ],
    ids=["421", "garbage", "silent", "ehlo"],
)
@on_loop
async def test_next_host_after_a_failed_greeting(options: SinkOptions) -> None:
    async with world(first=options) as at:
        results = await deliver(at.engine, [make_delivery(f"ok-{n}@example.test", make_ip()) for n in range(3)])
        assert [result.outcome for result in results] == [Outcome.DELIVERED] * 3
        assert {result.remote_host for result in results} == {"mx2.example.test"}
        assert "connecting to mx1.example.test" in results[0].transcript


@on_loop
async def test_next_host_after_a_refused_connection() -> None:
    async with world() as at:
        await at.first.stop()
        result = await deliver_one(at.engine, make_delivery("ok@example.test", make_ip()))
        assert (result.outcome, result.remote_host) == (Outcome.DELIVERED, "mx2.example.test")


@pytest.mark.parametrize("behaviour", ["reset", "garbage", "stall"])
@on_loop
async def test_next_host_after_a_break_in_the_transaction(behaviour: str) -> None:
    async with world(first=SinkOptions(always=behaviour)) as at:
        results = await deliver(at.engine, [make_delivery(f"ok-{n}@example.test", make_ip()) for n in range(5)])
        assert [result.outcome for result in results] == [Outcome.DELIVERED] * 5
        assert {result.remote_host for result in results} == {"mx2.example.test"}
        assert "connecting to mx1.example.test" in results[0].transcript
        assert max(at.second.state.recipients.values()) == 1


@on_loop
async def test_break_at_every_host_is_deferred() -> None:
    async with world(first=SinkOptions(always="reset"), second=SinkOptions(always="reset")) as at:
        result = await deliver_one(at.engine, make_delivery("ok@example.test", make_ip()))
        assert (result.outcome, result.reply_class) == (Outcome.DEFERRED, ReplyClass.NET)
        assert "mx1.example.test" in result.transcript and "mx2.example.test" in result.transcript
        assert at.first.state.connections == at.second.state.connections == 1


@on_loop
async def test_break_at_the_only_host_that_is_up_is_deferred() -> None:
    async with world(first=SinkOptions(always="reset")) as at:
        await at.second.stop()
        results = await deliver(at.engine, [make_delivery(f"ok-{n}@example.test", make_ip()) for n in range(3)])
        assert {result.outcome for result in results} == {Outcome.DEFERRED}


@pytest.mark.parametrize("where", ["banner", "rcpt"])
@on_loop
async def test_permanent_refusal_is_not_tried_elsewhere(where: str) -> None:
    options = SinkOptions(banner=b"554 5.7.1 go away") if where == "banner" else SinkOptions()
    async with world(first=options) as at:
        result = await deliver_one(at.engine, make_delivery("r550@example.test", make_ip()))
        assert result.code in (550, 554)
        assert at.second.state.connections == 0


@on_loop
async def test_null_mx_is_final() -> None:
    async with world() as at:
        result = await deliver_one(at.engine, make_delivery("ok@null.test", make_ip()))
        assert (result.outcome, result.reply_class, result.suppress, result.code, result.enhanced) == (
            Outcome.BOUNCED,
            ReplyClass.BAD_DOMAIN,
            True,
            556,
            "5.1.10",
        )
        assert result.stage is Stage.DNS


@on_loop
async def test_missing_domain_is_final_only_when_found_twice_an_hour_apart() -> None:
    async with world() as at:
        now = datetime.now(UTC)
        member = make_ip()
        since = [None, now - timedelta(minutes=50), now - timedelta(minutes=61)]
        results = await deliver(at.engine, [make_delivery("ok@nowhere.test", member, bad_domain_since=when) for when in since])
        assert [result.outcome for result in results] == [Outcome.DEFERRED, Outcome.DEFERRED, Outcome.BOUNCED]
        assert [result.suppress for result in results] == [False, False, True]
        assert {result.reply_class for result in results} == {ReplyClass.BAD_DOMAIN}


@on_loop
async def test_failing_name_server_is_deferred() -> None:
    async with world() as at:
        at.dns.failing.add("example.test")
        at.dns.silent.add("silent.test")
        results = await deliver(at.engine, [make_delivery(f"ok@{domain}", make_ip()) for domain in ("example.test", "silent.test")])
        for result in results:
            assert (result.outcome, result.reply_class, result.stage, result.suppress) == (Outcome.DEFERRED, ReplyClass.NET, Stage.DNS, False)


@on_loop
async def test_host_inside_our_network_is_never_dialled() -> None:
    async with world() as at:
        result = await deliver_one(at.engine, make_delivery("ok@inside.test", make_ip()))
        assert (result.outcome, result.code, result.enhanced, result.suppress) == (Outcome.BOUNCED, 550, "5.4.4", False)
        assert "10.0.0.5" not in result.transcript
        strict = make_engine(resolver=Resolver([at.dns.address]), egress=EgressPolicy(), mx_port=at.first.port)
        result = await deliver_one(strict, make_delivery("ok@example.test", make_ip()))
        assert result.outcome is Outcome.BOUNCED and at.first.state.connections == 0


@on_loop
async def test_host_without_address_is_skipped() -> None:
    async with world() as at:
        results = await deliver(at.engine, [make_delivery("ok@mixed.test", make_ip()), make_delivery("ok@dangling.test", make_ip())])
        assert (results[0].outcome, results[0].remote_host) == (Outcome.DELIVERED, "mx2.example.test")
        assert (results[1].outcome, results[1].blame, results[1].suppress) == (Outcome.DEFERRED, Blame.REMOTE, False)


@on_loop
async def test_domain_without_mx_and_address_literal() -> None:
    async with world() as at:
        results = await deliver(at.engine, [make_delivery("ok@direct.test", make_ip()), make_delivery("ok@[127.0.0.11]", make_ip())])
        assert [result.outcome for result in results] == [Outcome.DELIVERED] * 2
        assert len(at.first.received) == len(at.second.received) == 1


@on_loop
async def test_address_blocked_by_the_destination_gives_way_to_another_member() -> None:
    async with world(first=SinkOptions(banner=b"554 5.7.1 blocked using dnsbl.test")) as at, SmtpSink() as relay:
        ours, other = make_ip(), make_relay(relay.port, weight=0)
        result = await deliver_one(at.engine, make_delivery("ok@example.test", ours, other))
        assert (result.outcome, result.member_id) == (Outcome.DELIVERED, other.id)
        assert "554 5.7.1 blocked" in result.transcript
