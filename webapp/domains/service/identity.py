"""What mail of a From domain is signed and sent with, and whether that stands for the domain."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from webapp.domains import queries
from webapp.domains.alignment import align
from webapp.domains.models import DkimKey, Domain
from webapp.domains.service.adding import key_context
from webapp.domains.types import Alignment, DkimAlgorithm, SendingIdentity, Signer
from webapp.kernel.scope import Scope
from webapp.kernel.secrets import unseal
from webapp.settings import get_settings


def sending_identity(session: Session, tenant_id: UUID, domain: str) -> SendingIdentity | None:
    """The verified domain of ``tenant_id`` that covers the From domain ``domain`` (A-label), with its signers and hosts; None without one.

    Works in any session, also an unscoped one. Callers who need it for every message cache it for seconds.
    """
    found = queries.find_covering(session, tenant_id, domain)
    if found is None:
        return None
    keys = queries.choose_signing(queries.list_keys(session, found.id))
    return SendingIdentity(
        found.id, found.name, tuple(_signer(found.name, key) for key in keys),
        found.return_path_host if found.return_path_verified_at else None, found.tracking_host if found.tracking_verified_at else None,
    )  # fmt: skip


def has_verified_domain(scope: Scope) -> bool:
    """Whether the tenant may send live from anywhere at all."""
    return queries.has_verified(scope.session)


def alignment_of(session: Session, tenant_id: UUID, from_domain: str, at: datetime | None = None) -> Alignment | None:
    """How mail from ``from_domain`` is aligned, now or as it was ``at`` a time; None when no verified domain covers it."""
    domain = queries.find_covering(session, tenant_id, from_domain)
    return None if domain is None else alignment_in(session, domain, from_domain, at)


def alignment_in(session: Session, domain: Domain, from_domain: str | None = None, at: datetime | None = None) -> Alignment:
    """The same for a domain that is known already; ``from_domain`` is itself unless given."""
    keys = queries.list_all_keys(session, domain.id)
    signs = any(_signed(key, at) for key in keys) if at else bool(queries.choose_signing(keys))
    since = domain.return_path_verified_at
    own = since is not None and (at is None or since <= at)
    return_path = domain.return_path_host if own else get_settings().bounce_domain
    return align(from_domain or domain.name, domain.name if signs else None, return_path, own, (domain.findings or {}).get("_dmarc"))


def _signed(key: DkimKey, at: datetime) -> bool:
    ends = [moment for moment in (key.withdrawn_at, key.retired_at) if moment]
    return key.active_at is not None and key.active_at <= at and all(at < moment for moment in ends)


def _signer(name: str, key: DkimKey) -> Signer:
    return Signer(name, key.selector, DkimAlgorithm(key.algorithm), unseal(key.private_key, key_context(key.tenant_id)))
