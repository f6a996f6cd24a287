"""Reads of contacts, lists, tags and segments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from psycopg import errors as pg_errors
from sqlalchemy.orm import Session

from webapp.contacts.models import Contact, ContactEvent, ContactImport, ContactImportError, ContactList, ContactTag, ListMember, Segment, Tag
from webapp.contacts.segment_rules import compile_rules, leaves_of, read_rules
from webapp.contacts.types import ContactStatus, ImportState, MemberState
from webapp.kernel.db import Base
from webapp.kernel.errors import NotFound, ValidationFailed
from webapp.kernel.pagination import Page, page_of

Row = TypeVar("Row", bound=Base)
_EXPORT_BLOCK = 1000
#: A rule that takes longer is refused rather than left to run.
_RULE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class ContactFilter:
    """What the list is narrowed by. ``search``: part of the address or of a name."""

    search: str | None = None
    status: ContactStatus | None = None
    list_id: UUID | None = None
    tag_id: UUID | None = None
    member_state: MemberState | None = None

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        """As SQL."""
        if self.search:
            text = self.search.strip()
            columns = (Contact.canonical, Contact.first_name, Contact.last_name)
            yield sa.or_(*(column.icontains(text, autoescape=True) for column in columns))
        if self.status:
            yield Contact.status == self.status
        if self.list_id:
            on = sa.select(ListMember.contact_id).where(ListMember.list_id == self.list_id)
            yield Contact.id.in_(on.where(ListMember.state == self.member_state) if self.member_state else on)
        if self.tag_id:
            yield Contact.id.in_(sa.select(ContactTag.contact_id).where(ContactTag.tag_id == self.tag_id))


def _get(session: Session, kind: type[Row], row_id: UUID, what: str) -> Row:
    found: Row | None = session.scalar(sa.select(kind).where(sa.inspect(kind).c.id == row_id))
    if found is None:
        raise NotFound(what)
    return found


def get_contact(session: Session, contact_id: UUID) -> Contact:
    """One contact. Raises ``NotFound``."""
    return _get(session, Contact, contact_id, "contact")


def find_contact(session: Session, canonical: str) -> Contact | None:
    """The contact with this address (canonical form)."""
    return session.scalar(sa.select(Contact).where(Contact.canonical == canonical))


def list_contacts(session: Session, wanted: ContactFilter | None = None, *, limit: int = 50, cursor: str | None = None) -> Page[Contact]:
    """Contacts, newest first."""
    return page_of(session, sa.select(Contact).where(*(wanted or ContactFilter()).conditions()), Contact.id, limit=limit, cursor=cursor)


def all_contacts(session: Session, wanted: ContactFilter) -> Iterator[Contact]:
    """Everything the filter finds, newest first, fetched a thousand at a time: for exports of any size."""
    statement = sa.select(Contact).where(*wanted.conditions()).order_by(Contact.id.desc())
    yield from session.scalars(statement.execution_options(yield_per=_EXPORT_BLOCK))


def count_contacts(session: Session, wanted: ContactFilter) -> int:
    """How many the filter finds."""
    return session.scalar(sa.select(sa.func.count()).select_from(Contact).where(*wanted.conditions())) or 0


def get_list(session: Session, list_id: UUID) -> ContactList:
    """One list. Raises ``NotFound``."""
    return _get(session, ContactList, list_id, "list")


def list_lists(session: Session, *, search: str | None = None, limit: int = 50, cursor: str | None = None) -> Page[ContactList]:
    """Lists, newest first. ``search``: part of the name."""
    statement = sa.select(ContactList)
    if search:
        statement = statement.where(ContactList.name.icontains(search.strip(), autoescape=True))
    return page_of(session, statement, ContactList.id, limit=limit, cursor=cursor)


def list_choices(session: Session) -> list[tuple[UUID, str]]:
    """The newest lists, for menus: id and name."""
    return [(one.id, one.name) for one in list_lists(session, limit=100).items]


def tag_choices(session: Session) -> list[tuple[UUID, str]]:
    """The newest tags, for menus: id and name."""
    return [(one.id, one.name) for one in list_tags(session, limit=100).items]


def member_counts(session: Session, list_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """For each list how many members stand in each state; a list without any is absent."""
    columns = (ListMember.list_id, ListMember.state)
    statement = sa.select(*columns, sa.func.count()).where(ListMember.list_id.in_(list_ids)).group_by(*columns)
    found: dict[UUID, dict[str, int]] = {}
    for list_id, state, count in session.execute(statement):
        found.setdefault(list_id, {})[state] = count
    return found


def lists_of(session: Session, contact_id: UUID) -> list[tuple[ContactList, ListMember]]:
    """The lists a contact is or was on, with its standing there."""
    joined = sa.and_(ListMember.tenant_id == ContactList.tenant_id, ListMember.list_id == ContactList.id)
    statement = sa.select(ContactList, ListMember).join(ListMember, joined).where(ListMember.contact_id == contact_id).order_by(ContactList.name)
    return [(row[0], row[1]) for row in session.execute(statement)]


def get_tag(session: Session, tag_id: UUID) -> Tag:
    """One tag. Raises ``NotFound``."""
    return _get(session, Tag, tag_id, "tag")


def list_tags(session: Session, *, search: str | None = None, limit: int = 50, cursor: str | None = None) -> Page[Tag]:
    """Tags, newest first. ``search``: part of the name."""
    statement = sa.select(Tag)
    if search:
        statement = statement.where(Tag.name.icontains(search.strip(), autoescape=True))
    return page_of(session, statement, Tag.id, limit=limit, cursor=cursor)


def tags_of(session: Session, contact_ids: Sequence[UUID]) -> dict[UUID, list[Tag]]:
    """The tags of each contact, by name; a contact without any is absent."""
    joined = sa.and_(ContactTag.tenant_id == Tag.tenant_id, ContactTag.tag_id == Tag.id)
    statement = sa.select(ContactTag.contact_id, Tag).join(Tag, joined).where(ContactTag.contact_id.in_(contact_ids)).order_by(Tag.name)
    found: dict[UUID, list[Tag]] = {}
    for contact_id, tag in session.execute(statement):
        found.setdefault(contact_id, []).append(tag)
    return found


def tag_counts(session: Session, tag_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many contacts have each tag."""
    statement = sa.select(ContactTag.tag_id, sa.func.count()).where(ContactTag.tag_id.in_(tag_ids)).group_by(ContactTag.tag_id)
    return {row[0]: row[1] for row in session.execute(statement)}


