"""What a check means for a domain: proven, failing, off; hosts and keys taken into use and out of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from webapp.activity.service import record
from webapp.announcements.service import announce
from webapp.announcements.types import Announcement
from webapp.domains import queries
from webapp.domains.check import check
from webapp.domains.models import Domain
from webapp.domains.recheck import ends_at, next_check
from webapp.domains.records import CHALLENGE_LABEL, records_of
from webapp.domains.score import score_of
from webapp.domains.service import claims, history
from webapp.domains.service.notices import notify, was_notified
from webapp.domains.service.rotation import note_keys
from webapp.domains.types import DnsRecord, DomainStatus, NoticeKind, OffReason, RecordState, Score
from webapp.kernel.clock import now, rfc3339
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.db import let_go
from webapp.kernel.errors import Conflict, RateLimited
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope

#: A look-up that was answered, and not with our record.
_GONE = (RecordState.MISSING, RecordState.DIFFERENT)
#: Tenants for which somebody waits for a check in this process; at most so many.
_checking: set[UUID] = set()
_lock = threading.Lock()
_MOST_CHECKS = 6


def records_for(scope: Scope, domain: Domain) -> list[DnsRecord]:
    """The records to publish, with what the last check found."""
    return records_of(domain, queries.list_keys(scope.session, domain.id))


def score_for(scope: Scope, domain: Domain) -> Score:
    """The score after the last check, with its reasons."""
    keys = queries.list_keys(scope.session, domain.id)
    return score_of(domain, keys, records_of(domain, keys))


def verify_domain(scope: Scope, domain_id: UUID) -> Domain:
    """Look the records up now, and act on what was found. ``problem`` of the result says why a challenge that was found did not suffice.

    Raises ``RateLimited`` while this process checks another domain of the tenant, or too many of others: silent name servers take seconds each,
    and must not keep the threads of the web server.
    """
    scope.require(Permission.DOMAIN_VERIFY)
    with _turn(scope.tenant_id):
        return recheck(scope, domain_id)


@contextmanager
def _turn(tenant_id: UUID) -> Iterator[None]:
    with _lock:
        if tenant_id in _checking or len(_checking) >= _MOST_CHECKS:
            raise RateLimited("Another check is under way; try again in some seconds.", retry_after=5)
        _checking.add(tenant_id)
    try:
        yield
    finally:
        with _lock:
            _checking.discard(tenant_id)


def recheck(scope: Scope, domain_id: UUID) -> Domain:
    """One check, whoever asked for it. The connection is let go while DNS is asked, so nothing may have been written before."""
    domain = queries.get_domain(scope.session, domain_id)
    proof_at = domain.proof_at if domain.may_send else claims.find_proof_at(scope.tenant_id, domain.name)
    domain_name, challenge, return_path, wants_proof = domain.name, domain.challenge, domain.return_path_host, not domain.may_send
    records = [_at(record, proof_at or domain.name) for record in records_for(scope, domain)]
    let_go(scope.session)
    findings = check(domain_name, return_path, records)
    holder = claims.find_holder(scope.tenant_id, domain_name) if wants_proof and _state(findings, "challenge") is RecordState.OK else None
    stands = holder is not None and claims.still_stands(holder)
    domain = queries.get_domain(scope.session, domain_id, lock=True)
    if domain.challenge != challenge:  # renewed meanwhile: what was found proves nothing now
        return domain
    domain.findings, domain.checked_at, domain.proof_at = findings, now(), proof_at
    _judge_proof(scope, domain, findings, holder, stands)
    _judge_hosts(scope, domain, findings)
    keys = queries.list_keys(scope.session, domain.id)
    note_keys(scope, domain, keys, {key.selector: _state(findings, f"dkim:{key.selector}") for key in keys})
    _conclude(scope, domain)
    return domain


def _at(record: DnsRecord, proof_at: str) -> DnsRecord:
    if record.key != "challenge":
        return record
    return DnsRecord(record.key, record.purpose, record.type, f"{CHALLENGE_LABEL}.{proof_at}", record.value, record.need)


def _conclude(scope: Scope, domain: Domain) -> None:
    keys = queries.list_keys(scope.session, domain.id)
    records = records_of(domain, keys)
    domain.score = score_of(domain, keys, records).score
    domain.next_check_at = next_check(domain, keys, records, now())
    history.note_checks(scope.session, domain, records)
    scope.session.flush()


def _state(findings: Mapping[str, Any], key: str) -> RecordState:
    return RecordState(findings.get(key, {}).get("state", RecordState.UNCHECKED))


def _judge_proof(scope: Scope, domain: Domain, findings: Mapping[str, Any], holder: claims.Holder | None, stands: bool) -> None:
    found = _state(findings, "challenge")
    if found is RecordState.OK and not domain.may_send:
        domain.problem = _claim(scope, domain, holder, stands)
    elif found is RecordState.OK and domain.failing_since:
        domain.status, domain.failing_since = DomainStatus.VERIFIED, None
        record(scope, "domain.recovered", "domain", domain.id, domain.name)
    elif found in _GONE and domain.may_send and not domain.vouched:
        _fail(scope, domain)


def _claim(scope: Scope, domain: Domain, holder: claims.Holder | None, stands: bool) -> str | None:
    """Make the domain verified; the reason when that cannot be."""
    if domain.covers_subdomains and claims.has_foreign_below(scope.tenant_id, domain.name):
        return "A sub-domain is verified by another tenant. Switch off that sub-domains are covered, then verify again."
    if holder is not None:
        if stands:
            return "The domain is verified by another tenant whose proof still stands in DNS. Remove the other TXT record at the same name to take it over."
        if domain.challenge_at <= holder.verified_at:
            return "The domain is verified by another tenant, and your challenge is older than that. Ask for a new challenge and publish it to take over."
        if not claims.take_over(holder):
            return "The domain changed hands at this very moment. Verify again."
    _mark_verified(scope, domain)
    return None


def _mark_verified(scope: Scope, domain: Domain) -> None:
    taken = Conflict(f"{domain.name} was verified by another tenant at this very moment.", param="domain")
    with refuse_on(scope.session, "uq_domains_verified_name", taken):
        domain.status, domain.verified_at, domain.failing_since, domain.off_reason = DomainStatus.VERIFIED, now(), None, None
    record(scope, "domain.verified", "domain", domain.id, domain.name)
    announce(scope.session, scope.tenant_id, Announcement.DOMAIN_VERIFIED, {"domain_id": str(domain.id), "domain": domain.name})


def _fail(scope: Scope, domain: Domain) -> None:
    """The proof is gone: warn, warn again a day before, then switch off."""
    if domain.failing_since is None:
        domain.status, domain.failing_since = DomainStatus.FAILING, now()
        record(scope, "domain.failing", "domain", domain.id, domain.name, {"switched_off_at": ends_at(domain)})
        notify(scope.session, domain, NoticeKind.FAILING, {"ends_at": rfc3339(ends_at(domain))})
        _announce_failure(scope, domain, "failing")
        return
    left = ends_at(domain) - now()
    if left <= timedelta(0):
        domain.status, domain.off_reason, domain.verified_at = DomainStatus.OFF, OffReason.LAPSED, None
        domain.return_path_verified_at = domain.tracking_verified_at = None
        record(scope, "domain.switched_off", "domain", domain.id, domain.name, {"failing_since": domain.failing_since})
        notify(scope.session, domain, NoticeKind.SWITCHED_OFF)
        _announce_failure(scope, domain, "off")
    elif left <= timedelta(days=1) and not was_notified(scope.session, domain, NoticeKind.LAST_DAY):
        notify(scope.session, domain, NoticeKind.LAST_DAY, {"ends_at": rfc3339(ends_at(domain))})


def _announce_failure(scope: Scope, domain: Domain, state: str) -> None:
    ends = rfc3339(ends_at(domain)) if state == "failing" else None
    data = {"domain_id": str(domain.id), "domain": domain.name, "state": state, "ends_at": ends}
    announce(scope.session, scope.tenant_id, Announcement.DOMAIN_FAILED, data)


def _judge_hosts(scope: Scope, domain: Domain, findings: Mapping[str, Any]) -> None:
    """Hosts under the domain are used while their CNAMEs are seen; without an answer nothing changes."""
    for key, field in (("return_path", "return_path_verified_at"), ("tracking", "tracking_verified_at")):
        state, used = _state(findings, key), getattr(domain, field) is not None
        if state is RecordState.OK and not used and domain.may_send:
            setattr(domain, field, now())
            record(scope, f"domain.{key}_used", "domain", domain.id, domain.name)
        elif state in _GONE and used:
            setattr(domain, field, None)
            record(scope, f"domain.{key}_lost", "domain", domain.id, domain.name)


