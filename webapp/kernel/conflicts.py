"""Unique constraints answered in words: the database decides (no race can pass it), the person reads which field to change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import errors as pg_errors
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.kernel.errors import DomainError


@contextmanager
def refuse_on(session: Session, constraint: str, refusal: DomainError) -> Iterator[None]:
    """Write what the block adds or changes; raise ``refusal`` when that breaks ``constraint`` (its name or that of the index).

    Works in a savepoint, so the transaction stays usable.
    """
    try:
        with session.begin_nested():
            yield
            session.flush()
    except IntegrityError as error:
        original = error.orig
        if isinstance(original, pg_errors.IntegrityError) and original.diag.constraint_name == constraint:
            raise refusal from None
        raise
