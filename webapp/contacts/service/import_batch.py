"""Some thousand rows of a file into the database: copied into a table of the transaction, then taken over set by set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from webapp.contacts.models import ContactImport, ContactList
from webapp.contacts.service.import_columns import ImportRow
from webapp.contacts.service.tags import DEFAULT_COLOR
from webapp.contacts.types import MemberState
from webapp.kernel.db import raw_of


@dataclass(slots=True)
class Batch:
    """Rows to write and rows that cannot be. ``taken`` counts both."""

    rows: list[tuple[int, ImportRow]] = field(default_factory=list)
    errors: list[tuple[int, str, str]] = field(default_factory=list)
    header_seen: bool = False

    @property
    def taken(self) -> int:
        """Rows of the file, good and bad."""
        return len(self.rows) + len(self.errors)

    def add(self, line: int, row: ImportRow) -> None:
        """A good row."""
        self.rows.append((line, row))

    def refuse(self, line: int, text: str, problem: str) -> None:
        """A row that cannot be taken."""
        self.errors.append((line, text.replace("\0", ""), problem))


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the good rows; those that came twice in a batch count as unchanged."""

    created: int
    updated: int
    unchanged: int


_TABLE = (
    "create temp table if not exists import_rows (line int, email text, canonical text, first_name text, last_name text, language text, time_zone text, "
    "metadata jsonb) on commit delete rows"
)
_COPY = "copy import_rows (line, email, canonical, first_name, last_name, language, time_zone, metadata) from stdin"
# No COPY: row-level security does not allow it.
_ERRORS = "insert into contact_import_errors (tenant_id, import_id, line, text, problem) select %s, %s, * from unnest(%s::int[], %s::text[], %s::text[])"

# Of rows with the same address the last one counts. Sorted, so that two writers never wait for each other in a circle.
_UPSERT = """
with latest as (select distinct on (canonical) * from import_rows order by canonical, line desc), put as (
    insert into contacts (tenant_id, email, canonical, first_name, last_name, language, time_zone, metadata, consent_source, consent_at)
    select %(tenant)s, email, canonical, first_name, last_name, language, time_zone, metadata, %(source)s, now() from latest order by canonical
    on conflict (tenant_id, canonical) do update set
        first_name = coalesce(excluded.first_name, contacts.first_name), last_name = coalesce(excluded.last_name, contacts.last_name),
        language = coalesce(excluded.language, contacts.language), time_zone = coalesce(excluded.time_zone, contacts.time_zone),
        metadata = contacts.metadata || excluded.metadata, updated_at = now()
    where %(update)s and (
        coalesce(excluded.first_name, contacts.first_name) is distinct from contacts.first_name
        or coalesce(excluded.last_name, contacts.last_name) is distinct from contacts.last_name
        or coalesce(excluded.language, contacts.language) is distinct from contacts.language
        or coalesce(excluded.time_zone, contacts.time_zone) is distinct from contacts.time_zone
        or not contacts.metadata @> excluded.metadata)
    returning xmax = 0 as made
) select count(*) filter (where made), count(*) filter (where not made) from put
"""
_JOIN_LIST = """
insert into list_members (tenant_id, list_id, contact_id, state, source)
select c.tenant_id, %(list)s, c.id, %(state)s, 'import' from contacts c
where c.tenant_id = %(tenant)s and c.canonical in (select canonical from import_rows) order by c.id on conflict do nothing
"""
_MAKE_TAGS = "insert into tags (tenant_id, name, color) select %s, unnest(%s::text[]), %s on conflict do nothing"
_GIVE_TAGS = """
insert into contact_tags (tenant_id, tag_id, contact_id)
select c.tenant_id, t.id, c.id from unnest(%(addresses)s::text[], %(names)s::text[]) as g(canonical, name)
join contacts c on c.tenant_id = %(tenant)s and c.canonical = g.canonical join tags t on t.tenant_id = %(tenant)s and t.name = g.name
on conflict do nothing
"""


def write_batch(session: Session, found: ContactImport, batch: Batch) -> Counts:
    """Write contacts, list members, tags and refusals of a batch, in the caller's transaction."""
    connection = raw_of(session)
    with connection.cursor() as cursor:
        if batch.errors:
            cursor.execute(_ERRORS, (found.tenant_id, found.id, *(list(column) for column in zip(*batch.errors, strict=True))))
        if not batch.rows:
            return Counts(0, 0, 0)
        cursor.execute(_TABLE)
        with cursor.copy(_COPY) as copy:
            for line, row in batch.rows:
                plain = row.plain
                values = (plain.get("first_name"), plain.get("last_name"), plain.get("language"), plain.get("time_zone"))
                copy.write_row((line, row.email, row.canonical, *values, Jsonb(row.metadata)))
        about: dict[str, Any] = {"tenant": found.tenant_id, "update": found.update_existing, "source": f"Import of {found.filename}"[:200]}
        created, updated = cursor.execute(_UPSERT, about).fetchone() or (0, 0)
        _join(session, cursor, found)
        _tag(cursor, found, batch)
        cursor.execute("truncate import_rows")
    return Counts(created, updated, len(batch.rows) - created - updated)


def _join(session: Session, cursor: Any, found: ContactImport) -> None:
    if found.list_id is None:
        return
    asks = session.scalar(sa.select(ContactList.double_opt_in).where(ContactList.id == found.list_id)) and not found.already_confirmed
    state = MemberState.PENDING if asks else MemberState.SUBSCRIBED
    cursor.execute(_JOIN_LIST, {"tenant": found.tenant_id, "list": found.list_id, "state": state.value})


def _tag(cursor: Any, found: ContactImport, batch: Batch) -> None:
    given = [(row.canonical, name) for _, row in batch.rows for name in (*found.tags, *row.tags)]
    if not given:
        return
    cursor.execute(_MAKE_TAGS, (found.tenant_id, sorted({name for _, name in given}), DEFAULT_COLOR))
    addresses, names = (list(column) for column in zip(*given, strict=True))
    cursor.execute(_GIVE_TAGS, {"tenant": found.tenant_id, "addresses": addresses, "names": names})
