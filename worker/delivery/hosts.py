"""The hosts of one destination: which of them to dial, at which address, under which TLS policy, and what was found out about them."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from worker.delivery.handshake import Dialer, DialFailure
from worker.delivery.mta_sts import StsMode, StsPolicy
from worker.delivery.resolver import Destination, ResolutionError, ResolutionFailed
from worker.delivery.smtp_client import Connection
from worker.delivery.tls_policy import Check, NotCovered, Protection, plain_protection, protection_of
from worker.delivery.tls_report import PolicyType, TlsFact, TlsResult
from worker.delivery.transaction import Failure
from worker.delivery.types import Member, MemberKind, ReplyClass, Stage, TlsMode

if TYPE_CHECKING:
    from worker.delivery.engine import Engine

_Try = tuple[TlsMode, Protection]


class _Way(NamedTuple):
    """A host that may be dialled: how it must be protected, and where it is."""

    protection: Protection
    addresses: tuple[str, ...]


class Hosts:
    """Opens connections to a relay, or to the MX hosts of a group of domains with the same MTA-STS policy `sts`.

    Remembers for a while which addresses could not be reached, and where optional TLS does not work.
    """

    def __init__(self, engine: Engine, member: Member, tls: TlsMode, destinations: tuple[Destination, ...], sts: StsPolicy | None) -> None:
        self.engine, self.member, self.tls, self.destinations, self.sts = engine, member, tls, destinations, sts
        self._down: dict[str, float] = {}
        self._no_tls: set[str] = set()

    def rest(self, ip: str) -> None:
        """Dial `ip` last for a while."""
        self._down[ip] = self.engine.now() + self.engine.limits.cooldown

    def has_other(self, names: frozenset[str]) -> bool:
        """Whether there is a host that is none of `names`."""
        return any(destination.host not in names for destination in self.destinations)

    async def connect(self, domain: str, avoided: frozenset[str] = frozenset()) -> Connection:
        """A connection to the first host that takes one, in MX order; hosts found broken lately, and those `avoided`, last.

        The next host is tried after connection faults and 4xx; a 5xx is final (RFC 5321 5.1). `domain`: whose mail it is for, where
        there are several. Raises DialFailure.
        """
        notes: list[str] = []
        ways: dict[str, _Way | Failure] = {}
        tried: set[str] = set()
        first: Failure | None = None  # why no address could be dialled at all
        last: Failure | None = None  # how the last dial failed
        for resting in (False, True):
            for destination in self._in_order(avoided):
                if destination.host not in ways:
                    ways[destination.host] = await self._way_to(destination, domain)
                way = ways[destination.host]
                if isinstance(way, Failure):
                    first = first or way
                    continue
                for ip in way.addresses:
                    if ip in tried or self._is_down(ip) is not resting or len(tried) >= self.engine.limits.max_addresses:
                        continue
                    tried.add(ip)
                    try:
                        conn = await self._dial(destination.host, ip, domain, way.protection)
                    except DialFailure as error:
                        notes.append(error.failure.transcript)
                        if error.is_loop:  # hosts behind ourselves are not for us (RFC 5321 5.1)
                            raise DialFailure(_with_notes(last or first or error.failure, notes)) from None
                        last = error.failure
                        self.rest(ip)
                        if last.code is not None and last.code >= 500:
                            raise DialFailure(_with_notes(last, notes)) from None
                    else:
                        conn.preamble = "\n".join([*_skipped(ways), *notes, conn.preamble])
                        return conn
        failure = last or first
        assert failure is not None  # there is always a destination, and it either resolved or failed
        raise DialFailure(_with_notes(failure, [*_skipped(ways), *notes]))

    # -- which host ----------------------------------------------------------------------------------------------

    def _in_order(self, avoided: frozenset[str]) -> Iterable[Destination]:
        """Hosts by preference, those of equal preference shuffled (RFC 5321 5.1), `avoided` ones last."""
        if len(self.destinations) == 1:
            return self.destinations
        return sorted(self.destinations, key=lambda one: (one.host in avoided, one.preference, random.random()))

    async def _way_to(self, destination: Destination, domain: str) -> _Way | Failure:
        addresses = await self._addresses(destination.host)
        if isinstance(addresses, Failure):
            return addresses
        protection = await self._protection(destination, domain)
        return protection if isinstance(protection, Failure) else _Way(protection, addresses)

    async def _addresses(self, host: str) -> tuple[str, ...] | Failure:
        """The addresses of `host` that we may and can dial, or why there are none."""
        ours = ReplyClass.RELAY if self.member.kind is MemberKind.RELAY else None
        try:
            found = await self.engine.resolver.addresses(host)
        except ResolutionError as error:
            kind = ReplyClass.NET if isinstance(error, ResolutionFailed) or ours is None else ours
            return Failure(Stage.DNS, None, str(error), kind, host)
        allowed = tuple(ip for ip in found if self.member.trusted or self.engine.egress.is_allowed(ip, self.port))
        if not allowed:
            text = f"550 5.4.4 {host} has no address that may be reached from here"
            return Failure(Stage.CONNECT, 550, text, ours or ReplyClass.REJECTED, host)
        source = self.member.source_ip
        if source is None:
            return allowed
        version = ipaddress.ip_address(source).version
        fitting = tuple(ip for ip in allowed if ipaddress.ip_address(ip).version == version)
        return fitting or Failure(Stage.CONNECT, None, f"{host} has no IPv{version} address", ReplyClass.NET, host)

    def _is_down(self, ip: str) -> bool:
        return self._down.get(ip, 0.0) > self.engine.now()

    @property
    def port(self) -> int:
        """Where the hosts are dialled."""
        return self.member.port or 587 if self.member.kind is MemberKind.RELAY else self.engine.limits.mx_port

    # -- under which policy --------------------------------------------------------------------------------------

    async def _protection(self, destination: Destination, domain: str) -> Protection | Failure:
        host = destination.host
        if self.member.kind is MemberKind.RELAY or self.tls is TlsMode.NONE:
            return plain_protection(self.tls, host)
        try:
            tlsa = await self.engine.resolver.tlsa(destination, self.port)
            protection = protection_of(self.tls, host, domain, self.sts, tlsa)
        except ResolutionFailed as error:
            self._tally(domain, PolicyType.TLSA, TlsResult.DNSSEC_INVALID, host, "", str(error))
            return Failure(Stage.DNS, None, f"the TLSA records of {host} cannot be had: {error}", ReplyClass.TLS, host)
        except NotCovered as error:
            self._tally(domain, PolicyType.STS, TlsResult.VALIDATION_FAILURE, host, "", str(error), self.sts.text if self.sts else "")
            return Failure(Stage.CONNECT, None, str(error), ReplyClass.TLS, host)
        if protection.testing and self.sts is not None and self.sts.mode is StsMode.TESTING and not self.sts.covers(host):
            self._tally(domain, PolicyType.STS, TlsResult.VALIDATION_FAILURE, host, "", "the policy does not list the host", self.sts.text)
            return plain_protection(self.tls, host)
        return protection

    async def _dial(self, host: str, ip: str, domain: str, protection: Protection) -> Connection:
        """A ready connection to one address. Optional TLS that does not work is worse than none (RFC 7435): again with less, and remember."""
        log: list[str] = []
        tries = self._tries(ip, protection)
        while True:
            mode, wanted = next(tries)
            dialer = Dialer(self.member, mode, host, ip, self.port, self.engine.limits, self.engine.tls_contexts, wanted)
            dialer.log, dialer.loop_is_fine = log, self.engine.takes_mail_for(domain)
            try:
                conn = await dialer.dial()
            except DialFailure as error:
                self._tally_dial(domain, dialer, error.failure.text)
                if not error.tls_broken:
                    raise
                if wanted.check is Check.NOTHING:
                    self._no_tls.add(ip)
                log = [*dialer.log, "* again without TLS" if wanted.check is Check.NOTHING else "* again without a check of the certificate"]
            else:
                self._tally_dial(domain, dialer, "")
                return conn

    def _tries(self, ip: str, protection: Protection) -> Iterator[_Try]:
        """From what is wanted down to the clear; a single one where nothing less will do."""
        if ip not in self._no_tls or protection.required:
            yield self.tls if not protection.required or self.tls is TlsMode.IMPLICIT else TlsMode.REQUIRED, protection
        plain = plain_protection(TlsMode.OPPORTUNISTIC, protection.server_name)
        if protection.check is not Check.NOTHING and ip not in self._no_tls:
            yield self.tls, plain
        yield TlsMode.NONE, plain

    # -- for reports ---------------------------------------------------------------------------------------------

    def _tally_dial(self, domain: str, dialer: Dialer, reason: str) -> None:
        if dialer.tls_result is not None and self.member.kind is MemberKind.IP:
            wanted = dialer.protection
            self._tally(domain, wanted.policy_type, dialer.tls_result, dialer.host, dialer.ip, reason, wanted.policy)

    def _tally(self, domain: str, kind: PolicyType, result: TlsResult, host: str, ip: str, reason: str, policy: str = "") -> None:
        source = self.member.source_ip or ""
        self.engine.tls_tally.add(TlsFact(domain, kind, result, host, source, ip, reason[:200] if result is not TlsResult.SUCCESSFUL else "", policy))


def _skipped(ways: dict[str, _Way | Failure]) -> list[str]:
    """Transcript lines about hosts that were not dialled."""
    return [f"* {way.text}" for way in ways.values() if isinstance(way, Failure)]


def _with_notes(failure: Failure, notes: list[str]) -> Failure:
    return failure._replace(transcript="\n".join(notes) or failure.transcript)
