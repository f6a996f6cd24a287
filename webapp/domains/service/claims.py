"""Who may hold a name when several tenants want it: one verified owner at a time, take-over by a fresh proof, parents asked first.

A name belongs to whoever can write to its zone. So a second tenant takes over only when its own challenge, younger than the other's
verification, stands in DNS and the other's does not any more; the former owner is told. While both stand, nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from webapp.activity.service import record
from webapp.domains.models import DkimKey, Domain
from webapp.domains.records import CHALLENGE_LABEL
from webapp.domains.service.notices import notify
from webapp.domains.types import DomainStatus, NoticeKind, OffReason
from webapp.kernel.clock import now
from webapp.kernel.db import unscoped
from webapp.kernel.dns import LookUp, look_up
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import SYSTEM, Scope
from webapp.kernel.secrets import random_token

CHALLENGE_PREFIX = "postbridge-verification="


@dataclass(frozen=True, slots=True)
class Holder:
    """Another tenant's verified domain, as much as deciding needs. Nothing of it is shown to the tenant that asks."""

    domain_id: UUID
    challenge: str
    proof_name: str
    vouched: bool
    verified_at: datetime


def make_challenge() -> str:
    """A TXT value with 160 random bits, bound to nothing but the row it stands in."""
    return CHALLENGE_PREFIX + random_token(160)


def find_holder(tenant_id: UUID, name: str) -> Holder | None:
    """The verified domain of exactly this name in another tenant."""
    with unscoped("a claim looks who else holds the name") as session:
        found = session.scalar(sa.select(Domain).where(Domain.name == name, Domain.verified_at.is_not(None), Domain.tenant_id != tenant_id))
        if found is None or found.verified_at is None:
            return None
        return Holder(found.id, found.challenge, f"{CHALLENGE_LABEL}.{found.proof_at or found.name}", found.vouched, found.verified_at)


def find_proof_at(tenant_id: UUID, name: str) -> str | None:
    """The nearest parent that another tenant has verified together with its sub-domains: the proof is asked for there."""
    labels = name.split(".")
    parents = [".".join(labels[start:]) for start in range(1, len(labels) - 1)]
    with unscoped("a claim looks who holds the parents") as session:
        return session.scalar(
            sa.select(Domain.name)
            .where(Domain.name.in_(parents), Domain.verified_at.is_not(None), Domain.covers_subdomains, Domain.tenant_id != tenant_id)
            .order_by(sa.func.length(Domain.name).desc())
            .limit(1)
        )


def has_foreign_below(tenant_id: UUID, name: str) -> bool:
    """Whether another tenant has verified a sub-domain of ``name``."""
    below = Domain.name.endswith(f".{name}", autoescape=True)
    with unscoped("a claim looks who holds sub-domains") as session:
        found = session.scalar(sa.select(Domain.id).where(below, Domain.verified_at.is_not(None), Domain.tenant_id != tenant_id).limit(1))
    return found is not None


def still_stands(holder: Holder) -> bool:
    """Whether the holder's own proof may still be in DNS: also when nobody answers."""
    answer = look_up(holder.proof_name, "TXT")
    return holder.vouched or answer.outcome is LookUp.FAILED or any(text.strip() == holder.challenge for text in answer.values)


def take_over(holder: Holder) -> bool:
    """Switch the former owner's domain off and tell its owners; False when it changed since ``find_holder``. A transaction of its own.

    Its challenge is renewed, so that a text left behind in the zone proves nothing later, and its keys do not sign any more.
    """
    with unscoped("a take-over ends another tenant's claim") as session:
        domain = session.scalar(sa.select(Domain).where(Domain.id == holder.domain_id, Domain.verified_at == holder.verified_at).with_for_update())
        if domain is None:
            return False
        domain.status, domain.off_reason = DomainStatus.OFF, OffReason.TAKEN_OVER
        domain.verified_at = domain.failing_since = domain.return_path_verified_at = domain.tracking_verified_at = domain.next_check_at = None
        domain.challenge, domain.challenge_at, domain.findings, domain.score = make_challenge(), now(), {}, 0
        domain.problem = "Another tenant has proven that it holds this domain. To take it back, publish the new challenge and remove theirs."
        session.execute(sa.update(DkimKey).where(DkimKey.domain_id == domain.id).values(active_at=None, withdrawn_at=None))
        record(Scope(session, domain.tenant_id, SYSTEM, PermissionSet()), "domain.taken_over", "domain", domain.id, domain.name)
        notify(session, domain, NoticeKind.TAKEN_OVER)
    return True
