"""Which addresses may be dialled: decided by number, whatever the spelling."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.delivery.egress import EgressDenied, EgressPolicy, embedded_ipv4

STRICT = EgressPolicy()

DENIED = [
    "127.0.0.1", "127.8.9.10", "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8",
    "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:0a00:0001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001::1", "2001:db8::1", "2001:2::1", "3fff::1", "2620:4f:8000::1",
    "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "100::1", "5f00::1", "4000::1",
    "2a00:1450:4001::5efe:127.0.0.1", "2a00:1450:4001::200:5efe:10.0.0.1",
    "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1 ", "", "::ffff:127.1", "example.com",
]  # fmt: skip
ALLOWED = ["8.8.8.8", "142.250.27.26", "2a00:1450:4001:80b::1", "2607:f8b0:4004::1a", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8", "2002:808:808::1"]


@pytest.mark.parametrize("address", DENIED)
def test_denied(address: str) -> None:
    assert not STRICT.is_allowed(address, 25)
    with pytest.raises(EgressDenied):
        STRICT.check(address, 25)


@pytest.mark.parametrize("address", ALLOWED)
def test_allowed(address: str) -> None:
    assert STRICT.is_allowed(address, 25)
    STRICT.check(address, 587)


@pytest.mark.parametrize("port", [22, 80, 443, 5432, 6379, 0, 65535])
def test_only_mail_ports(port: int) -> None:
    assert not STRICT.is_allowed("8.8.8.8", port)
    assert EgressPolicy.from_texts([], [port]).is_allowed("8.8.8.8", port)


def test_allow_list_opens_only_what_it_names() -> None:
    policy = EgressPolicy.from_texts(["127.0.0.1", "10.1.0.0/16", "fd00::/8"])
    assert policy.is_allowed("127.0.0.1", 41234)
    assert policy.is_allowed("::ffff:127.0.0.1", 41234)
    assert policy.is_allowed("10.1.2.3", 25)
    assert policy.is_allowed("fd00::1", 25)
    assert not policy.is_allowed("127.0.0.2", 25)
    assert not policy.is_allowed("10.2.0.1", 25)
    assert not policy.is_allowed("64:ff9b::127.0.0.1", 25)
    assert not policy.is_allowed("::1", 25)


def test_unreadable_allow_list_names_the_entry() -> None:
    with pytest.raises(ValueError, match=r"egress allow-list: '10\.0\.0\.0/33'"):
        EgressPolicy.from_texts(["127.0.0.1", "10.0.0.0/33"])


def test_refusal_tells_nothing() -> None:
    texts = set()
    for address in ("127.0.0.1", "10.0.0.1", "::1"):
        with pytest.raises(EgressDenied) as error:
            STRICT.check(address, 25)
        texts.add(str(error.value))
    assert len(texts) == 1 and "127" not in texts.pop()


@given(st.ip_addresses(v=4))
def test_every_embedding_is_judged_like_the_plain_address(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    forms = [
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    ]
    for form in forms:
        assert embedded_ipv4(form) == address
        assert STRICT.is_allowed(str(form), 25) == STRICT.is_allowed(str(address), 25)
