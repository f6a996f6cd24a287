"""The guard against dialling inwards: every spelling of a private address, and names that lead to one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dns_server import DnsServer, dns_in_thread
from webapp.kernel import dns
from webapp.kernel.egress import EgressRefused, addresses_of, is_allowed, is_public
from webapp.settings import get_settings

CLOSED = """
0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1
198.51.100.7 203.0.113.9 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:a00:1 64:ff9b::7f00:1
64:ff9b::10.0.0.1 64:ff9b:1::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:db8::1 2002:7f00:1:: 2002:808:808:: 3fff::1 5f00::1
fc00::1 fd12:3456::1 fe80::1 fec0::1 ff02::1 100::1
""".split()
OPEN = "1.1.1.1 8.8.8.8 172.32.0.1 192.0.1.1 223.255.255.255 2606:4700::1111 2a00:1450::1 ::ffff:8.8.8.8 64:ff9b::808:808".split()
UNREADABLE = ["", "localhost", "0177.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "127.0.0.1.", "1.1.1.1/8", "fe80::1%eth0"]


@pytest.mark.parametrize("address", CLOSED)
def test_private_and_special_addresses_are_closed(address: str) -> None:
    assert not is_public(address)
    assert not is_allowed(address, ())


@pytest.mark.parametrize("address", OPEN)
def test_public_addresses_are_open(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_is_no_address_is_closed(text: str) -> None:
    assert not is_public(text)


def test_an_allowed_network_opens_only_itself() -> None:
    assert is_allowed("127.0.0.1", ("127.0.0.0/8",))
    assert is_allowed("::ffff:127.0.0.1", ("127.0.0.0/8",))
    assert not is_allowed("10.0.0.1", ("127.0.0.0/8",))
    assert not is_allowed("::1", ("127.0.0.0/8",))




@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsServer]:
    """A name server on loopback that the process asks."""
    with dns_in_thread({}) as server:
        monkeypatch.setenv("POSTBRIDGE_DNS_SERVERS", server.address)
        get_settings.cache_clear()
        dns.resolver.cache_clear()
        yield server
    monkeypatch.undo()
    get_settings.cache_clear()
    dns.resolver.cache_clear()


def test_a_name_is_judged_by_all_its_addresses(zone: DnsServer) -> None:
    zone.zone |= {("good.example", "A"): ["9.9.9.9"], ("mixed.example", "A"): ["9.9.9.9", "10.0.0.1"], ("six.example", "AAAA"): ["::ffff:127.0.0.1"]}
    assert addresses_of("good.example") == ("9.9.9.9",)
    for name in ("mixed.example", "six.example", "absent.example"):
        with pytest.raises(EgressRefused):
            addresses_of(name)


def test_a_name_that_cannot_be_resolved_is_refused(zone: DnsServer) -> None:
    zone.failing.add("broken.example")
    with pytest.raises(EgressRefused):
        addresses_of("broken.example")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "::ffff:169.254.169.254"])
def test_the_refusal_never_says_why(zone: DnsServer, host: str) -> None:
    with pytest.raises(EgressRefused) as inside:
        addresses_of(host, param="host")
    with pytest.raises(EgressRefused) as absent:
        addresses_of("absent.example", param="host")
    assert inside.value.message.replace(host, "x") == absent.value.message.replace("absent.example", "x")
    assert inside.value.param == "host"


def test_the_operator_s_own_hosts_may_be_inside() -> None:
    assert addresses_of("127.0.0.1", trusted=True) == ("127.0.0.1",)