def list_events(session: Session, contact_id: UUID, *, limit: int = 50, cursor: str | None = None) -> Page[ContactEvent]:
    """What a contact did, newest first."""
    return page_of(session, sa.select(ContactEvent).where(ContactEvent.contact_id == contact_id), ContactEvent.id, limit=limit, cursor=cursor)


def event_names(session: Session) -> list[str]:
    """The names that occur, for the segment builder."""
    return list(session.scalars(sa.select(ContactEvent.name).distinct().order_by(ContactEvent.name).limit(100)))


def get_segment(session: Session, segment_id: UUID) -> Segment:
    """One segment. Raises ``NotFound``."""
    return _get(session, Segment, segment_id, "segment")


def list_segments(session: Session, *, search: str | None = None, limit: int = 50, cursor: str | None = None) -> Page[Segment]:
    """Segments, newest first. ``search``: part of the name."""
    statement = sa.select(Segment)
    if search:
        statement = statement.where(Segment.name.icontains(search.strip(), autoescape=True))
    return page_of(session, statement, Segment.id, limit=limit, cursor=cursor)


@contextmanager
def _within_time(session: Session) -> Iterator[None]:
    session.execute(sa.text(f"set local statement_timeout = '{_RULE_SECONDS}s'"))
    try:
        yield
    except sa.exc.OperationalError as error:
        if not isinstance(error.orig, pg_errors.QueryCanceled):
            raise
        raise ValidationFailed(f"These rules take longer than {_RULE_SECONDS} seconds: narrow them, or ask for fewer conditions.", param="rules") from None


def count_in(session: Session, rules: Any) -> int:
    """How many contacts the rules choose. Raises ``ValidationFailed`` for rules that cannot be read or take too long."""
    condition = compile_rules(read_rules(rules))
    with _within_time(session):
        return session.scalar(sa.select(sa.func.count()).select_from(Contact).where(condition)) or 0


def list_in(session: Session, rules: Any, *, limit: int = 50, cursor: str | None = None) -> Page[Contact]:
    """The contacts that the rules choose, newest first. Raises as ``count_in``."""
    condition = compile_rules(read_rules(rules))
    with _within_time(session):
        return page_of(session, sa.select(Contact).where(condition), Contact.id, limit=limit, cursor=cursor)


def why_in(session: Session, rules: Any, contact_id: UUID) -> tuple[bool, list[tuple[dict[str, Any], bool]]]:
    """Whether a contact is in, and each condition with whether it holds for them. Raises ``NotFound``."""
    rule = read_rules(rules)
    leaves = list(leaves_of(rule))
    columns = [compile_rules(part).label(f"c{i}") for i, part in enumerate([rule, *leaves])]
    row = session.execute(sa.select(*columns).select_from(Contact).where(Contact.id == contact_id)).one_or_none()
    if row is None:
        raise NotFound("contact")
    return bool(row[0]), [(leaf.to_json(), bool(holds)) for leaf, holds in zip(leaves, row[1:], strict=True)]


def get_import(session: Session, import_id: UUID) -> ContactImport:
    """One import. Raises ``NotFound``."""
    return _get(session, ContactImport, import_id, "import")


def list_imports(session: Session, *, list_id: UUID | None = None, limit: int = 50, cursor: str | None = None) -> Page[ContactImport]:
    """Files brought so far, newest first."""
    statement = sa.select(ContactImport)
    if list_id:
        statement = statement.where(ContactImport.list_id == list_id)
    return page_of(session, statement, ContactImport.id, limit=limit, cursor=cursor)


def import_errors(session: Session, import_id: UUID) -> Iterator[ContactImportError]:
    """The rows of a file that could not be taken, in its order."""
    statement = sa.select(ContactImportError).where(ContactImportError.import_id == import_id).order_by(ContactImportError.line)
    yield from session.scalars(statement.execution_options(yield_per=_EXPORT_BLOCK))


def has_running_import(session: Session) -> bool:
    """Whether a file is under way: a tenant's files are taken one after the other."""
    return bool(session.scalar(sa.select(sa.exists().where(ContactImport.state == ImportState.RUNNING))))
