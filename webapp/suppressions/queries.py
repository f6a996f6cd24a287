"""Reads of suppressions."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.bridges.types import Stream
from webapp.kernel.pagination import Page, page_of
from webapp.suppressions.models import Suppression
from webapp.suppressions.types import SuppressionReason, SuppressionScope

_IN_FORCE = sa.or_(Suppression.expires_at.is_(None), Suppression.expires_at > sa.func.now())
#: The reason that is told when an address is suppressed for several: the gravest.
_GRAVITY = (SuppressionReason.HARD_BOUNCE, SuppressionReason.MANUAL, SuppressionReason.UNSUBSCRIBE, SuppressionReason.COMPLAINT)


def find_suppressed(session: Session, tenant_id: UUID, addresses: Collection[str], stream: Stream) -> dict[str, SuppressionReason]:
    """Which of ``addresses`` (canonical form) ``tenant_id`` must not write to in ``stream``, and why. One statement, also in an unscoped session."""
    if not addresses:
        return {}
    scopes = [SuppressionScope.ALL, SuppressionScope.BULK] if stream is Stream.BULK else [SuppressionScope.ALL]
    rows = session.execute(
        sa.select(Suppression.address, Suppression.reason).where(
            Suppression.tenant_id == tenant_id,
            Suppression.address == sa.any_(sa.cast(list(addresses), sa.ARRAY(sa.Text()))),
            Suppression.scope.in_(scopes),
            _IN_FORCE,
        )
    )
    found: dict[str, SuppressionReason] = {}
    for address, text in rows:
        reason = SuppressionReason(text)
        if address not in found or _GRAVITY.index(reason) > _GRAVITY.index(found[address]):
            found[address] = reason
    return found


def list_suppressions(
    session: Session, *, search: str | None = None, reason: SuppressionReason | None = None, limit: int = 50, cursor: str | None = None
) -> Page[Suppression]:
    """Suppressions in force, newest first. ``search``: part of the address."""
    statement = sa.select(Suppression).where(_IN_FORCE)
    if search:
        statement = statement.where(Suppression.address.contains(search.strip().lower(), autoescape=True))
    if reason:
        statement = statement.where(Suppression.reason == reason)
    return page_of(session, statement, Suppression.id, limit=limit, cursor=cursor)


def list_of_address(session: Session, address: str) -> list[Suppression]:
    """Every suppression of one address (canonical form), at most one a scope."""
    return list(session.scalars(sa.select(Suppression).where(Suppression.address == address).order_by(Suppression.scope)))
