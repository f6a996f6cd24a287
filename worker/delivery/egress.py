"""The one gate for outgoing mail connections: which addresses and ports may be dialled (server-side request forgery)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Written out, because what `ipaddress.is_private` covers has changed between Python releases (IANA special registries).
_DENIED_V4 = tuple(
    ipaddress.IPv4Network(net)
    for net in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relay anycast
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_DENIED_V6 = tuple(
    ipaddress.IPv6Network(net)
    for net in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarking
        "2001:db8::/32",  # documentation
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_ISATAP_MARKS = frozenset({0x00005EFE, 0x02005EFE})

RELAY_PORTS = frozenset({25, 465, 587, 2525})


class EgressDenied(Exception):
    """The address or port may not be dialled. The text never says which rule spoke, so that nobody can map a network."""

    def __init__(self) -> None:
        super().__init__("this address may not be reached from here")


def embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that traffic to `address` ends at, for translated and tunnelled forms; None for native IPv6.

    Covers mapped (::ffff:0:0/96), compatible (::/96), NAT64 (RFC 6052), 6to4 (RFC 3056) and ISATAP (RFC 5214).
    """
    number = int(address)
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if number >> 32 == 0 or address in _NAT64:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return ipaddress.IPv4Address((number >> 80) & 0xFFFFFFFF)
    if (number >> 32) & 0xFFFFFFFF in _ISATAP_MARKS:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    return None


def _denied_v4(address: ipaddress.IPv4Address) -> bool:
    return any(address in net for net in _DENIED_V4)


def _denied_v6(address: ipaddress.IPv6Address) -> bool:
    if address.scope_id is not None:
        return True
    inner = embedded_ipv4(address)
    if inner is not None:
        # ::1 and :: are also "compatible" forms of 0.0.0.1 and 0.0.0.0, which 0.0.0.0/8 refuses.
        return _denied_v4(inner)
    return address not in _GLOBAL_V6 or any(address in net for net in _DENIED_V6)


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Decides by number, never by name: callers resolve first, check every address, and dial the checked address.

    `allow` lists networks that may be reached although they are private, on any port; it is empty by default. `ports`
    are the ports that public addresses may be dialled on.
    """

    allow: tuple[Network, ...] = ()
    ports: frozenset[int] = field(default=RELAY_PORTS)

    @classmethod
    def from_texts(cls, allow: Iterable[str], ports: Iterable[int] = RELAY_PORTS) -> EgressPolicy:
        """A policy from settings such as ("127.0.0.0/8", "::1"). Raises ValueError naming the entry that is no network."""
        networks: list[Network] = []
        for text in allow:
            try:
                networks.append(ipaddress.ip_network(text.strip(), strict=False))
            except ValueError as error:
                raise ValueError(f"egress allow-list: {text!r} is not an address or network") from error
        return cls(tuple(networks), frozenset(ports))

    def is_allowed(self, address: str, port: int) -> bool:
        """Whether `address` (an IP in text, nothing to resolve) may be dialled on `port`. Unreadable text is refused."""
        try:
            parsed: Address = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        if any(parsed in net for net in self.allow if net.version == parsed.version):
            return True
        denied = _denied_v4(parsed) if isinstance(parsed, ipaddress.IPv4Address) else _denied_v6(parsed)
        return not denied and port in self.ports

    def check(self, address: str, port: int) -> None:
        """Raise EgressDenied when `is_allowed` says no."""
        if not self.is_allowed(address, port):
            raise EgressDenied
