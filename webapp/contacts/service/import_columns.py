"""What the columns of a file are, and what one of its rows says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from webapp.contacts.csv_pieces import LONGEST_CELL
from webapp.contacts.service.metadata import LONGEST_VALUE
from webapp.contacts.types import PLAIN_FIELDS
from webapp.kernel.addresses import BadAddress, parse_address
from webapp.kernel.errors import Problem, ValidationFailed
from webapp.kernel.spreadsheet import unmarked

#: Under which names other systems keep our fields, in lower case without what is no letter.
_NAMES = {
    "email": ("email", "emailaddress", "mail", "address", "subscriber", "correo", "courriel", "epost"),
    "first_name": ("firstname", "fname", "givenname", "vorname", "prenom", "first", "nombre"),
    "last_name": ("lastname", "lname", "surname", "familyname", "nachname", "nom", "last", "apellido"),
    "language": ("language", "lang", "locale", "sprache", "langue"),
    "time_zone": ("timezone", "tz", "zeitzone"),
    "tags": ("tags", "labels"),
}
_KEY = re.compile(r"metadata\.[A-Za-z0-9_.-]{1,64}")
_LONGEST_NAME = 200


@dataclass(slots=True)
class ImportRow:
    """One person out of a file."""

    email: str
    canonical: str
    plain: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)


def has_header(first: Sequence[str]) -> bool:
    """Whether the first row names the columns: none of its cells is an address."""
    return not any("@" in cell for cell in first)


def guess_mapping(head: Sequence[Sequence[str]], header: bool) -> list[str | None]:
    """For each column the field it seems to hold. Without a header only the address is found, by its @."""
    if not header:
        at = next((i for i, cell in enumerate(head[0]) if "@" in cell), None)
        return ["email" if i == at else None for i in range(len(head[0]))]
    found: list[str | None] = []
    for name in head[0]:
        plain = re.sub(r"[^a-zà-ÿ]", "", name.lower()).replace("é", "e")
        known = next((target for target, names in _NAMES.items() if plain in names and target not in found), None)
        key = re.sub(r"[^A-Za-z0-9_.-]+", "_", name.strip().removeprefix("metadata.")).strip("_")[:64].lower()
        found.append(known or (f"metadata.{key}" if key and f"metadata.{key}" not in found else None))
    return found


def check_mapping(mapping: Sequence[str | None], columns: int) -> list[str | None]:
    """The mapping itself. Raises ``ValidationFailed`` when it names no address, an unknown field, or one field twice."""
    problems = []
    if len(mapping) != columns:
        problems.append(Problem("mapping", f"The file has {columns} columns; name the field of each, or null."))
    named = [target for target in mapping if target is not None]
    for i, target in enumerate(mapping):
        if target is not None and target not in (*PLAIN_FIELDS, "tags") and not _KEY.fullmatch(target):
            problems.append(Problem(f"mapping[{i}]", f"Choose one of {', '.join(PLAIN_FIELDS)}, tags or metadata.<key>."))
    if "email" not in named:
        problems.append(Problem("mapping", "One column must be the email address."))
    if len(set(named)) != len(named):
        problems.append(Problem("mapping", "Two columns cannot fill the same field."))
    if problems:
        raise ValidationFailed.of(problems)
    return list(mapping)


def row_of(cells: Sequence[str], mapping: Sequence[str | None]) -> ImportRow | str:
    """What a row says, or what is wrong with it."""
    given = {target: cell.strip() for target, cell in zip(mapping, cells, strict=False) if target is not None and cell and not cell.isspace()}
    email = given.pop("email", "")
    if "\N{REPLACEMENT CHARACTER}" in email:
        return "not an email address: it holds a character that could not be read; save the file in UTF-8"
    try:
        address = parse_address(email)
    except BadAddress as error:
        return f"not an email address: {error}"
    row = ImportRow(address.email, address.canonical)
    for target, cell in given.items():
        value = unmarked(cell)
        if len(value) > LONGEST_CELL or (target.startswith("metadata.") and len(value) > LONGEST_VALUE):
            return f"{target} is longer than {LONGEST_VALUE:,} characters"
        if target == "tags":
            row.tags = [name for part in re.split(r"[,;|]", value) if (name := part.strip()[:60])]
        elif target in PLAIN_FIELDS:
            row.plain[target] = " ".join(value.split())[:_LONGEST_NAME]
        else:
            row.metadata[target.removeprefix("metadata.")] = value
    return row
