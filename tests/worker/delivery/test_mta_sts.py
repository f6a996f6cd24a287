"""MTA-STS: records and policies as text, the fetch from a real HTTPS server, what holds while that is down, and delivery under a policy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dns_server import DnsServer
from tests.sinks import SinkOptions, SmtpSink
from tests.worker.delivery.engine_rig import LOOPBACK, deliver_one, make_certificate, make_delivery, make_engine, make_ip, on_loop, server_context
from tests.worker.delivery.policy_host import ENFORCE, PolicyHost, policy_host
from worker.delivery.egress import EgressPolicy
from worker.delivery.engine import Engine
from worker.delivery.handshake import TlsContexts
from worker.delivery.mta_sts import MAX_AGE, PolicyFetcher, StoredPolicy, StsError, StsMode, StsPolicy, parse_policy, parse_record
from worker.delivery.resolver import Resolver
from worker.delivery.sts_policies import StsPolicies
from worker.delivery.tls_report import PolicyType, Tally, TlsResult
from worker.delivery.types import Outcome, ReplyClass

ZONE = {
    ("example.test", "MX"): ["10 mx1.example.test.", "20 mx2.example.test."],
    ("mx1.example.test", "A"): ["127.0.0.11"],
    ("mx2.example.test", "A"): ["127.0.0.12"],
    ("_mta-sts.example.test", "TXT"): ['"v=STSv1; id=20260101;"'],
    ("mta-sts.example.test", "A"): ["127.0.0.1"],
}


class MemoryStore:
    """A store that can be looked into, and that can be away."""

    def __init__(self) -> None:
        self.kept: dict[str, StoredPolicy] = {}
        self.away = False

    async def load(self, domain: str) -> StoredPolicy | None:
        if self.away:
            raise OSError("away")
        return self.kept.get(domain)

    async def save(self, domain: str, stored: StoredPolicy) -> None:
        if self.away:
            raise OSError("away")
        self.kept[domain] = stored


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the policy host and both MX hosts; it is its own root."""
    return make_certificate(tmp_path_factory.mktemp("sts"), "mta-sts.example.test", "mx1.example.test", "mx2.example.test")


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate nobody trusts."""
    return make_certificate(tmp_path_factory.mktemp("wrong"), "mta-sts.example.test", "mx2.example.test")


# -- text ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=a", "v=spf1 -all"], "a"),
        (["v=STSv1; extra=1; id = b2 "], "b2"),
        (["v=STSv1; id=a", "v=STSv1; id=b"], None),
        (["v=STSv10; id=a"], None),
        (["v=STSv1"], None),
        (["v=STSv1; id=not-alphanumeric"], None),
        (["v=STSv1; id=" + "a" * 33], None),
        ([], None),
    ],
)
def test_records(texts: list[str], found: str | None) -> None:
    assert parse_record(texts) == found


def test_a_policy_is_read() -> None:
    policy, age = parse_policy(ENFORCE + "mode: none\nfuture: thing\n")
    assert policy == StsPolicy(StsMode.ENFORCE, ("*.mail.example.test", "mx2.example.test")) and age == 604800
    assert parse_policy("version: STSv1\nmode: none\nmax_age: 99999999\n") == (StsPolicy(StsMode.NONE, ()), MAX_AGE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version: STSv2\nmode: enforce\nmx: a.test\nmax_age: 1",
        "version: STSv1\nmode: strict\nmx: a.test\nmax_age: 1",
        "version: STSv1\nmode: enforce\nmx: a.test",
        "version: STSv1\nmode: enforce\nmx: a.test\nmax_age: -1",
        "version: STSv1\nmode: enforce\nmax_age: 1",
        "version: STSv1\nmode: enforce\nmx: a.*.test\nmax_age: 1",
        "version: STSv1\nmode: enforce\nmx: *\nmax_age: 1",
    ],
)
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(StsError) as refused:
        parse_policy(text)
    assert refused.value.result is TlsResult.STS_INVALID


@given(st.text())
def test_any_text_is_a_policy_or_refused(text: str) -> None:
    with suppress(StsError):
        parse_policy(text)
    parse_record([text])


@pytest.mark.parametrize(
    ("host", "covered"),
    [("mx2.example.test", True), ("MX2.example.test.", True), ("a.mail.example.test", True), ("a.b.mail.example.test", False), ("mail.example.test", False)],
)
def test_a_star_is_one_label(host: str, covered: bool) -> None:
    assert parse_policy(ENFORCE)[0].covers(host) is covered


# -- the fetch -----------------------------------------------------------------------------------------------------


def make_fetcher(dns: DnsServer, pem: Path, port: int, egress: EgressPolicy = LOOPBACK, seconds: float = 1.0) -> PolicyFetcher:
    """A fetcher that trusts `pem`."""
    return PolicyFetcher(Resolver([dns.address], timeout=0.5), egress, TlsContexts.load(str(pem)).verified, port=port, seconds=seconds)


@on_loop
async def test_a_policy_is_fetched(pem: Path) -> None:
    async with DnsServer(ZONE) as dns, policy_host(pem) as host:
        policy, age = await make_fetcher(dns, pem, host.port).fetch("example.test")
        assert policy.mode is StsMode.ENFORCE and age == 604800
        assert host.requests[0].startswith("GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.example.test\r\n")
        chunked = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        host.raw = f"{chunked}{len(ENFORCE):x}\r\n{ENFORCE}\r\n0\r\n\r\n".encode()
        assert (await make_fetcher(dns, pem, host.port).fetch("example.test"))[0] == policy


_REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.test/\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "result"),
    [
        (_REDIRECT, TlsResult.STS_FETCH_ERROR),
        (b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n", TlsResult.STS_FETCH_ERROR),
        (b"220 mx ESMTP\r\n", TlsResult.STS_FETCH_ERROR),
        (b"", TlsResult.STS_FETCH_ERROR),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + ENFORCE.encode(), TlsResult.STS_INVALID),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9999\r\n\r\n" + ENFORCE.encode(), TlsResult.STS_INVALID),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + ENFORCE.encode() + b"x" * 70_000, TlsResult.STS_INVALID),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 500_000, TlsResult.STS_INVALID),
    ],
    ids=["redirect", "404", "no-http", "nothing", "html", "cut", "long", "endless"],
)
@on_loop
async def test_answers_that_are_no_policy(pem: Path, raw: bytes, result: TlsResult) -> None:
    async with DnsServer(ZONE) as dns, policy_host(pem, raw=raw) as host:
        with pytest.raises(StsError) as refused:
            await make_fetcher(dns, pem, host.port).fetch("example.test")
        assert refused.value.result is result
        assert len(host.requests) == 1


@on_loop
async def test_certificate_time_and_address_of_the_host_are_checked(pem: Path, wrong: Path) -> None:
    async with DnsServer(ZONE) as dns, policy_host(wrong) as untrusted, policy_host(pem, silent=True) as silent:
        for host, trusted, egress, result in (
            (untrusted, pem, LOOPBACK, TlsResult.STS_WEBPKI_INVALID),
            (silent, pem, LOOPBACK, TlsResult.STS_FETCH_ERROR),
            (silent, pem, EgressPolicy(), TlsResult.STS_FETCH_ERROR),
        ):
            asked = len(host.requests)
            with pytest.raises(StsError) as refused:
                await make_fetcher(dns, trusted, host.port, egress, seconds=0.3).fetch("example.test")
            assert refused.value.result is result
            assert len(host.requests) == asked + (host is silent and egress is LOOPBACK)


# -- what holds ----------------------------------------------------------------------------------------------------


@dataclass
class World:
    """A DNS, a policy host, what is kept, and the policies in force as a new process sees them."""

    dns: DnsServer
    host: PolicyHost
    store: MemoryStore
    tally: Tally
    pem: Path

    def fresh(self, patience: float = 2.0) -> StsPolicies:
        """A process that knows nothing yet."""
        fetcher = make_fetcher(self.dns, self.pem, self.host.port)
        return StsPolicies(Resolver([self.dns.address], timeout=0.5), fetcher, self.store, self.tally, patience=patience)


@asynccontextmanager
async def world(pem: Path, **host: object) -> AsyncIterator[World]:
    async with DnsServer(ZONE) as dns, policy_host(pem, **host) as server:
        yield World(dns, server, MemoryStore(), Tally(), pem)


@on_loop
async def test_a_policy_is_learned_once_and_kept(pem: Path) -> None:
    async with world(pem) as at:
        policies = at.fresh()
        found = await asyncio.gather(*(policies.find("example.test") for _ in range(20)))
        assert len(set(found)) == 1 and found[0] is not None and len(at.host.requests) == 1
        assert at.store.kept["example.test"].id == "20260101"
        assert await at.fresh().find("example.test") == found[0] and len(at.host.requests) == 1
        assert await policies.find("other.test") is None


@on_loop
async def test_a_kept_policy_holds_while_host_and_dns_are_down(pem: Path) -> None:
    async with world(pem) as at:
        wanted = await at.fresh().find("example.test")
        at.host.silent = True
        at.dns.zone["_mta-sts.example.test", "TXT"] = ['"v=STSv1; id=newer;"']
        policies = at.fresh(patience=0.2)
        assert await policies.find("example.test") == wanted
        at.dns.failing.add("_mta-sts.example.test")
        assert await at.fresh().find("example.test") == wanted
        del at.dns.zone["_mta-sts.example.test", "TXT"]
        at.dns.failing.clear()
        assert await at.fresh().find("example.test") == wanted
        await policies.close()


@on_loop
async def test_an_expired_policy_holds_no_more(pem: Path) -> None:
    async with world(pem, silent=True) as at:
        policy = StsPolicy(StsMode.ENFORCE, ("mx2.example.test",))
        at.store.kept["example.test"] = StoredPolicy("20260101", policy, time.time() - 100, time.time() - 1)
        policies = at.fresh(patience=0.2)
        assert await policies.find("example.test") is None
        await policies.close()


@on_loop
async def test_a_host_that_is_down_delays_no_first_mail(pem: Path) -> None:
    async with world(pem, silent=True) as at:
        policies = at.fresh(patience=0.2)
        assert await policies.find("example.test") is None
        assert policies._learning, "it waited for the fetch"
        await asyncio.gather(*policies._learning.values())
        ((fact, count),) = at.tally.take()
        assert (fact.domain, fact.result, count) == ("example.test", TlsResult.STS_FETCH_ERROR, 1)


@on_loop
async def test_a_changed_or_ageing_policy_is_fetched_anew(pem: Path) -> None:
    async with world(pem) as at:
        await at.fresh().find("example.test")
        at.host.policy = ENFORCE.replace("enforce", "testing")
        at.dns.zone["_mta-sts.example.test", "TXT"] = ['"v=STSv1; id=20260102;"']
        policies = at.fresh()
        await policies.find("example.test")
        assert at.store.kept["example.test"].policy.mode is StsMode.TESTING and at.store.kept["example.test"].id == "20260102"
        old = at.store.kept["example.test"]
        at.store.kept["example.test"] = StoredPolicy(old.id, old.policy, time.time() - 90_000, time.time() + 500_000)
        await at.fresh().find("example.test")
        assert len(at.host.requests) == 3 and at.store.kept["example.test"].fetched_at > time.time() - 60


@on_loop
async def test_a_store_that_is_away_keeps_nothing_from_being_sent(pem: Path) -> None:
    async with world(pem) as at:
        at.store.away = True
        policies = at.fresh()
        assert (await policies.find("example.test")) is not None
        assert (await policies.find("example.test")) is not None and len(at.host.requests) == 1


# -- delivery ------------------------------------------------------------------------------------------------------


@dataclass
class Mail:
    """Two MX hosts under the policy of `World`, and an engine."""

    first: SmtpSink
    second: SmtpSink
    world: World
    engine: Engine


@asynccontextmanager
async def mail(pem: Path, second: SinkOptions, policy: str = ENFORCE) -> AsyncIterator[Mail]:
    """mx1 offers TLS with a good certificate but is not in the policy; mx2 is."""
    first = SinkOptions(starttls=server_context(pem))
    async with world(pem, policy=policy) as at, SmtpSink(second, host="127.0.0.12") as two, SmtpSink(first, host="127.0.0.11", port=two.port) as one:
        engine = make_engine(resolver=Resolver([at.dns.address], timeout=0.5), mx_port=two.port, tls_ca_file=str(pem))
        engine.sts = at.fresh()
        yield Mail(one, two, at, engine)
        await engine.close()


@on_loop
async def test_only_listed_hosts_are_used_and_their_certificates_checked(pem: Path) -> None:
    async with mail(pem, SinkOptions(starttls=server_context(pem))) as at:
        result = await deliver_one(at.engine, make_delivery("ok@example.test", make_ip()))
        assert (result.outcome, result.remote_host) == (Outcome.DELIVERED, "mx2.example.test"), result.transcript
        assert "does not list mx1.example.test" in result.transcript and "(verified)" in result.transcript
        assert at.first.state.connections == 0
        facts = {(fact.mx, fact.result, fact.policy_type): count for fact, count in at.engine.tls_tally.take()}
        assert facts == {
            ("mx1.example.test", TlsResult.VALIDATION_FAILURE, PolicyType.STS): 1,
            ("mx2.example.test", TlsResult.SUCCESSFUL, PolicyType.STS): 1,
        }


@pytest.mark.parametrize("case", ["untrusted", "stripped", "refused"])
@on_loop
async def test_an_enforced_policy_never_falls_back(pem: Path, wrong: Path, case: str) -> None:
    options = {
        "untrusted": SinkOptions(starttls=server_context(wrong)),
        "stripped": SinkOptions(),
        "refused": SinkOptions(starttls_reply=b"454 4.7.0 not now"),
    }[case]
    expected = TlsResult.NOT_TRUSTED if case == "untrusted" else TlsResult.STARTTLS_NOT_SUPPORTED
    async with mail(pem, options) as at:
        result = await deliver_one(at.engine, make_delivery("ok@example.test", make_ip()))
        assert (result.outcome, result.reply_class, result.suppress) == (Outcome.DEFERRED, ReplyClass.TLS, False)
        assert at.second.received == [] and not [command for command in at.second.state.commands if command.startswith("MAIL")]
        assert expected in {fact.result for fact, _ in at.engine.tls_tally.take()}


@pytest.mark.parametrize("case", ["untrusted", "stripped"])
@on_loop
async def test_a_policy_in_testing_delivers_and_counts(pem: Path, wrong: Path, case: str) -> None:
    policy = ENFORCE.replace("enforce", "testing")
    async with mail(pem, SinkOptions(starttls=server_context(wrong)) if case == "untrusted" else SinkOptions(), policy) as at:
        at.world.dns.zone["example.test", "MX"] = ["10 mx2.example.test."]
        result = await deliver_one(at.engine, make_delivery("ok@example.test", make_ip()))
        assert result.outcome is Outcome.DELIVERED, result.transcript
        assert (result.tls is not None) is (case == "untrusted")
        failed = TlsResult.NOT_TRUSTED if case == "untrusted" else TlsResult.STARTTLS_NOT_SUPPORTED
        assert (failed, PolicyType.STS) in {(fact.result, fact.policy_type) for fact, _ in at.engine.tls_tally.take()}
