"""Where this platform may dial on somebody else's word: relay hosts, webhook addresses, MX hosts. No private networks unless allowed.

The check is numeric and of every address a name resolves to. The caller connects to one of the addresses returned, never to the name again,
so that a name cannot change its mind between check and use (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from webapp.kernel import dns
from webapp.kernel.errors import DomainError
from webapp.settings import get_settings

#: Not on the public internet (IANA special-purpose registries, RFC 6890 and successors). Written out, because the sets that come with
#: Python differ from version to version.
_CLOSED_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
#: Inside 2000::/3: protocol assignments with Teredo and benchmarking, documentation, and 6to4, which carries an IPv4 address of its own.
_CLOSED_V6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class EgressRefused(DomainError):
    """The host may not be dialled from here. One text for every reason: the answer must not map a private network."""

    code, status = "validation_error", 422

    def __init__(self, host: str, param: str | None = None) -> None:
        super().__init__(f"{host} is not a host on the public internet that can be reached from here; use another host.", param=param)


def is_public(address: str | IPv4Address | IPv6Address) -> bool:
    """Whether ``address`` is one of the public internet. An IPv4 address inside an IPv6 one counts as itself; unreadable text does not."""
    try:
        number = _plain(ipaddress.ip_address(address))
    except ValueError:
        return False
    if isinstance(number, IPv4Address):
        return not any(number in network for network in _CLOSED_V4)
    return number in _GLOBAL_V6 and not any(number in network for network in _CLOSED_V6)


def _plain(number: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(number, IPv6Address):
        if number.ipv4_mapped is not None:
            return number.ipv4_mapped
        if number in _NAT64:
            return IPv4Address(int(number) & 0xFFFFFFFF)
    return number


def is_allowed(address: str, allowed: Iterable[str]) -> bool:
    """Whether ``address`` may be dialled: public, or inside one of the CIDR networks ``allowed``."""
    if is_public(address):
        return True
    try:
        number = _plain(ipaddress.ip_address(address))
    except ValueError:
        return False
    networks = (ipaddress.ip_network(text, strict=False) for text in allowed)
    return any(number.version == network.version and number in network for network in networks)


def addresses_of(host: str, *, param: str | None = None, trusted: bool = False) -> tuple[str, ...]:
    """The IP addresses of ``host`` (a name or an address), all of which may be dialled. ``trusted``: the operator chose the host, not a tenant.

    Raises ``EgressRefused`` when the name does not resolve or any of its addresses is closed: refused, never "check skipped".
    """
    text = host.strip().strip("[]")
    try:
        found: tuple[str, ...] = (str(ipaddress.ip_address(text)),)
    except ValueError:
        found = dns.addresses(text)
    allowed = get_settings().egress_allow
    if not found or not (trusted or all(is_allowed(address, allowed) for address in found)):
        raise EgressRefused(host, param)
    return found
