"""Cursor pages over UUIDv7 ids: stable while rows are added and deleted, and as cheap on page 1,000 as on page 1."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.kernel.errors import InvalidParameter

T = TypeVar("T")
MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """``items`` and the cursor of the next page, None on the last."""

    items: Sequence[T]
    next_cursor: str | None

    @property
    def has_more(self) -> bool:
        """Whether there is a next page."""
        return self.next_cursor is not None


def encode_cursor(last: UUID) -> str:
    """An opaque cursor that says: after this id."""
    return base64.urlsafe_b64encode(last.bytes).rstrip(b"=").decode()


def decode_cursor(text: str) -> UUID:
    """Raises ``InvalidParameter`` for anything ``encode_cursor`` did not write."""
    try:
        return UUID(bytes=base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        raise InvalidParameter("The cursor is not one this API gave out; start without a cursor.", param="cursor") from None


#: How lists of named things may be sorted: by creation, newest first unless asked otherwise, or by name.
SORTS = ("-created_at", "created_at", "name", "-name")


def page_of(
    session: Session, statement: sa.Select[Any], id_column: Any, *, limit: int = 50, cursor: str | None = None, sort: str = SORTS[0], name: Any = None
) -> Page[Any]:
    """``limit`` rows after ``cursor``, newest first or as ``sort`` (one of ``SORTS``) says; ``name`` is the column of names. The statement must
    select one entity. A cursor goes on in the order it was given out for."""
    limit = max(1, min(limit, MAX_LIMIT))
    by = id_column if name is None or not sort.endswith("name") else sa.tuple_(name, id_column)
    descending = sort.startswith("-")
    if cursor:
        last = decode_cursor(cursor) if by is id_column else sa.tuple_(*_decode_named(cursor))
        statement = statement.where(by < last if descending else by > last)
    columns = [id_column] if by is id_column else [name, id_column]
    rows = session.scalars(statement.order_by(*(column.desc() if descending else column.asc() for column in columns)).limit(limit + 1)).all()
    items = rows[:limit]
    if len(rows) <= limit:
        return Page(items, None)
    last_id = getattr(items[-1], id_column.key)
    return Page(items, encode_cursor(last_id) if by is id_column else _encode_named(getattr(items[-1], name.key), last_id))


def _encode_named(name: str, last: UUID) -> str:
    return base64.urlsafe_b64encode(last.bytes + name.encode()).rstrip(b"=").decode()


def _decode_named(text: str) -> tuple[str, UUID]:
    """Name and id of the last row. Raises as ``decode_cursor``."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        name, last = raw[16:].decode(), UUID(bytes=raw[:16])
    except ValueError:
        name, last = "", None
    if last is None or not name or "\x00" in name:
        raise InvalidParameter("The cursor is not one this list gave out in this order; start without a cursor.", param="cursor")
    return name, last
