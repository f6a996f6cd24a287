"""Which name a request came to. Tokens in mail are bound to a tenant's tracking host when the mail carries one, so a host serves only its owner's."""

from __future__ import annotations

import functools
import ipaddress
from urllib.parse import urlsplit

from webapp.settings import get_settings


def bound_host(header: str) -> str:
    """What the tokens at this ``Host`` header are bound to: the name in lower case, empty for one of the platform's own.

    Addresses and names without a dot are never a tenant's: that is how proxies and people inside call us.
    """
    name = header.rpartition(":")[0] if header.rpartition(":")[2].isdigit() else header
    name = name.lower().rstrip(".")
    return "" if "." not in name or name in _own_names() or _is_address(name) else name


def base_at(host: str | None) -> str:
    """Address that stands before /api/t/... for mail with that tracking host; the platform's own without one."""
    base = get_settings().tracking_base
    if not host:
        return base
    parts = urlsplit(base)
    return f"{parts.scheme}://{host}:{parts.port}" if parts.port else f"{parts.scheme}://{host}"


@functools.cache
def _own_names() -> frozenset[str]:
    settings = get_settings()
    names = (urlsplit(settings.tracking_base).hostname, urlsplit(settings.public_url).hostname, settings.tracking_host.lower())
    return frozenset(name for name in names if name)


@functools.lru_cache(maxsize=1024)
def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
