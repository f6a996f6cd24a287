"""IP allow-lists: single addresses and networks, IPv4 and IPv6."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from webapp.access.types import Network
from webapp.kernel.errors import Problem, ValidationFailed

MAX_NETWORKS = 50


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """``192.0.2.7``, ``192.0.2.0/24``, ``2001:db8::/32``. Raises ``ValidationFailed`` naming each entry that is none."""
    found: list[Network] = []
    problems: list[Problem] = []
    for index, text in enumerate(texts):
        try:
            found.append(_unmapped(ipaddress.ip_network(text.strip(), strict=True)))
        except ValueError as error:
            problems.append(Problem(f"allowed_networks[{index}]", f"{text!r} is no address or network ({error}); write 192.0.2.7 or 192.0.2.0/24."))
    if len(found) > MAX_NETWORKS:
        problems.append(Problem("allowed_networks", f"At most {MAX_NETWORKS} networks; join them into larger ones."))
    if problems:
        raise ValidationFailed.of(problems)
    return tuple(dict.fromkeys(found))


def _unmapped(network: Network) -> Network:
    """IPv4 written inside IPv6 (``::ffff:192.0.2.0/120``) as the IPv4 it means, as callers' addresses are read."""
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96 and (inner := network.network_address.ipv4_mapped):
        return ipaddress.IPv4Network((inner, network.prefixlen - 96))
    return network


def is_allowed(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether ``address`` lies in one of ``networks``; an empty list allows all, an unreadable address none. IPv4 inside IPv6 counts as IPv4."""
    if not networks:
        return True
    try:
        caller = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(caller, ipaddress.IPv6Address) and caller.ipv4_mapped:
        caller = caller.ipv4_mapped
    return any(caller.version == network.version and caller in network for network in networks)


def covers(outer: tuple[Network, ...], inner: tuple[Network, ...]) -> bool:
    """Whether every address that ``inner`` allows is allowed by ``outer`` too."""
    if not outer:
        return True
    return bool(inner) and all(any(_is_inside(network, wide) for wide in outer) for network in inner)


def _is_inside(network: Network, wide: Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(wide, ipaddress.IPv4Network):
        return network.subnet_of(wide)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(wide, ipaddress.IPv6Network):
        return network.subnet_of(wide)
    return False
