"""The operator's own list: addresses nobody on the platform may write to, and the alarms that removals rang. For staff and the command line only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.kernel.addresses import canonical, parse_address
from webapp.kernel.clock import now
from webapp.kernel.errors import NotFound, ValidationFailed
from webapp.suppressions.models import PlatformSuppression, SuppressionAlarm
from webapp.suppressions.service.people import canonical_of
from webapp.tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Alarm:
    """A tenant that took many addresses off, as staff sees it."""

    id: UUID
    tenant_id: UUID
    tenant_name: str
    tenant_slug: str
    removals: int
    at: datetime
    settled_at: datetime | None
    settled_by: str | None


def add_platform(session: Session, email: str, note: str, by: str, expires_at: datetime | None = None) -> PlatformSuppression:
    """Stop everybody's mail to an address. Doing it again replaces note and end. Raises ``ValidationFailed``."""
    if not note.strip():
        raise ValidationFailed("Say why: whoever looks at this later has nothing else to go by.", param="note")
    address = canonical_of(email)
    row = session.get(PlatformSuppression, address)
    if row is None:
        row = PlatformSuppression(address=address)
        session.add(row)
    row.note, row.added_by, row.expires_at = note.strip(), by, expires_at
    session.flush()
    return row


def add_platform_many(session: Session, emails: Iterable[str], note: str, by: str) -> tuple[int, list[str]]:
    """A list of addresses, one an entry: ``(how many were taken, those that are no addresses)``."""
    taken: set[str] = set()
    bad: list[str] = []
    for text in emails:
        try:
            address = canonical(parse_address(text.strip()).email)
        except ValueError:
            bad.append(text.strip())
            continue
        add_platform(session, address, note, by)
        taken.add(address)
    return len(taken), bad


def remove_platform(session: Session, email: str) -> None:
    """Let everybody write to an address again. Raises ``NotFound``."""
    row = session.get(PlatformSuppression, canonical_of(email))
    if row is None:
        raise NotFound("address on the platform's list")
    session.delete(row)
    session.flush()


def find_platform(session: Session, email: str) -> PlatformSuppression | None:
    """The entry about one address that is in force, None when there is none. Raises ``ValidationFailed``."""
    row = session.get(PlatformSuppression, canonical_of(email))
    return row if row is not None and (row.expires_at is None or row.expires_at > now()) else None


def list_platform(session: Session, search: str | None = None, limit: int = 100) -> list[PlatformSuppression]:
    """The newest entries, or those whose address holds ``search``."""
    statement = sa.select(PlatformSuppression).order_by(PlatformSuppression.created_at.desc(), PlatformSuppression.address).limit(limit)
    if search:
        statement = statement.where(PlatformSuppression.address.contains(search.strip().lower(), autoescape=True))
    return list(session.scalars(statement))


def list_alarms(session: Session, *, open_only: bool = True, limit: int = 100) -> Sequence[Alarm]:
    """Alarms of all tenants, newest first. The session must see all tenants."""
    statement = (
        sa.select(SuppressionAlarm, Tenant.name, Tenant.slug)
        .join(Tenant, Tenant.id == SuppressionAlarm.tenant_id)
        .order_by(SuppressionAlarm.id.desc())
        .limit(limit)
    )
    if open_only:
        statement = statement.where(SuppressionAlarm.settled_at.is_(None))
    return [
        Alarm(row.id, row.tenant_id, name, slug, row.removals, row.created_at, row.settled_at, row.settled_by)
        for row, name, slug in session.execute(statement)
    ]


def settle_alarm(session: Session, alarm_id: UUID, by: str) -> None:
    """Note that somebody has looked. The next burst of removals rings anew. Raises ``NotFound``."""
    row = session.get(SuppressionAlarm, alarm_id)
    if row is None:
        raise NotFound("alarm")
    if row.settled_at is None:
        row.settled_at, row.settled_by = now(), by
    session.flush()
