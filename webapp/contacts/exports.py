"""Contacts as files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from webapp.contacts import queries
from webapp.contacts.models import Contact
from webapp.kernel.clock import rfc3339

HEADER = ("email", "first_name", "last_name", "language", "time_zone", "status", "metadata", "consent_source", "consent_at", "created_at")
ERROR_HEADER = ("row", "text", "problem")


def rows(session: Session, wanted: queries.ContactFilter) -> Iterator[Sequence[object]]:
    """The filtered contacts, newest first."""
    for c in queries.all_contacts(session, wanted):
        meta = json.dumps(c.meta, ensure_ascii=False, sort_keys=True) if c.meta else ""
        yield (
            c.email, c.first_name, c.last_name, c.language, c.time_zone, c.status, meta,
            c.consent_source, rfc3339(c.consent_at), rfc3339(c.created_at),
        )  # fmt: skip


def error_rows(session: Session, import_id: UUID) -> Iterator[Sequence[object]]:
    """What could not be taken of a file."""
    return ((error.line, error.text, error.problem) for error in queries.import_errors(session, import_id))


def of_contact(session: Session, contact_id: UUID) -> dict[str, Any]:
    """Everything that is kept about a person. Raises ``NotFound``."""
    contact = queries.get_contact(session, contact_id)
    return {
        **_plain(contact),
        "metadata": contact.meta,
        "lists": [
            {"name": one.name, "state": member.state, "joined_at": rfc3339(member.joined_at), "left_at": rfc3339(member.left_at)}
            for one, member in queries.lists_of(session, contact.id)
        ],
        "tags": [tag.name for tag in queries.tags_of(session, [contact.id]).get(contact.id, [])],
        "events": [
            {"name": event.name, "properties": event.properties, "occurred_at": rfc3339(event.occurred_at)} for event in _events(session, contact.id)
        ],
    }


def _plain(contact: Contact) -> dict[str, Any]:
    texts = ("email", "first_name", "last_name", "language", "time_zone", "status", "consent_source")
    moments = ("consent_at", "last_sent_at", "last_opened_at", "last_clicked_at", "created_at", "updated_at")
    return {"id": str(contact.id), **{name: getattr(contact, name) for name in texts}, **{name: rfc3339(getattr(contact, name)) for name in moments}}


def _events(session: Session, contact_id: UUID) -> Iterator[Any]:
    cursor: str | None = None
    while True:
        page = queries.list_events(session, contact_id, limit=100, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return
