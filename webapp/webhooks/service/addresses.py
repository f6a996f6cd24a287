"""Which addresses an endpoint may have. Checked when it is saved, and again, with pinned addresses, whenever it is called (worker/webhooks/guarded.py).

On the public internet only https on the ports of the setting; inside networks that the operator opened (``egress_allow``) anything goes.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from webapp.kernel import egress
from webapp.kernel.errors import ValidationFailed
from webapp.settings import get_settings

LONGEST_URL = 2000
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart: ``host`` without brackets, ``port`` with the scheme's own filled in."""

    scheme: str
    host: str
    port: int


def parse(url: str) -> Target:
    """The parts of an endpoint's address. Raises ``ValidationFailed`` (param ``url``) for what is none, or may not stand in one."""
    if len(url) > LONGEST_URL or any(ord(c) <= 32 or ord(c) == 127 for c in url) or "\\" in url:
        raise _bad(f"Write an address of at most {LONGEST_URL} characters without spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad("This is not an address; write one such as https://example.com/hooks.") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise _bad("Write an address that begins with https://, such as https://example.com/hooks.")
    if parts.username is not None or parts.password is not None:
        raise _bad("Leave out user name and password: deliveries are signed, and the address is shown to your team.")
    if parts.fragment:
        raise _bad("Leave out the part after #: it is never sent.")
    return Target(parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port)


def check_url(url: str) -> None:
    """Raises ``ValidationFailed`` for an address that can be no endpoint, ``EgressRefused`` for one on a private network; both name ``url``."""
    target = parse(url)
    check_way(target, egress.addresses_of(target.host, param="url"))


def check_way(target: Target, addresses: tuple[str, ...]) -> None:
    """Raises ``ValidationFailed`` when one of these addresses may not be reached in this way: without TLS, or on another port."""
    if all(is_opened(address) for address in addresses):
        return
    if target.scheme != "https":
        raise _bad("Use https://: events hold addresses of people.")
    ports = get_settings().webhook_ports
    if str(target.port) not in ports:
        raise _bad(f"Use one of the ports {', '.join(ports)}.")


def is_opened(address: str) -> bool:
    """Whether the address is in a network that the operator opened."""
    number = ipaddress.ip_address(address)
    networks = (ipaddress.ip_network(text, strict=False) for text in get_settings().egress_allow)
    return any(number.version == network.version and number in network for network in networks)


def _bad(text: str) -> ValidationFailed:
    return ValidationFailed(text, param="url")
