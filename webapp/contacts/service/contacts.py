"""Acts on contacts. The activity log cannot be changed, and a person has the right to be forgotten: what it says of contacts is ids, never who they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from webapp.activity.service import record
from webapp.contacts import queries
from webapp.contacts.models import Contact, ContactEvent, ContactTag, ListMember
from webapp.contacts.service.metadata import checked_metadata
from webapp.contacts.types import ContactStatus
from webapp.kernel.addresses import canonical
from webapp.kernel.clock import now
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope

_FIELDS = ("email", "first_name", "last_name", "language", "time_zone", "status", "metadata", "consent_source", "consent_at")
_UNIQUE = "uq_contacts_tenant_id_canonical"


@dataclass(frozen=True, slots=True)
class ContactInput:
    """What is said about a contact. None: nothing is said. ``metadata``: keys to set; a key whose value is None is removed."""

    email: str
    first_name: str | None = None
    last_name: str | None = None
    language: str | None = None
    time_zone: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    consent_source: str | None = None
    consent_at: datetime | None = None

    def check(self) -> ContactInput:
        """Itself, or ``ValidationFailed`` for a time zone or metadata that cannot be kept."""
        if self.time_zone is not None and self.time_zone not in available_timezones():
            raise ValidationFailed("Write a time zone as Europe/Berlin.", param="time_zone")
        checked_metadata(self.metadata)
        return replace(self, consent_at=self.consent_at or now()) if self.consent_source else self

    def values(self) -> dict[str, Any]:
        """What is said, by column."""
        named = ("first_name", "last_name", "language", "time_zone", "consent_source", "consent_at")
        return {name: getattr(self, name) for name in named if getattr(self, name) is not None}


def create_contact(scope: Scope, data: ContactInput) -> Contact:
    """Add a contact. Raises ``Conflict`` when there is one with this address."""
    scope.require(Permission.CONTACT_CREATE)
    data = data.check()
    kept = {key: value for key, value in data.metadata.items() if value is not None}
    contact = Contact(tenant_id=scope.tenant_id, email=data.email, canonical=canonical(data.email), meta=kept, **data.values())
    with refuse_on(scope.session, _UNIQUE, Conflict(f"There is a contact with the address {data.email} already.", param="email")):
        scope.session.add(contact)
    record(scope, "contact.created", "contact", contact.id)
    return contact


def upsert_contact(scope: Scope, data: ContactInput) -> tuple[Contact, bool]:
    """The contact with this address, made or brought up to date, and whether it was made. What is not said stays."""
    (found,) = upsert_contacts(scope, [data])
    return found


def upsert_contacts(scope: Scope, batch: Sequence[ContactInput]) -> list[tuple[Contact, bool]]:
    """``upsert_contact`` for many, in their order, as one statement; of entries with the same address the last one counts."""
    scope.require(Permission.CONTACT_CREATE)
    scope.require(Permission.CONTACT_UPDATE)
    rows = {canonical(data.email): data for data in (one.check() for one in batch)}
    values = [_row(scope, address, data) for address, data in sorted(rows.items())]
    statement = insert(Contact).values(values)
    given = statement.excluded
    kept: dict[str, Any] = {name: sa.func.coalesce(given[name], Contact.__table__.c[name]) for name in _FIELDS[1:5] + _FIELDS[7:]}
    kept["metadata"] = sa.func.jsonb_strip_nulls(Contact.__table__.c.metadata.op("||")(given["metadata"]))
    kept["updated_at"] = sa.func.now()
    written: Any = statement.on_conflict_do_update(constraint=_UNIQUE, set_=kept).returning(Contact.id, sa.literal_column("xmax = 0"))
    made = {row[0]: bool(row[1]) for row in scope.session.execute(written)}
    found = scope.session.scalars(sa.select(Contact).where(Contact.id.in_(made)).execution_options(populate_existing=True))
    contacts = {contact.canonical: contact for contact in found}
    one = next(iter(contacts.values())) if len(contacts) == 1 else None
    counts = {"created": sum(made.values()), "updated": len(made) - sum(made.values())}
    record(scope, "contact.saved" if one else "contacts.saved", "contact", one.id if one else None, None, counts)
    return [(contacts[address], made[contacts[address].id]) for address in (canonical(data.email) for data in batch)]


def _row(scope: Scope, address: str, data: ContactInput) -> dict[str, Any]:
    named = dict.fromkeys((*_FIELDS[1:5], *_FIELDS[7:]))
    return {"tenant_id": scope.tenant_id, "email": data.email, "canonical": address, "metadata": data.metadata, **named, **data.values()}


def update_contact(scope: Scope, contact_id: UUID, changes: dict[str, Any]) -> Contact:
    """Change fields of ``ContactInput`` and ``status``; ``metadata`` is merged, a None removes its key. Raises ``NotFound``, ``Conflict``."""
    scope.require(Permission.CONTACT_UPDATE)
    contact = queries.get_contact(scope.session, contact_id)
    ContactInput(contact.email, time_zone=changes.get("time_zone"), metadata=changes.get("metadata") or {}).check()
    before = {name: _value(contact, name) for name in _FIELDS}
    with refuse_on(scope.session, _UNIQUE, Conflict(f"There is a contact with the address {changes.get('email')} already.", param="email")):
        for name, value in changes.items():
            if name == "metadata":
                contact.meta = checked_metadata({k: v for k, v in {**contact.meta, **value}.items() if v is not None})
            else:
                setattr(contact, name, value)
        contact.canonical = canonical(contact.email)
        if changes.get("consent_source") and "consent_at" not in changes:
            contact.consent_at = now()
    changed = [name for name, old in before.items() if _value(contact, name) != old]
    if changed:
        said = {name: [before[name], _value(contact, name)] if name == "status" else "(changed)" for name in changed}
        record(scope, "contact.updated", "contact", contact.id, None, said)
    return contact


def _value(contact: Contact, name: str) -> Any:
    return contact.meta if name == "metadata" else getattr(contact, name)


def delete_contact(scope: Scope, contact_id: UUID) -> None:
    """Remove a contact with its lists, tags and events. Suppressions of the address stay: they are a promise to the person."""
    _remove(scope, contact_id, "contact.deleted")


def erase_contact(scope: Scope, contact_id: UUID) -> None:
    """The same because the person asked to be forgotten, which the log keeps apart. Mail that was sent to them goes with its own retention."""
    _remove(scope, contact_id, "contact.erased")


def _remove(scope: Scope, contact_id: UUID, action: str) -> None:
    scope.require(Permission.CONTACT_DELETE)
    scope.session.delete(queries.get_contact(scope.session, contact_id))
    scope.session.flush()
    record(scope, action, "contact", contact_id)


def merge_contacts(scope: Scope, contact_id: UUID, into_id: UUID) -> Contact:
    """Move lists, tags, events and missing fields of one contact to another, and delete the first. Raises ``NotFound``, ``ValidationFailed``."""
    scope.require(Permission.CONTACT_UPDATE)
    scope.require(Permission.CONTACT_DELETE)
    if contact_id == into_id:
        raise ValidationFailed("A contact cannot be merged with itself.", param="into")
    gone, kept = queries.get_contact(scope.session, contact_id), queries.get_contact(scope.session, into_id)
    for name in ("first_name", "last_name", "language", "time_zone", "consent_source", "consent_at"):
        setattr(kept, name, getattr(kept, name) or getattr(gone, name))
    for name in ("last_sent_at", "last_opened_at", "last_clicked_at"):
        moments = [moment for moment in (getattr(kept, name), getattr(gone, name)) if moment]
        setattr(kept, name, max(moments, default=None))
    kept.meta = {**gone.meta, **kept.meta}
    if gone.status != ContactStatus.SUBSCRIBED and kept.status == ContactStatus.SUBSCRIBED:
        kept.status = gone.status  # the one that wants no mail wins
    _move(scope, ListMember, ("list_id", "state", "source", "joined_at", "left_at"), gone.id, kept.id)
    _move(scope, ContactTag, ("tag_id",), gone.id, kept.id)
    scope.session.execute(sa.update(ContactEvent).where(ContactEvent.contact_id == gone.id).values(contact_id=kept.id))
    scope.session.delete(gone)
    scope.session.flush()
    record(scope, "contact.merged", "contact", kept.id, None, {"merged": str(gone.id)})
    return kept


def _move(scope: Scope, kind: Any, columns: tuple[str, ...], old: UUID, new: UUID) -> None:
    chosen = sa.select(kind.tenant_id, sa.literal(new, sa.Uuid()), *(getattr(kind, name) for name in columns)).where(kind.contact_id == old)
    scope.session.execute(insert(kind).from_select(["tenant_id", "contact_id", *columns], chosen).on_conflict_do_nothing())
