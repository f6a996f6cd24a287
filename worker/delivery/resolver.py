"""Where a domain's mail goes: MX, null MX, address fallback and host addresses, cached for a bounded time (RFC 5321 5.1, 7505)."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from worker.delivery.dane import TlsaRecord, TlsaSet

MIN_TTL = 5.0
MAX_TTL = 3600.0
NEGATIVE_TTL = 60.0
FAILURE_TTL = 5.0
MAX_ENTRIES = 50_000
MAX_MX = 20
MAX_ADDRESSES = 16
MAX_TLSA = 32

_T = TypeVar("_T")


class ResolutionError(Exception):
    """No destination could be found; the subclass says whether that is final."""


class DomainNotFound(ResolutionError):
    """The domain does not exist, or names no host that takes mail (no MX and no address)."""


class NullMx(ResolutionError):
    """The domain says that it takes no mail (RFC 7505)."""


class ResolutionFailed(ResolutionError):
    """The name servers failed or did not answer: try again later."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One host that takes mail for a domain; a lower preference is tried first. `host` is a name or an IP in text.

    `secure`: DNSSEC vouches for it, so that its TLSA records may be asked (RFC 7672 2.2.1).
    """

    host: str
    preference: int
    secure: bool = False


@dataclass(frozen=True, slots=True)
class _Host:
    """The addresses of a host, its name behind aliases, and whether DNSSEC vouches for both."""

    addresses: tuple[str, ...]
    name: str
    secure: bool


@dataclass(slots=True)
class _Entry(Generic[_T]):
    """A cached answer, or the error that stood in its place."""

    expires: float
    value: _T | None
    error: ResolutionError | None


class _Cache(Generic[_T]):
    """Answers by name for their time to live. Concurrent questions for one name share one query."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry[_T]] = {}
        self._running: dict[str, asyncio.Task[_T]] = {}

    def find(self, name: str) -> _T | None:
        """The fresh positive answer, or None."""
        entry = self._entries.get(name)
        return entry.value if entry is not None and entry.expires > time.monotonic() else None

    async def get(self, name: str, ask: Callable[[str], Awaitable[tuple[_T, float]]]) -> _T:
        """The answer for `name`, asked at most once at a time. Raises the cached or fresh ResolutionError."""
        entry = self._entries.get(name)
        if entry is not None and entry.expires > time.monotonic():
            if entry.error is not None:
                raise entry.error.with_traceback(None)
            assert entry.value is not None
            return entry.value
        task = self._running.get(name)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.create_task(self._fill(name, ask))
            self._running[name] = task
            task.add_done_callback(lambda done: self._forget(name, done))
        return await asyncio.shield(task)

    def _forget(self, name: str, task: asyncio.Task[_T]) -> None:
        if self._running.get(name) is task:
            del self._running[name]
        if not task.cancelled():
            task.exception()  # whoever asked may have gone; an unread error would be reported as forgotten

    async def _fill(self, name: str, ask: Callable[[str], Awaitable[tuple[_T, float]]]) -> _T:
        try:
            value, ttl = await ask(name)
        except ResolutionError as error:
            ttl = FAILURE_TTL if isinstance(error, ResolutionFailed) else NEGATIVE_TTL
            self._store(name, _Entry(time.monotonic() + ttl, None, error))
            raise
        self._store(name, _Entry(time.monotonic() + min(max(ttl, MIN_TTL), MAX_TTL), value, None))
        return value

    def _store(self, name: str, entry: _Entry[_T]) -> None:
        if len(self._entries) >= MAX_ENTRIES:
            # Oldest tenth out: plain insertion order is good enough, a wrong guess costs one query.
            for old in list(self._entries)[: MAX_ENTRIES // 10]:
                del self._entries[old]
        self._entries[name] = entry

    def clear(self) -> None:
        """Forget every answer."""
        self._entries.clear()


def _parse_server(text: str) -> dns.nameserver.Do53Nameserver:
    host, port = text.strip(), 53
    if host.startswith("["):
        host, _, rest = host[1:].partition("]")
        if rest:
            port = int(rest.removeprefix(":"))
    elif host.count(":") == 1:
        host, _, digits = host.partition(":")
        port = int(digits)
    ipaddress.ip_address(host)
    return dns.nameserver.Do53Nameserver(host, port)


class Resolver:
    """Looks up mail destinations through the system's or the given name servers.

    `nameservers`: entries "address", "address:port" or "[v6]:port" (empty: the system's). `hosts`: addresses by name that
    win over DNS, as an /etc/hosts for tests and split networks. `timeout`: seconds one question may take in all, tries
    included. `trusted`: the name servers validate DNSSEC and nobody can tamper with the way to them, so their AD bit is believed
    and TLSA records are asked. Raises ValueError for an unreadable name server.
    """

    def __init__(
        self,
        nameservers: Sequence[str] = (),
        *,
        hosts: Mapping[str, Sequence[str]] | None = None,
        timeout: float = 10.0,
        trusted: bool = False,
    ) -> None:
        self._hosts = {name.lower().rstrip("."): tuple(addresses) for name, addresses in (hosts or {}).items()}
        self._timeout = timeout
        self._mx: _Cache[tuple[Destination, ...]] = _Cache()
        self._addresses: _Cache[_Host] = _Cache()
        self._tlsa: _Cache[TlsaSet] = _Cache()
        self._trusted = trusted
        self._servers: list[dns.nameserver.Do53Nameserver] = []
        for text in nameservers:
            try:
                self._servers.append(_parse_server(text))
            except ValueError as error:
                raise ValueError(f"name server {text!r} is not an IP address with an optional port") from error
        self._dns: dns.asyncresolver.Resolver | None = None

    def clear(self) -> None:
        """Forget every cached answer."""
        self._mx.clear()
        self._addresses.clear()
        self._tlsa.clear()

    def cached_mx(self, domain: str) -> tuple[Destination, ...] | None:
        """The destinations of `domain` (lower-case ASCII) when they are fresh in the cache, else None. Never blocks."""
        return self._mx.find(domain)

    async def mx(self, domain: str) -> tuple[Destination, ...]:
        """The hosts that take mail for `domain`, best first; at most 20.

        `domain` is ASCII (IDNA) or an address literal such as "[192.0.2.1]". Without MX records the domain itself is the
        host (RFC 5321 5.1). Raises DomainNotFound, NullMx or ResolutionFailed.
        """
        return await self._mx.get(domain.lower().rstrip("."), self._ask_mx)

    async def addresses(self, host: str) -> tuple[str, ...]:
        """The IP addresses of `host`, IPv4 first, at most 16; an IP in text is its own address.

        Raises DomainNotFound when there is none and ResolutionFailed when the name servers failed.
        """
        name = host.lower().rstrip(".")
        try:
            return (str(ipaddress.ip_address(name)),)
        except ValueError:
            pass
        if name in self._hosts:
            return self._hosts[name]
        if name == "localhost":  # never asked of DNS (RFC 6761 6.3); the egress policy still has its say
            return ("127.0.0.1", "::1")
        return (await self._addresses.get(name, self._ask_addresses)).addresses

    async def tlsa(self, destination: Destination, port: int) -> TlsaSet | None:
        """The TLSA records that hold for a destination; None when DANE does not apply to it.

        Asked only when DNSSEC vouches for the MX record and the addresses (RFC 7672 2.2), at the name behind aliases first. Raises
        ResolutionFailed when the answer cannot be had or does not validate: then the host may not be used at all.
        """
        name = destination.host.lower().rstrip(".")
        if not (self._trusted and destination.secure) or name in self._hosts:
            return None
        try:
            host = await self._addresses.get(name, self._ask_addresses)
            if not host.secure:
                return None
            for base in dict.fromkeys((host.name, name)):
                found = await self._tlsa.get(f"_{port}._tcp.{base}", self._ask_tlsa)
                if found.records:
                    return TlsaSet(base, found.records)
        except DomainNotFound:
            pass
        return None

    async def texts(self, name: str) -> tuple[str, ...]:
        """The TXT records at a name, strings joined, not cached; empty when there are none. Raises ResolutionFailed."""
        try:
            answer = await self._query(name, dns.rdatatype.TXT)
        except DomainNotFound:
            return ()
        return tuple(b"".join(rdata.strings).decode("utf-8", "replace") for rdata in answer or ())

    async def _ask_mx(self, domain: str) -> tuple[tuple[Destination, ...], float]:
        if domain.startswith("[") and domain.endswith("]"):
            return (Destination(_literal(domain), 0),), MAX_TTL
        if domain in self._hosts:
            return (Destination(domain, 0),), MAX_TTL
        answer = await self._query(domain, dns.rdatatype.MX)
        if answer is None:
            await self.addresses(domain)  # raises DomainNotFound when there is none either
            host = self._addresses.find(domain)
            return (Destination(domain, 0, host is not None and host.secure),), NEGATIVE_TTL
        records = sorted((rdata.preference, rdata.exchange.to_text(omit_final_dot=True).lower()) for rdata in answer)
        if all(host in ("", ".") for _, host in records):
            raise NullMx(f"{domain} takes no mail (null MX)")
        secure = self._is_secure(answer)
        found = tuple(Destination(host, preference, secure) for preference, host in records if host not in ("", "."))
        return found[:MAX_MX], float(answer.rrset.ttl if answer.rrset is not None else MIN_TTL)

    async def _ask_addresses(self, host: str) -> tuple[_Host, float]:
        kinds = (dns.rdatatype.A, dns.rdatatype.AAAA)
        answers = await asyncio.gather(*(self._query(host, kind) for kind in kinds), return_exceptions=True)
        found: list[str] = []
        ttl, name, secure = MAX_TTL, host, True
        for answer in answers:
            if isinstance(answer, dns.resolver.Answer):
                found += [str(rdata.address) for rdata in answer]
                ttl = min(ttl, float(answer.rrset.ttl if answer.rrset is not None else MIN_TTL))
                name = answer.canonical_name.to_text(omit_final_dot=True).lower()
                secure = secure and self._is_secure(answer)
        if found:
            return _Host(tuple(found[:MAX_ADDRESSES]), name, secure), ttl
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        raise DomainNotFound(f"{host} has no address")

    async def _ask_tlsa(self, name: str) -> tuple[TlsaSet, float]:
        answer = await self._query(name, dns.rdatatype.TLSA)
        if answer is None or not self._is_secure(answer):
            return TlsaSet(name, ()), NEGATIVE_TTL
        records = tuple(TlsaRecord(rdata.usage, rdata.selector, rdata.mtype, bytes(rdata.cert)) for rdata in answer)
        return TlsaSet(name, records[:MAX_TLSA]), float(answer.rrset.ttl if answer.rrset is not None else MIN_TTL)

    def _is_secure(self, answer: dns.resolver.Answer) -> bool:
        return self._trusted and bool(answer.response.flags & dns.flags.AD)

    async def _query(self, name: str, kind: dns.rdatatype.RdataType) -> dns.resolver.Answer | None:
        """The answer, or None when the name exists without records of this kind."""
        try:
            return await self._resolver().resolve(dns.name.from_text(name), kind, search=False)
        except dns.resolver.NoAnswer:
            return None
        except dns.resolver.NXDOMAIN:
            raise DomainNotFound(f"{name} does not exist") from None
        except (dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong, dns.name.BadEscape, UnicodeError):
            raise DomainNotFound(f"{name[:255]} is not a domain name") from None
        except dns.exception.Timeout:
            raise ResolutionFailed(f"looking up {name}: the name servers did not answer") from None
        except (dns.exception.DNSException, OSError) as error:
            raise ResolutionFailed(f"looking up {name}: {type(error).__name__}") from None

    def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._dns is None:
            try:
                resolver = dns.asyncresolver.Resolver(configure=not self._servers)
            except dns.exception.DNSException:
                raise ResolutionFailed("no name server is configured on this machine") from None
            if self._servers:
                resolver.nameservers = list(self._servers)
            if self._trusted:
                resolver.set_flags(dns.flags.RD | dns.flags.AD)  # AD in a question: "tell me" (RFC 6840 5.7)
            resolver.lifetime = self._timeout
            resolver.timeout = min(2.0, self._timeout)
            self._dns = resolver
        return self._dns


def _literal(domain: str) -> str:
    """The address inside an address literal (RFC 5321 4.1.3). Raises DomainNotFound when it is none."""
    text = domain[1:-1]
    if text.startswith("ipv6:"):
        text = text[5:]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise DomainNotFound(f"{domain[:255]} is not an address literal") from None
