"""What DNS says about many domains at once, within a deadline: threads of this process ask, a tenant has a share of them, answers are remembered."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from webapp.kernel.dns import LookUp, look_up
from webapp.kernel.ttl_cache import TtlCache
from webapp.validation.types import DomainFacts, MailServers

_THREADS = 32
#: So that somebody's slow domains do not take the time of everybody's.
_OF_ONE_TENANT = 8
_REMEMBERED_SECONDS, _REMEMBERED_DOMAINS = 600.0, 20_000

UNKNOWN = DomainFacts(MailServers.UNKNOWN)

_known: TtlCache[str, DomainFacts] = TtlCache(_REMEMBERED_SECONDS, _REMEMBERED_DOMAINS)
_askers = ThreadPoolExecutor(_THREADS, thread_name_prefix="validate-dns")
_busy: Counter[UUID] = Counter()
_lock = threading.Lock()


def forget() -> None:
    """Ask anew from now on."""
    _known.clear()


def facts_of(domains: Iterable[str], tenant_id: UUID, seconds: float) -> dict[str, DomainFacts]:
    """What DNS says of each domain (A-labels), ``UNKNOWN`` where it says nothing within ``seconds``. Failures are not remembered."""
    found = {domain: known[0] for domain in set(domains) if (known := _known.find(domain))}
    missing = sorted(set(domains) - found.keys())
    if missing:
        found |= _Round(missing, tenant_id, time.monotonic() + seconds).run()
    return {domain: found.get(domain, UNKNOWN) for domain in domains}


class _Round:
    """The domains of one request. What is not answered at the deadline is left; a late answer is still remembered for the next request."""

    def __init__(self, domains: list[str], tenant_id: UUID, deadline: float) -> None:
        self.waiting = deque(domains)
        self.wanted = len(domains)
        self.tenant_id = tenant_id
        self.deadline = deadline
        self.found: dict[str, DomainFacts] = {}
        self.news = threading.Condition()

    def run(self) -> dict[str, DomainFacts]:
        for _ in range(self._share()):
            _askers.submit(self._ask)
        with self.news:
            self.news.wait_for(lambda: len(self.found) == self.wanted, timeout=max(0.0, self.deadline - time.monotonic()))
            return dict(self.found)

    def _share(self) -> int:
        """How many threads work for this request; one at least."""
        with _lock:
            share = max(1, min(len(self.waiting), _OF_ONE_TENANT - _busy[self.tenant_id]))
            _busy[self.tenant_id] += share
        return share

    def _ask(self) -> None:
        try:
            while time.monotonic() < self.deadline:
                try:
                    domain = self.waiting.popleft()
                except IndexError:
                    return
                facts = ask(domain)
                if facts.mail is not MailServers.UNKNOWN:
                    _known.put(domain, facts)
                with self.news:
                    self.found[domain] = facts
                    self.news.notify()
        finally:
            with _lock:
                _busy[self.tenant_id] -= 1
                if not _busy[self.tenant_id]:
                    del _busy[self.tenant_id]


def ask(domain: str) -> DomainFacts:
    """Ask the resolver: MX, and where there is none the addresses (RFC 5321 section 5.1)."""
    answer = look_up(domain, "MX")
    if answer.outcome is LookUp.FAILED:
        return UNKNOWN
    if answer.outcome is LookUp.FOUND:
        hosts = tuple(host for _, host in sorted(_parsed(text) for text in answer.values))
        usable = tuple(host for host in hosts if host)
        return DomainFacts(MailServers.MX, usable) if usable else DomainFacts(MailServers.NULL)
    outcomes = {look_up(domain, kind).outcome for kind in ("A", "AAAA")}
    if LookUp.FOUND in outcomes:
        return DomainFacts(MailServers.IMPLICIT, (domain,))
    return UNKNOWN if LookUp.FAILED in outcomes else DomainFacts(MailServers.NONE)


def _parsed(text: str) -> tuple[int, str]:
    """`10 mx.example.net` as preference and host; the null MX `0 .` has no host."""
    preference, _, host = text.partition(" ")
    return int(preference) if preference.isdigit() else 0, host.strip().strip(".")
