"""Contacts out of a CSV file: taken in, its columns named, then worked off in batches that can stop and go on anywhere."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any
from uuid import UUID

from sqlalchemy.orm import Session

from webapp.activity.service import record
from webapp.contacts import queries
from webapp.contacts.csv_pieces import RowReader, StoredFile, store_file
from webapp.contacts.models import ContactImport
from webapp.contacts.service.import_batch import Batch, write_batch
from webapp.contacts.service.import_columns import check_mapping, guess_mapping, has_header, row_of
from webapp.contacts.types import ImportState
from webapp.kernel.clock import now
from webapp.kernel.errors import Conflict
from webapp.kernel.jobs import QueueName, enqueue_after_commit
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope

_BATCH = 5000
#: After this many rows that could not be taken, the file is the wrong one.
MOST_ERRORS = 100_000
JOB = "worker.jobs.contacts.import_files"


@dataclass(frozen=True, slots=True)
class ImportChoices:
    """``mapping``: for each column the field it fills or None; None altogether: by the names of the columns. ``tags``: names, made when missing."""

    mapping: Sequence[str | None] | None = None
    update_existing: bool = True
    already_confirmed: bool = False
    tags: Sequence[str] = ()


def take_file(scope: Scope, stream: IO[bytes], filename: str, *, most: int, list_id: UUID | None = None) -> tuple[ContactImport, StoredFile]:
    """Keep an uploaded file and guess what its columns are; nothing is imported yet. ``most``: octets.

    Raises ``ValidationFailed``, ``PayloadTooLarge``, and ``NotFound`` for a list that is not there.
    """
    scope.require(Permission.CONTACT_CREATE)
    found = queries.get_list(scope.session, list_id) if list_id else None
    stored = store_file(stream, str(scope.tenant_id), most)
    header = has_header(stored.head[0])
    made = ContactImport(
        tenant_id=scope.tenant_id, list_id=found.id if found else None, filename=filename[:200], started_by=scope.actor.name, state=ImportState.MAPPING,
        blobs=stored.names, size=stored.size, delimiter=stored.delimiter, has_header=header, columns=[cell.strip()[:100] for cell in stored.head[0]],
        mapping=guess_mapping(stored.head, header),
    )  # fmt: skip
    scope.session.add(made)
    scope.session.flush()
    return made, stored


def start_import(scope: Scope, import_id: UUID, choices: ImportChoices) -> ContactImport:
    """Begin to work a file off. Raises ``ValidationFailed`` for a mapping without an address, ``Conflict`` when it has begun already."""
    scope.require(Permission.CONTACT_CREATE)
    found = queries.get_import(scope.session, import_id)
    if found.state != ImportState.MAPPING:
        raise Conflict("This file has been started already.")
    found.mapping = check_mapping(choices.mapping if choices.mapping is not None else found.mapping, len(found.columns))
    found.update_existing, found.already_confirmed = choices.update_existing, choices.already_confirmed
    found.tags = list(dict.fromkeys(name.strip() for name in choices.tags if name.strip()))
    found.state, found.started_at = ImportState.RUNNING, now()
    record(scope, "contact_import.started", "contact_import", found.id, found.filename)
    enqueue_after_commit(scope.session, QueueName.DEFAULT, JOB, 0)
    return found


def cancel_import(scope: Scope, import_id: UUID) -> ContactImport:
    """Stop a file; what it has brought stays. Raises ``Conflict`` when it is over."""
    scope.require(Permission.CONTACT_CREATE)
    found = queries.get_import(scope.session, import_id)
    if found.state not in (ImportState.MAPPING, ImportState.RUNNING):
        raise Conflict("This file is done.")
    found.state, found.finished_at = ImportState.CANCELLED, now()
    record(scope, "contact_import.cancelled", "contact_import", found.id, found.filename)
    return found


def advance(session: Session, found: ContactImport) -> bool:
    """Work the next batch off, in the caller's transaction, which holds the row. True when the file is done."""
    reader = RowReader(found.blobs, found.delimiter, found.position)
    batch = Batch()
    started = time.monotonic()
    while batch.taken < _BATCH and time.monotonic() - started < 5:
        try:
            cells = next(reader)
        except StopIteration:
            found.state, found.finished_at = ImportState.DONE, now()
            break
        except csv.Error as error:
            batch.refuse(found.rows + batch.taken + 1, "", f"cannot be read as CSV: {error}")
            continue
        _take(found, batch, cells)
    counts = write_batch(session, found, batch)
    found.position = reader.position
    found.rows += batch.taken
    found.created += counts.created
    found.updated += counts.updated
    found.unchanged += counts.unchanged
    found.refused += len(batch.errors)
    if found.refused >= MOST_ERRORS:
        found.state, found.finished_at = ImportState.FAILED, now()
        found.problem = f"{MOST_ERRORS:,} rows could not be taken. Is it the right file, and are its columns the right ones?"
    session.flush()
    return found.state != ImportState.RUNNING


def _take(found: ContactImport, batch: Batch, cells: list[str]) -> None:
    if not any(cell.strip() for cell in cells):
        return
    if found.has_header and found.rows == 0 and batch.taken == 0 and not batch.header_seen:
        batch.header_seen = True
        return
    row: Any = row_of(cells, found.mapping)
    if isinstance(row, str):
        batch.refuse(found.rows + batch.taken + 1, found.delimiter.join(cells)[:500], row)
    else:
        batch.add(found.rows + batch.taken + 1, row)
