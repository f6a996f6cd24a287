"""The network: the resolver, names of our addresses, and the way out."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

import dns.reversename

from webapp.cli.doctor.engines import connect
from webapp.cli.doctor.findings import Finding, Place, ok, warn, wrong
from webapp.kernel.dns import LookUp, addresses, look_up

_SECONDS = 10.0


def check_resolver(place: Place) -> Iterator[Finding]:
    """Whether names can be looked up at all: mail to the world needs MX records."""
    servers = ", ".join(place.settings.dns_servers) or "the system's"
    answer = look_up("com", "NS")
    if answer.outcome is LookUp.FOUND:
        yield ok("dns", f"the resolver ({servers}) answers")
    elif _own_addresses(place):
        yield wrong("dns", f"the resolver ({servers}) does not answer: no MX can be found, mail waits; see /etc/resolv.conf or POSTBRIDGE_DNS_SERVERS")
    else:
        yield warn("dns", f"the resolver ({servers}) does not answer: domains cannot be verified, and only relays named by address are reached")


def check_addresses(place: Place) -> Iterator[Finding]:
    """PTR and forward-confirmed name of each sending address: receivers refuse mail from addresses without (Gmail, RFC 1912 section 2.1)."""
    found = _own_addresses(place)
    if not found:
        yield ok("addresses", "no sending address of ours: mail leaves through relays only")
        return
    name = place.settings.ehlo_name
    if not addresses(name):
        yield warn("addresses", f"{name}, said in EHLO when an address has no name of its own, does not resolve (POSTBRIDGE_HELO_NAME)")
    for address, helo in found:
        yield from _address(address, helo or name)


def _address(address: str, helo: str) -> Iterator[Finding]:
    if ipaddress.ip_address(address).is_unspecified:
        yield warn("addresses", f"{address}: mail leaves from whatever address the system chooses, so its names are not checked; name the address")
        return
    if not _is_here(address):
        yield warn("addresses", f"{address} is no address of this machine; well if delivery runs on another one")
    if not ipaddress.ip_address(address).is_global:
        yield warn("addresses", f"{address} is a private address: behind NAT the world sees another one, whose names are not checked here")
        return
    reverse = look_up(str(dns.reversename.from_address(address)).rstrip("."), "PTR")
    names = reverse.values
    if reverse.outcome is LookUp.FAILED:
        yield warn("addresses", f"{address}: its PTR record cannot be looked up, the name servers do not answer")
        return
    if not names:
        yield wrong("addresses", f"{address} has no PTR record: ask whoever routes it to set it to {helo}")
    elif not (confirmed := [name for name in names if address in addresses(name)]):
        yield wrong("addresses", f"{address} is called {names[0]}, and that name does not lead back to it: publish an A or AAAA record")
    elif helo not in confirmed:
        yield warn("addresses", f"{address} is called {confirmed[0]}, but says {helo} in EHLO: let both be the same")
    else:
        yield ok("addresses", f"{address} is {helo}, forward and back")
    if address not in addresses(helo):
        yield wrong("addresses", f"{helo}, which {address} says in EHLO, does not lead to it: publish an A or AAAA record")


def _is_here(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def check_outbound(place: Place) -> Iterator[Finding]:
    """The delivery port of somebody's MX, from each address; only when asked, because it dials out."""
    if place.outbound is None:
        return
    hosts = sorted((int(words[0]), words[1]) for value in look_up(place.outbound, "MX").values if len(words := value.split()) == 2)
    host = hosts[0][1] if hosts else place.outbound
    sources: list[str | None] = [address for address, _ in _own_addresses(place) if _is_here(address)]
    for source in sources or [None]:
        yield _dial(host, place.settings.delivery_port, source)


def _dial(host: str, port: int, source: str | None) -> Finding:
    way = f"{host}:{port}" + (f" from {source}" if source else "")
    wanted = socket.AF_INET6 if source and ":" in source else socket.AF_INET
    found = [address for address in addresses(host) if source is None or (":" in address) == (wanted is socket.AF_INET6)]
    if not found:
        return wrong("outbound", f"{host} does not resolve")
    try:
        with socket.create_connection((found[0], port), _SECONDS, (source, 0) if source else None) as connection:
            greeting = connection.recv(512)
            connection.sendall(b"QUIT\r\n")
    except OSError as error:
        return wrong("outbound", f"{way} cannot be reached ({error}): many networks block port 25; ask the provider, or send through a relay")
    code = greeting[:3].decode("ascii", "replace")
    return ok("outbound", f"{way} answers") if code == "220" else warn("outbound", f"{way} answers {code!r} instead of a greeting")


def _own_addresses(place: Place) -> list[tuple[str, str | None]]:
    if not place.database_url:
        return []
    with connect(place.database_url) as connection, connection.transaction():
        connection.execute("select set_config('app.tenant_id', '*', true)")
        rows = connection.execute("select address, helo_name from ip_addresses where active order by address").fetchall()
    return [(row[0], row[1]) for row in rows]
