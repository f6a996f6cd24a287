"""Look-ups through the configured resolver, with a time limit, and with "there is none" told apart from "nobody answered".

The resolver is loaded with the first look-up: most processes that may dial somewhere never ask.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from webapp.settings import get_settings

if TYPE_CHECKING:
    import dns.nameserver
    import dns.resolver

#: Seconds a look-up may take in all, retries included.
LIFETIME = 5.0


class LookUp(StrEnum):
    """How a look-up ended."""

    FOUND = "found"
    NONE = "none"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of one kind at one name, as text: TXT strings joined, host names in lower case without the last dot."""

    outcome: LookUp
    values: tuple[str, ...] = ()


@functools.cache
def resolver() -> dns.resolver.Resolver:
    """The resolver of this process: the servers of the setting, else the system's."""
    import dns.resolver

    servers = get_settings().dns_servers
    made = dns.resolver.Resolver(configure=not servers)
    if servers:
        made.nameservers = [_server(text) for text in servers]
    made.lifetime = LIFETIME
    made.cache = dns.resolver.LRUCache(1000)
    return made


def _server(text: str) -> dns.nameserver.Do53Nameserver:
    """``192.0.2.1``, ``192.0.2.1:5353``, ``2001:db8::1`` or ``[2001:db8::1]:5353``."""
    import dns.nameserver

    host, port = text, 53
    if text.startswith("[") and "]:" in text:
        host, port = text[1 : text.index("]:")], int(text.rpartition(":")[2])
    elif text.count(":") == 1:
        host, _, number = text.partition(":")
        port = int(number)
    return dns.nameserver.Do53Nameserver(host.strip("[]"), port)


def forget() -> None:
    """Empty our own cache, for a person who has just changed records."""
    if (cache := resolver().cache) is not None:
        cache.flush()


def look_up(name: str, kind: str) -> Answer:
    """The records of ``kind`` (TXT, CNAME, MX, NS, A, AAAA) at ``name``, CNAMEs followed. Takes at most ``LIFETIME`` seconds."""
    import dns.exception
    import dns.resolver

    try:
        answer = resolver().resolve(name, kind, raise_on_no_answer=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return Answer(LookUp.NONE)
    except dns.exception.DNSException:
        return Answer(LookUp.FAILED)
    found = tuple(_text_of(record, kind) for record in answer.rrset or ())
    return Answer(LookUp.FOUND if found else LookUp.NONE, found)


def _text_of(record: Any, kind: str) -> str:
    if kind == "TXT":  # as strings of at most 255 octets, joined without a space (RFC 7208 section 3.3)
        return b"".join(record.strings).decode("utf-8", "replace")
    text = str(record.to_text()).lower()
    return text if text.endswith(" .") or text == "." else text.rstrip(".")


def addresses(name: str) -> tuple[str, ...]:
    """All IPv4 and IPv6 addresses of ``name``; empty when there are none or nobody answered."""
    if not get_settings().dns_servers:
        try:
            infos = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return ()
        return tuple(dict.fromkeys(str(info[4][0]).partition("%")[0] for info in infos))
    import dns.exception

    found: list[str] = []
    for kind in ("A", "AAAA"):
        try:
            answer = resolver().resolve(name, kind, raise_on_no_answer=False)
        except dns.exception.DNSException:
            continue
        found += [str(ipaddress.ip_address(record.address)) for record in answer.rrset or ()]
    return tuple(found)
