"""What operations answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Record(dict[str, Any]):
    """One object as the server sent it, with its ETag and the name of the request beside it."""

    etag: str | None = None
    request_id: str | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; ``next_cursor`` is None on the last."""

    items: list[T]
    next_cursor: str | None

    @property
    def has_more(self) -> bool:
        """Whether there is a next page."""
        return self.next_cursor is not None


def etag(record: Mapping[str, Any]) -> str | None:
    """The ETag that an object was read with, for ``if_match``; None for what was not read singly."""
    return record.etag if isinstance(record, Record) else None
