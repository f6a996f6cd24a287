"""What contacts did, told by the tenant's application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from webapp.activity.service import record
from webapp.contacts.models import Contact, ContactEvent
from webapp.contacts.service.metadata import checked_metadata
from webapp.kernel.addresses import canonical
from webapp.kernel.clock import now
from webapp.kernel.errors import Problem, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope


@dataclass(frozen=True, slots=True)
class EventInput:
    """One event of one contact, named by id or by address."""

    name: str
    contact_id: UUID | None = None
    email: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None


def send_events(scope: Scope, batch: Sequence[EventInput]) -> list[ContactEvent]:
    """Keep events. An address without a contact makes one. Raises ``ValidationFailed`` naming each wrong entry as ``events[3].contact_id``."""
    scope.require(Permission.EVENT_SEND)
    ids = _contacts(scope, batch)
    problems = [Problem(f"events[{i}].contact_id", "There is no such contact.") for i, found in enumerate(ids) if found is None]
    if problems:
        raise ValidationFailed.of(problems[:20])
    moment = now()
    events = [
        ContactEvent(
            id=uuid7(), tenant_id=scope.tenant_id, contact_id=contact_id, name=event.name,
            properties=checked_metadata(event.properties, "properties"), occurred_at=event.occurred_at or moment,
        )
        for event, contact_id in zip(batch, ids, strict=True)
    ]  # fmt: skip
    scope.session.add_all(events)
    scope.session.flush()
    record(scope, "contact_events.sent", "contact", events[0].contact_id if len(events) == 1 else None, None, {"events": len(events)})
    return events


def _contacts(scope: Scope, batch: Sequence[EventInput]) -> list[UUID | None]:
    emails = {canonical(event.email): event.email for event in batch if event.email is not None and event.contact_id is None}
    if emails:
        rows = [{"tenant_id": scope.tenant_id, "email": email, "canonical": address} for address, email in sorted(emails.items())]
        scope.session.execute(insert(Contact).values(rows).on_conflict_do_nothing())
    wanted = sa.or_(Contact.canonical.in_(emails), Contact.id.in_([event.contact_id for event in batch if event.contact_id]))
    found = {row.canonical: row.id for row in scope.session.execute(sa.select(Contact.id, Contact.canonical).where(wanted))}
    known = set(found.values())
    return [
        (event.contact_id if event.contact_id in known else None) if event.contact_id else found.get(canonical(event.email or "")) for event in batch
    ]
