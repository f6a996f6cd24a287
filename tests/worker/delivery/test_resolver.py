"""Destinations from a real DNS server on loopback."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.dns_server import DnsServer
from tests.worker.delivery.engine_rig import on_loop
from worker.delivery.resolver import Destination, DomainNotFound, NullMx, ResolutionFailed, Resolver

ZONE = {
    ("example.test", "MX"): ["20 mx2.example.test.", "10 mx1.example.test.", "10 MX0.example.test."],
    ("mx1.example.test", "A"): ["192.0.2.1", "192.0.2.2"],
    ("mx1.example.test", "AAAA"): ["2001:db8::1"],
    ("plain.test", "A"): ["192.0.2.9"],
    ("six.test", "AAAA"): ["2001:db8::9"],
    ("null.test", "MX"): ["0 ."],
    ("text.test", "TXT"): ['"nothing else"'],
    ("alias.test", "CNAME"): ["example.test."],
    ("many.test", "MX"): [f"{number} mx{number}.many.test." for number in range(60)],
}


@on_loop
async def test_hosts_by_preference() -> None:
    async with DnsServer(ZONE) as server:
        found = await Resolver([server.address]).mx("Example.TEST.")
    assert found == (Destination("mx0.example.test", 10), Destination("mx1.example.test", 10), Destination("mx2.example.test", 20))


@on_loop
async def test_domain_itself_without_mx() -> None:
    async with DnsServer(ZONE) as server:
        resolver = Resolver([server.address])
        assert await resolver.mx("plain.test") == (Destination("plain.test", 0),)
        assert await resolver.mx("six.test") == (Destination("six.test", 0),)
        assert (await resolver.mx("alias.test"))[0].host == "mx0.example.test"


@on_loop
async def test_null_mx() -> None:
    async with DnsServer(ZONE) as server:
        with pytest.raises(NullMx):
            await Resolver([server.address]).mx("null.test")


@on_loop
async def test_nothing_is_told_from_failure() -> None:
    async with DnsServer(ZONE) as server:
        server.failing.add("broken.test")
        server.silent.add("silent.test")
        resolver = Resolver([server.address], timeout=0.4)
        for missing in ("nowhere.test", "text.test", "a..b.test", "x" * 70 + ".test", "[not an address]"):
            with pytest.raises(DomainNotFound):
                await resolver.mx(missing)
        for failing in ("broken.test", "silent.test"):
            with pytest.raises(ResolutionFailed):
                await resolver.mx(failing)
        with pytest.raises(DomainNotFound):
            await resolver.addresses("text.test")


@on_loop
async def test_addresses_of_both_families_and_of_literals() -> None:
    async with DnsServer(ZONE) as server:
        resolver = Resolver([server.address])
        found = await resolver.addresses("mx1.example.test")
        assert sorted(found[:2]) == ["192.0.2.1", "192.0.2.2"] and found[2:] == ("2001:db8::1",)
        assert await resolver.addresses("192.0.2.77") == ("192.0.2.77",)
        assert await resolver.mx("[192.0.2.77]") == (Destination("192.0.2.77", 0),)
        assert await resolver.mx("[IPv6:2001:db8::5]") == (Destination("2001:db8::5", 0),)
        assert await resolver.addresses("localhost") == ("127.0.0.1", "::1")
        assert not [query for query in server.queries if query[0] == "localhost"]


@on_loop
async def test_truncated_answers_come_over_tcp() -> None:
    async with DnsServer(ZONE) as server:
        server.truncated.add("many.test")
        found = await Resolver([server.address]).mx("many.test")
        assert len(found) == 20 and found[0].host == "mx0.many.test"
        assert ("many.test", "MX", "tcp") in server.queries


@on_loop
async def test_answers_are_cached_and_shared() -> None:
    async with DnsServer(ZONE) as server:
        resolver = Resolver([server.address])
        assert resolver.cached_mx("example.test") is None
        await asyncio.gather(*(resolver.mx("example.test") for _ in range(50)))
        assert len(server.queries) == 1
        assert resolver.cached_mx("example.test") is not None
        for _ in range(2):
            with pytest.raises(DomainNotFound):
                await resolver.mx("nowhere.test")
        assert len([query for query in server.queries if query[0] == "nowhere.test"]) == 1
        resolver.clear()
        await resolver.mx("example.test")
        assert len([query for query in server.queries if query[0] == "example.test"]) == 2


@on_loop
async def test_time_to_live_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async with DnsServer(ZONE, ttl=10_000_000) as server:
        resolver = Resolver([server.address])
        await resolver.mx("example.test")
        now = time.monotonic()
        monkeypatch.setattr("worker.delivery.resolver.time.monotonic", lambda: now + 3599)
        assert resolver.cached_mx("example.test") is not None
        monkeypatch.setattr("worker.delivery.resolver.time.monotonic", lambda: now + 3601)
        assert resolver.cached_mx("example.test") is None


@on_loop
async def test_hosts_win_over_dns() -> None:
    async with DnsServer(ZONE) as server:
        resolver = Resolver([server.address], hosts={"Example.test": ["127.0.0.5"]})
        assert await resolver.mx("example.test") == (Destination("example.test", 0),)
        assert await resolver.addresses("example.test.") == ("127.0.0.5",)
        assert server.queries == []


@pytest.mark.parametrize("text", ["dns.example.com", "127.0.0.1:port", "", "[::1]x:53x"])
def test_unreadable_name_server_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="name server"):
        Resolver([text])


def test_name_server_forms() -> None:
    for text in ("127.0.0.1", "127.0.0.1:5353", "[::1]:5353", "::1"):
        Resolver([text])
