"""Adding, changing and removing domains."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.activity.service import record
from webapp.domains import dkim, queries
from webapp.domains.models import DkimKey, Domain
from webapp.domains.records import suffixes
from webapp.domains.service import claims
from webapp.domains.types import DkimAlgorithm, DomainStatus
from webapp.kernel.addresses import BadAddress, domain_of
from webapp.kernel.clock import now
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.kernel.secrets import seal
from webapp.tenants.service import check_room, counts
from webapp.tenants.types import LimitName

#: With a selector in front a name must still fit into the 253 characters of a domain name.
LONGEST_NAME = 200
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?")


@counts(LimitName.DOMAINS)
def count_domains(scope: Scope) -> int:
    """How many sending domains the tenant has."""
    return scope.session.scalar(sa.select(sa.func.count()).select_from(Domain)) or 0


def add_domain(scope: Scope, name: str, covers_subdomains: bool = False) -> Domain:
    """Add a domain to send from, with its challenge and its DKIM keys (RSA-2048 and Ed25519), all waiting for DNS.

    Raises ``ValidationFailed`` (param ``domain``) for what is no domain or a public suffix, ``Conflict`` when the tenant has it already.
    """
    scope.require(Permission.DOMAIN_CREATE)
    domain = new_domain(scope.tenant_id, name, covers_subdomains)
    check_room(scope, LimitName.DOMAINS)
    domain.next_check_at, domain.proof_at = now(), claims.find_proof_at(scope.tenant_id, domain.name)
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
    if len(cleaned) > LONGEST_NAME:
        raise ValidationFailed(f"The name is longer than {LONGEST_NAME} characters; the records below it would not fit into DNS.", param="domain")
    if suffixes().privatesuffix(cleaned) is None:
        raise ValidationFailed(f"{cleaned} is a public suffix that many people share; add a domain of your own below it.", param="domain")
    return Domain(
        tenant_id=tenant_id, name=cleaned, status=DomainStatus.PENDING, challenge=claims.make_challenge(), challenge_at=now(),
        covers_subdomains=covers_subdomains, findings={},
    )  # fmt: skip


def make_keys(session: Session, domain: Domain, number: int = 1) -> list[DkimKey]:
    """DKIM keys of a domain, one an algorithm, added to the session. About 100 ms."""
    keys = []
    for algorithm in DkimAlgorithm:
        pair = dkim.make_key_pair(algorithm)
        keys.append(
            DkimKey(
                tenant_id=domain.tenant_id, domain_id=domain.id, algorithm=algorithm, number=number, public_record=pair.public_record,
                selector=dkim.selector_for(domain.tenant_id, algorithm, number), private_key=seal(pair.private_key, key_context(domain.tenant_id)),
            )
        )  # fmt: skip
    session.add_all(keys)
    session.flush()
    return keys


def key_context(tenant_id: UUID) -> str:
    """What the seal of a DKIM key is bound to."""
    return f"{tenant_id}|dkim_keys|private_key"


def update_domain(scope: Scope, domain_id: UUID, changes: Mapping[str, Any]) -> Domain:
    """Change ``covers_subdomains``, ``return_path_label`` or ``tracking_label``; a new host must be seen in DNS before it is used.

    Raises ``ValidationFailed`` for a label that no host name can have, ``Conflict`` when another tenant has verified a sub-domain.
    """
    scope.require(Permission.DOMAIN_CREATE)
    domain = queries.get_domain(scope.session, domain_id)
    changed: dict[str, Any] = {}
    for field, value in _checked(scope, domain, changes).items():
        if getattr(domain, field) != value:
            changed[field] = [getattr(domain, field), value]
            setattr(domain, field, value)
            _forget_host(domain, field)
    if changed:
        scope.session.flush()
        record(scope, "domain.updated", "domain", domain.id, domain.name, changed)
    return domain


def _checked(scope: Scope, domain: Domain, changes: Mapping[str, Any]) -> dict[str, Any]:
    if changes.get("covers_subdomains") and domain.may_send and not domain.covers_subdomains and claims.has_foreign_below(scope.tenant_id, domain.name):
        raise Conflict(f"A sub-domain of {domain.name} is verified by another tenant, so the whole tree cannot be covered.", param="covers_subdomains")
    wanted = {field: str(value).strip().lower() if field.endswith("_label") else value for field, value in changes.items()}
    labels = {field: wanted.get(field, getattr(domain, field)) for field in ("return_path_label", "tracking_label")}
    for field, label in labels.items():
        if not _LABEL.fullmatch(label):
            raise ValidationFailed("Write one label of letters, digits and hyphens, for example bounces or links.", param=field)
    if len(set(labels.values())) == 1:
        field = next(iter(wanted))
        raise ValidationFailed("Return path and tracking host need different names: each is a CNAME of its own.", param=field)
    return wanted


def _forget_host(domain: Domain, field: str) -> None:
    if field == "return_path_label":
        domain.return_path_verified_at = None
    elif field == "tracking_label":
        domain.tracking_verified_at = None
    if field.endswith("_label") and not domain.vouched:
        domain.next_check_at = now()


def renew_challenge(scope: Scope, domain_id: UUID) -> Domain:
    """Give out a new challenge for a domain that is not verified; the old one proves nothing any more.

    Raises ``Conflict`` while the domain is verified: its proof must stay where it is.
    """
    scope.require(Permission.DOMAIN_CREATE)
    domain = queries.get_domain(scope.session, domain_id)
    if domain.may_send:
        raise Conflict(f"{domain.name} is verified; its challenge must stay as it is.")
    domain.challenge, domain.challenge_at, domain.next_check_at = claims.make_challenge(), now(), now()
    domain.status, domain.off_reason, domain.problem, domain.failing_since = DomainStatus.PENDING, None, None, None
    domain.proof_at = claims.find_proof_at(scope.tenant_id, domain.name)
    scope.session.flush()
    record(scope, "domain.challenge_renewed", "domain", domain.id, domain.name)
    return domain


def delete_domain(scope: Scope, domain_id: UUID) -> None:
    """Remove a domain and destroy its keys; mail from it is refused from now on."""
    scope.require(Permission.DOMAIN_DELETE)
    domain = queries.get_domain(scope.session, domain_id)
    scope.session.delete(domain)
    scope.session.flush()
    record(scope, "domain.removed", "domain", domain.id, domain.name)
