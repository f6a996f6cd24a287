"""Acts on suppressions. Events suppress by ``suppress``/``suppress_many``, people by ``add`` and ``lift``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Session

from webapp.activity.service import record
from webapp.kernel.addresses import BadAddress, parse_address
from webapp.kernel.clock import now
from webapp.kernel.errors import NotFound, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.suppressions.models import Suppression
from webapp.suppressions.queries import find_suppressed, list_of_address
from webapp.suppressions.types import SuppressionReason, SuppressionScope

__all__ = ["NewSuppression", "add", "add_many", "find_suppressed", "lift", "suppress", "suppress_many"]

#: How long a reason holds; None: until a person lifts it. Mailboxes come back to life, complaints do not.
_LIFE: dict[SuppressionReason, timedelta | None] = {
    SuppressionReason.HARD_BOUNCE: timedelta(days=180),
    SuppressionReason.COMPLAINT: None,
    SuppressionReason.UNSUBSCRIBE: None,
    SuppressionReason.MANUAL: None,
}
_ROWS_A_STATEMENT = 1000
_TABLE = cast(sa.Table, Suppression.__table__)


@dataclass(frozen=True, slots=True)
class NewSuppression:
    """One address to suppress. ``address``: canonical form; ``source``: what told us (``dsn``, ``fbl``, ``one-click``, a person)."""

    tenant_id: UUID
    address: str
    scope: SuppressionScope
    reason: SuppressionReason
    source: str
    recipient_id: UUID | None = None


def suppress(
    session: Session,
    tenant_id: UUID,
    address: str,
    scope: SuppressionScope,
    reason: SuppressionReason,
    source: str,
    recipient_id: UUID | None = None,
) -> bool:
    """Suppress one address; see ``suppress_many``. True when something changed."""
    return suppress_many(session, [NewSuppression(tenant_id, address, scope, reason, source, recipient_id)]) > 0


def suppress_many(session: Session, entries: Iterable[NewSuppression]) -> int:
    """Suppress addresses of one or (in an unscoped session) many tenants; returns how many rows are new or hold longer now.

    One statement per thousand. What is there already stays, unless the new reason outlives it: a complaint after a hard bounce does.
    """
    rows = list(_longest(entries).values())
    changed = 0
    for start in range(0, len(rows), _ROWS_A_STATEMENT):
        insert = pg.insert(_TABLE).values(rows[start : start + _ROWS_A_STATEMENT])
        outlives = sa.and_(
            _TABLE.c.expires_at.is_not(None),
            sa.or_(insert.excluded.expires_at.is_(None), insert.excluded.expires_at > _TABLE.c.expires_at + timedelta(days=1)),
        )
        taken = {name: insert.excluded[name] for name in ("reason", "source", "recipient_id", "expires_at")}
        statement = insert.on_conflict_do_update(
            index_elements=["tenant_id", "address", "scope"], set_={**taken, "updated_at": sa.func.now()}, where=outlives
        )
        changed += len(session.execute(statement.returning(_TABLE.c.id)).all())
    return changed


def _longest(entries: Iterable[NewSuppression]) -> dict[tuple[UUID, str, str], dict[str, object]]:
    """One row per key: a statement may not touch the same row twice, so the longest-lived of equals is taken here."""
    moment = now()
    rows: dict[tuple[UUID, str, str], dict[str, object]] = {}
    for entry in entries:
        life = _LIFE[entry.reason]
        key = (entry.tenant_id, entry.address, entry.scope.value)
        if life is not None and key in rows:
            continue
        rows[key] = {
            "tenant_id": entry.tenant_id, "address": entry.address, "scope": entry.scope.value, "reason": entry.reason.value,
            "source": entry.source, "recipient_id": entry.recipient_id, "expires_at": moment + life if life else None,
        }  # fmt: skip
    return rows


def _canonical(text: str) -> str:
    try:
        return parse_address(text).canonical
    except BadAddress as error:
        raise ValidationFailed(f"Not an email address: {error}.", param="email") from None


def add(scope: Scope, email: str, reach: SuppressionScope = SuppressionScope.ALL) -> Suppression:
    """Suppress an address by hand, for all mail or bulk mail only. Adding it again changes nothing.

    Raises ``ValidationFailed`` for what is no address.
    """
    scope.require(Permission.SUPPRESSION_CREATE)
    address = _canonical(email)
    if suppress(scope.session, scope.tenant_id, address, reach, SuppressionReason.MANUAL, scope.actor.name):
        record(scope, "suppression.added", "suppression", None, address, {"scope": reach.value})
    return next(row for row in list_of_address(scope.session, address) if row.scope == reach)


def add_many(scope: Scope, emails: Iterable[str], reach: SuppressionScope = SuppressionScope.ALL) -> int:
    """Suppress addresses by hand; returns how many are new. Raises ``ValidationFailed`` for the first that is no address."""
    scope.require(Permission.SUPPRESSION_CREATE)
    source = scope.actor.name
    entries = [NewSuppression(scope.tenant_id, _canonical(email), reach, SuppressionReason.MANUAL, source) for email in emails]
    added = suppress_many(scope.session, entries)
    if added:
        record(scope, "suppression.added", "suppression", None, f"{added} addresses", {"scope": reach.value, "count": added})
    return added


def lift(scope: Scope, email: str) -> None:
    """Allow mail to an address again, in every scope. Raises ``NotFound`` when it is not suppressed."""
    scope.require(Permission.SUPPRESSION_DELETE)
    address = _canonical(email)
    rows = list_of_address(scope.session, address)
    if not rows:
        raise NotFound("suppression")
    for row in rows:
        scope.session.delete(row)
    record(scope, "suppression.lifted", "suppression", None, address, {row.scope: row.reason for row in rows})
