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


def page_of(session: Session, statement: sa.Select[Any], id_column: Any, *, limit: int = 50, cursor: str | None = None) -> Page[Any]:
    """Newest first, ``limit`` rows after ``cursor``. The statement must select one entity."""
    limit = max(1, min(limit, MAX_LIMIT))
    if cursor:
        statement = statement.where(id_column < decode_cursor(cursor))
    rows = session.scalars(statement.order_by(id_column.desc()).limit(limit + 1)).all()
    more = len(rows) > limit
    items = rows[:limit]
    return Page(items, encode_cursor(getattr(items[-1], id_column.key)) if more else None)
