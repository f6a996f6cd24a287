"""The next MX after a 4xx of one host, mail that would come back to ourselves, and IPv6."""

from __future__ import annotations

import socket

import pytest

from tests.dns_server import DnsServer
from tests.sinks import SinkOptions, SmtpSink
from tests.worker.delivery.engine_rig import deliver, deliver_one, make_delivery, make_engine, make_ip, make_relay, on_loop
from tests.worker.delivery.test_engine_mx import ZONE, world
from worker.delivery.resolver import Resolver
from worker.delivery.types import AuthMethod, Outcome, ReplyClass

OURSELVES = SinkOptions(ehlo=b"250-out.sender.test at your service\r\n250 PIPELINING")


@pytest.mark.parametrize("behaviour", ["r451", "r452", "d451"])
@on_loop
async def test_a_4xx_of_one_host_is_tried_at_the_next(behaviour: str) -> None:
    async with world(first=SinkOptions(always=behaviour)) as at:
        results = await deliver(at.engine, [make_delivery(f"ok-{n}@example.test", make_ip()) for n in range(3)])
        assert [(result.outcome, result.remote_host) for result in results] == [(Outcome.DELIVERED, "mx2.example.test")] * 3
        assert "127.0.0.11" in results[0].transcript and "127.0.0.12" in results[0].transcript
        assert len(at.second.received) == 3 and at.first.received == []


@pytest.mark.parametrize("behaviour", ["r450", "r421", "r550", "r552", "d554"])
@on_loop
async def test_greylisting_throttles_full_boxes_and_5xx_stay_where_they_are(behaviour: str) -> None:
    async with world(first=SinkOptions(always=behaviour)) as at:
        result = await deliver_one(at.engine, make_delivery("ok@example.test", make_ip()))
        assert result.outcome is not Outcome.DELIVERED and at.second.received == []


@on_loop
async def test_a_4xx_of_every_host_is_deferred() -> None:
    async with world(first=SinkOptions(always="r451"), second=SinkOptions(always="r451")) as at:
        result = await deliver_one(at.engine, make_delivery("ok@example.test", make_ip()))
        assert (result.outcome, result.code, result.reply_class) == (Outcome.DEFERRED, 451, ReplyClass.TEMPORARY)


@on_loop
async def test_mail_does_not_come_back_to_ourselves() -> None:
    async with DnsServer(ZONE) as dns, SmtpSink(OURSELVES, host="127.0.0.12") as sink:
        for hosted in (False, True):
            engine = make_engine(resolver=Resolver([dns.address]), mx_port=sink.port, own_names=frozenset({"out.sender.test"}))
            engine.takes_mail_for = {"direct.test": hosted}.get  # type: ignore[assignment]
            result = await deliver_one(engine, make_delivery("ok@direct.test", make_ip()))
            assert result.outcome is (Outcome.DELIVERED if hosted else Outcome.BOUNCED), result.transcript
            assert hosted or (result.code, result.enhanced, result.suppress) == (554, "5.4.6", False)
            # With a better host that is down, ourselves as backup mean "later", not "never" (RFC 5321 5.1).
            if not hosted:
                engine = make_engine(resolver=Resolver([dns.address]), mx_port=sink.port, own_names=frozenset({"out.sender.test"}))
                result = await deliver_one(engine, make_delivery("ok@example.test", make_ip()))
                assert (result.outcome, result.reply_class) == (Outcome.DEFERRED, ReplyClass.NET), result.transcript
        assert len(sink.received) == 1


@on_loop
async def test_ipv6_from_an_address_of_our_own() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 on loopback (::1)")
    zone = {("six.test", "MX"): ["10 mx.six.test."], ("mx.six.test", "A"): ["127.0.0.12"], ("mx.six.test", "AAAA"): ["::1"]}
    async with DnsServer(zone) as dns, SmtpSink(host="::1") as sink:
        engine = make_engine(resolver=Resolver([dns.address]), mx_port=sink.port)
        result = await deliver_one(engine, make_delivery("ok@six.test", make_ip(source_ip="::1")))
        assert (result.outcome, result.remote_ip, sink.received[0].peer) == (Outcome.DELIVERED, "::1", "::1"), result.transcript


@on_loop
async def test_a_relay_that_insists_on_its_own_sender_gets_it() -> None:
    async with SmtpSink() as sink:
        member = make_relay(sink.port, return_path="account@relay.test")
        engine = make_engine()
        await deliver(engine, [make_delivery("a@example.test", member), make_delivery("b@example.test", member, sender="")])
        await engine.close()
        assert sorted(message.sender for message in sink.received) == ["", "account@relay.test"]


@on_loop
async def test_a_login_method_that_is_not_offered_sends_no_credentials() -> None:
    async with SmtpSink(SinkOptions(auth=("user", "secret"))) as sink:
        for method in (AuthMethod.XOAUTH2, AuthMethod.CRAM_MD5):
            member = make_relay(sink.port, username="user", password="secret", auth=method)
            result = await deliver_one(make_engine(), make_delivery("ok@example.test", member))
            assert (result.outcome, result.reply_class) == (Outcome.DEFERRED, ReplyClass.RELAY)
        assert not [command for command in sink.state.commands if command.startswith("AUTH")]
