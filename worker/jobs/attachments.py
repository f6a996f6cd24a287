"""Large attachments go with the rows that name them: rows first, then objects, so that no row ever names nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import structlog

from webapp.kernel.blobs import Store
from webapp.kernel.clock import now
from webapp.kernel.db import unscoped_raw
from webapp.kernel.ids import uuid7_floor
from webapp.settings import get_settings

log = structlog.get_logger()

_SWEPT = "swept"
"""Name of the object that says: the orphans of this day are gone."""
_CHUNK = 1000


def remove_old_files(connection: psycopg.Connection[Any], store: Store) -> None:
    """Remove the objects of days whose content is dropped, and orphans of days that are over. A store that is away is tried again in an hour.

    An object's row is of the same day or of the next: the object may be written just before midnight, and its row after.
    """
    try:
        for day in store.days():
            _look_at_day(connection, store, day)
    except OSError as error:
        log.warning("attachments_not_swept", error=str(error))


def _look_at_day(connection: psycopg.Connection[Any], store: Store, day: str) -> None:
    begin = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    age = now() - begin
    if age < timedelta(days=2):  # a day for whoever wrote an object just before midnight and has not committed its row
        return
    if age > timedelta(days=get_settings().retain_content_days + 2) and not _has_rows(connection, begin):
        _remove(store, store.names(day))
        log.info("attachments_removed", day=day)
        return
    names = set(store.names(day))
    if f"{day}/{_SWEPT}" not in names:
        orphans = names - _names_in_rows(connection, begin)
        _remove(store, orphans)
        store.put(f"{day}/{_SWEPT}", b"")
        log.info("orphans_removed", day=day, count=len(orphans))


def _has_rows(connection: psycopg.Connection[Any], begin: datetime) -> bool:
    """Whether content of that day or the next is kept, for mail that still waits."""
    with unscoped_raw(connection, "retention looks at the content of all tenants"):
        found = connection.execute("select exists (select from message_contents where id >= %s and id < %s)", _bounds(begin)).fetchone()
    return bool(found and found[0])


def _names_in_rows(connection: psycopg.Connection[Any], begin: datetime) -> set[str]:
    """The objects that content of that day and the next names."""
    query = "select distinct jsonb_path_query(attachments, '$[*].blob') #>> '{}' from message_contents where id >= %s and id < %s and attachments is not null"
    with unscoped_raw(connection, "retention looks at the content of all tenants"):
        return {name for (name,) in connection.execute(query, _bounds(begin)).fetchall()}


def _bounds(begin: datetime) -> tuple[Any, Any]:
    return uuid7_floor(begin), uuid7_floor(begin + timedelta(days=2))


def _remove(store: Store, names: Iterable[str]) -> None:
    rest = iter(names)
    while chunk := list(itertools.islice(rest, _CHUNK)):
        store.remove(chunk)
