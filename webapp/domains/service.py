"""Acts on sender domains: add, prove, sign with, remove."""

from __future__ import annotations

import functools
from typing import Any
from uuid import UUID

from publicsuffixlist import PublicSuffixList
from sqlalchemy.orm import Session

from webapp.activity.service import record
from webapp.domains import dkim, queries, records
from webapp.domains.models import DkimKey, Domain
from webapp.domains.queries import get_domain, list_domains
from webapp.domains.records import zone_line
from webapp.domains.types import DkimAlgorithm, DnsRecord, DomainStatus, RecordState, SendingIdentity, Signer
from webapp.kernel.addresses import BadAddress, domain_of
from webapp.kernel.clock import now
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.db import let_go
from webapp.kernel.errors import Conflict, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.kernel.secrets import random_token, seal, unseal

__all__ = [
    "CHALLENGE_PREFIX", "add_domain", "delete_domain", "get_domain", "has_verified_domain", "list_domains", "make_keys", "new_domain", "records_for",
    "sending_identity", "update_domain", "verify_domain", "zone_line",
]  # fmt: skip

CHALLENGE_PREFIX = "postbridge-verification="


@functools.cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def add_domain(scope: Scope, name: str, covers_subdomains: bool = False) -> Domain:
    """Add a domain to send from, with its challenge and its DKIM keys (RSA-2048 and Ed25519), all waiting for DNS.

    Raises ``ValidationFailed`` (param ``domain``) for what is no domain or a public suffix, ``Conflict`` when the tenant has it already.
    """
    scope.require(Permission.DOMAIN_CREATE)
    domain = new_domain(scope.tenant_id, name, covers_subdomains)
    with refuse_on(scope.session, "uq_domains_tenant_id_name", Conflict(f"{domain.name} is among your domains already.", param="domain")):
        scope.session.add(domain)
    make_keys(scope.session, domain)
    record(scope, "domain.added", "domain", domain.id, domain.name)
    return domain


def new_domain(tenant_id: UUID, name: str, covers_subdomains: bool = False) -> Domain:
    """A pending domain, not yet in a session. Raises ``ValidationFailed``."""
    try:
        cleaned = domain_of(name)
    except BadAddress as error:
        raise ValidationFailed(f"{error}.", param="domain") from None
    if _suffixes().privatesuffix(cleaned) is None:
        raise ValidationFailed(f"{cleaned} is a public suffix that many people share; add a domain of your own below it.", param="domain")
    challenge = CHALLENGE_PREFIX + random_token(160)
    return Domain(
        tenant_id=tenant_id, name=cleaned, status=DomainStatus.PENDING, challenge=challenge, covers_subdomains=covers_subdomains, findings={}
    )


def make_keys(session: Session, domain: Domain) -> list[DkimKey]:
    """The first DKIM keys of a domain, added to the session. About 100 ms."""
    keys = []
    for algorithm in DkimAlgorithm:
        pair = dkim.make_key_pair(algorithm)
        keys.append(
            DkimKey(
                tenant_id=domain.tenant_id, domain_id=domain.id, algorithm=algorithm, selector=dkim.selector_for(domain.tenant_id, algorithm),
                private_key=seal(pair.private_key, _context(domain.tenant_id)), public_record=pair.public_record,
            )
        )  # fmt: skip
    session.add_all(keys)
    session.flush()
    return keys


def update_domain(scope: Scope, domain_id: UUID, covers_subdomains: bool) -> Domain:
    """Say whether mail from sub-domains is covered too."""
    scope.require(Permission.DOMAIN_CREATE)
    domain = queries.get_domain(scope.session, domain_id)
    if domain.covers_subdomains != covers_subdomains:
        domain.covers_subdomains = covers_subdomains
        scope.session.flush()
        record(scope, "domain.updated", "domain", domain.id, domain.name, {"covers_subdomains": [not covers_subdomains, covers_subdomains]})
    return domain


def delete_domain(scope: Scope, domain_id: UUID) -> None:
    """Remove a domain and destroy its keys; mail from it is refused from now on."""
    scope.require(Permission.DOMAIN_DELETE)
    domain = queries.get_domain(scope.session, domain_id)
    scope.session.delete(domain)
    scope.session.flush()
    record(scope, "domain.removed", "domain", domain.id, domain.name)


def records_for(scope: Scope, domain: Domain) -> list[DnsRecord]:
    """The records to publish, with what the last check found."""
    return records.records_of(domain, queries.list_keys(scope.session, domain.id))


def verify_domain(scope: Scope, domain_id: UUID) -> Domain:
    """Look the records up now. The challenge makes the domain verified, each DKIM record makes its key active.

    Raises ``Conflict`` when another tenant has proven the domain before. A verified domain stays verified when its challenge is not seen
    this once: look-ups fail for many reasons, and a periodic check decides that over days.
    """
    scope.require(Permission.DOMAIN_VERIFY)
    wanted = records_for(scope, queries.get_domain(scope.session, domain_id))
    let_go(scope.session)
    findings = records.check(wanted)
    domain = queries.get_domain(scope.session, domain_id)
    domain.findings, domain.checked_at = findings, now()
    if findings["challenge"]["state"] == RecordState.OK and domain.status != DomainStatus.VERIFIED:
        _mark_verified(scope, domain)
    _activate_keys(scope, domain, findings)
    scope.session.flush()
    return domain


def _mark_verified(scope: Scope, domain: Domain) -> None:
    taken = Conflict(f"{domain.name} is verified by another tenant; it must be removed there first.", param="domain")
    with refuse_on(scope.session, "uq_domains_verified_name", taken):
        domain.status, domain.verified_at = DomainStatus.VERIFIED, now()
    record(scope, "domain.verified", "domain", domain.id, domain.name)


def _activate_keys(scope: Scope, domain: Domain, findings: dict[str, Any]) -> None:
    for key in queries.list_keys(scope.session, domain.id):
        if key.active_at is None and findings.get(f"dkim:{key.selector}", {}).get("state") == RecordState.OK:
            key.active_at = now()
            record(scope, "domain.dkim_activated", "domain", domain.id, domain.name, {"selector": key.selector})


def sending_identity(session: Session, tenant_id: UUID, domain: str) -> SendingIdentity | None:
    """The verified domain of ``tenant_id`` that covers the From domain ``domain`` (A-label), with its signers; None when there is none.

    Works in any session, also an unscoped one. Callers who need it for every message cache it for seconds.
    """
    found = queries.find_covering(session, tenant_id, domain)
    if found is None:
        return None
    keys = queries.list_active_keys(session, [found.id])
    return SendingIdentity(found.id, found.name, tuple(_signer(found.name, key) for key in keys))


def has_verified_domain(scope: Scope) -> bool:
    """Whether the tenant may send live from anywhere at all."""
    return bool(queries.list_domains(scope.session, status=DomainStatus.VERIFIED, limit=1).items)


def _signer(name: str, key: DkimKey) -> Signer:
    return Signer(name, key.selector, DkimAlgorithm(key.algorithm), unseal(key.private_key, _context(key.tenant_id)))


def _context(tenant_id: UUID) -> str:
    return f"{tenant_id}|dkim_keys|private_key"
