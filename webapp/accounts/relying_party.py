"""Who we are to passkeys (WebAuthn): a host name, and the origins whose pages may ask for them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from webapp.settings import get_settings


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """``id``: the host name that passkeys are bound to. ``origin``: the scheme, host and port that browsers must name."""

    id: str
    origin: str


def relying_party() -> RelyingParty | None:
    """Made of the setting public_url. WebAuthn knows names only: for an address of this very machine it is ``localhost``, for any other there is none."""
    parts = urlsplit(get_settings().public_url)
    host = (parts.hostname or "").lower()
    port = f":{parts.port}" if parts.port else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return RelyingParty(host, f"{parts.scheme}://{host}{port}") if host else None
    return RelyingParty("localhost", f"{parts.scheme}://localhost{port}") if address.is_loopback else None
