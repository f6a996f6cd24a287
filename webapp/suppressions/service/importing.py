"""Suppressions out of a file: read line by line, written a thousand at a time, with a word about each row that could not be taken."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from webapp.activity.service import record
from webapp.kernel.addresses import BadAddress, parse_address
from webapp.kernel.errors import PayloadTooLarge, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.kernel.spreadsheet import unmarked
from webapp.suppressions.models import SuppressionImport
from webapp.suppressions.service.people import Wish
from webapp.suppressions.service.rows import NewSuppression, suppress_many
from webapp.suppressions.types import SuppressionReason, SuppressionScope

MOST_ROWS = 200_000
MOST_PROBLEMS = 1000
MOST_COLUMNS = 200
LONGEST_CELL = 10_000
_BLOCK = 1000

#: Names under which the lists of other systems keep the address and the reason, in lower case without blanks, dashes and underscores.
_ADDRESS_NAMES = ("email", "emailaddress", "address", "recipient", "mail", "subscriber", "contact")
_REASON_NAMES = ("reason", "type", "suppressionreason", "category", "status")
#: What other systems call a reason, by a word in it; the first that fits.
_REASON_WORDS = (
    ("complain", SuppressionReason.COMPLAINT), ("spam", SuppressionReason.COMPLAINT), ("abuse", SuppressionReason.COMPLAINT),
    ("unsub", SuppressionReason.UNSUBSCRIBE), ("optout", SuppressionReason.UNSUBSCRIBE), ("bounce", SuppressionReason.HARD_BOUNCE),
    ("invalid", SuppressionReason.HARD_BOUNCE), ("unknown", SuppressionReason.HARD_BOUNCE),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which columns to read: their names in the file, None to find them by their usual names. ``wish``: for rows that say no reason of their own."""

    email: str | None = None
    reason: str | None = None
    wish: Wish = field(default_factory=Wish)


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    added: int = 0
    good: int = 0
    problems: list[list[Any]] = field(default_factory=list)
    refused: int = 0

    def refuse(self, line: int, text: str, why: str) -> None:
        self.refused += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append([line, text[:254].replace("\x00", "\N{REPLACEMENT CHARACTER}"), why])


def import_file(scope: Scope, lines: Iterable[str], filename: str, mapping: Mapping) -> SuppressionImport:
    """Suppress every address of a CSV file (comma, semicolon or tab; with or without a header; one address a line will do).

    ``lines`` is read once, as it comes. Importing a file twice changes nothing the second time. Rows that cannot be taken are reported, not fatal.
    Raises ``ValidationFailed`` when no column holds addresses or the file is no text, ``PayloadTooLarge`` past ``MOST_ROWS`` rows.
    """
    scope.require(Permission.SUPPRESSION_CREATE)
    mapping.wish.check()
    tally = _Tally()
    block: list[NewSuppression] = []
    try:
        for row in _rows(scope, lines, mapping, tally):
            block.append(row)
            if len(block) == _BLOCK:
                tally.added += suppress_many(scope.session, block)
                block.clear()
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValidationFailed(f"The file cannot be read as CSV after line {tally.rows + 1}: {error}. Save it as CSV in UTF-8.", param="file") from None
    tally.added += suppress_many(scope.session, block)
    kept = SuppressionImport(
        tenant_id=scope.tenant_id, filename=filename[:255], imported_by=scope.actor.name, rows=tally.rows, added=tally.added,
        unchanged=tally.good - tally.added, refused=tally.refused, problems=tally.problems,
    )  # fmt: skip
    scope.session.add(kept)
    scope.session.flush()
    record(scope, "suppression.imported", "suppression_import", kept.id, filename, {"rows": tally.rows, "added": tally.added, "refused": tally.refused})
    return kept


def _rows(scope: Scope, lines: Iterable[str], mapping: Mapping, tally: _Tally) -> Iterator[NewSuppression]:
    source = iter(_without_nul(lines))
    first = next(source, "")
    reader = csv.reader(_chain(first, source), delimiter=_delimiter(first))
    header = next(reader, [])
    email, reason, is_data = _columns(header, mapping)
    for cells in _chain(header, reader) if is_data else reader:
        if not any(cell.strip() for cell in cells):
            continue
        tally.rows += 1
        if tally.rows > MOST_ROWS:
            raise PayloadTooLarge(f"A file has at most {MOST_ROWS:,} rows; split it.", param="file")
        entry = _entry(scope, cells, reader.line_num, (email, reason), mapping, tally)
        if entry is not None:
            tally.good += 1
            yield entry


def _entry(
    scope: Scope, cells: Sequence[str], line: int, columns: tuple[int, int | None], mapping: Mapping, tally: _Tally
) -> NewSuppression | None:
    email, reason_at = columns
    text = cells[email].strip() if email < len(cells) else ""
    if not text:
        tally.refuse(line, ",".join(cells)[:254], "No address in this row.")
        return None
    try:
        address = parse_address(unmarked(text)).canonical
    except BadAddress as error:
        tally.refuse(line, text, f"Not an email address: {error}.")
        return None
    wish = mapping.wish
    said = cells[reason_at].strip() if reason_at is not None and reason_at < len(cells) else ""
    reason = _reason_of(said) or wish.reason
    scope_of = SuppressionScope.BULK if reason is SuppressionReason.UNSUBSCRIBE and wish.scope is SuppressionScope.ALL else wish.scope
    return NewSuppression(
        scope.tenant_id, address, scope_of, reason, "import", list_key=wish.list_key or "", detail=said or wish.note, expires_at=wish.expires_at
    )


def _reason_of(text: str) -> SuppressionReason | None:
    word = _plain(text)
    return next((reason for part, reason in _REASON_WORDS if part in word), None)


def _columns(header: Sequence[str], mapping: Mapping) -> tuple[int, int | None, bool]:
    """Places of address and reason, and whether the first row is data already. Raises ``ValidationFailed``."""
    if len(header) > MOST_COLUMNS:
        raise ValidationFailed(f"The file has {len(header)} columns; {MOST_COLUMNS} are allowed.", param="file")
    names = [_plain(cell) for cell in header]
    if mapping.email:
        email = _place(names, mapping.email, "email_column")
    else:
        found = next((names.index(name) for name in _ADDRESS_NAMES if name in names), None)
        if found is None:
            holds = next((place for place, cell in enumerate(header) if "@" in cell), None)
            if holds is None:
                columns = ", ".join(cell[:40] for cell in header[:20]) or "nothing"
                raise ValidationFailed(f"No column holds addresses: the first line is {columns}. Name the column.", param="email_column")
            return holds, None, True
        email = found
    if mapping.reason:
        return email, _place(names, mapping.reason, "reason_column"), False
    return email, next((names.index(name) for name in _REASON_NAMES if name in names), None), False


def _place(names: Sequence[str], wanted: str, param: str) -> int:
    if _plain(wanted) not in names:
        raise ValidationFailed(f"The file has no column {wanted}.", param=param)
    return names.index(_plain(wanted))


def _plain(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _chain(first: Any, rest: Iterable[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _without_nul(lines: Iterable[str]) -> Iterator[str]:
    """The csv module takes no NUL, and PostgreSQL neither; a mark of byte order is no part of a name."""
    for number, line in enumerate(lines):
        if len(line) > LONGEST_CELL * 4:
            raise ValidationFailed(f"Line {number + 1} is longer than {LONGEST_CELL * 4} characters: is this a CSV file?", param="file")
        yield (line.removeprefix("\ufeff") if number == 0 else line).replace("\x00", "")
