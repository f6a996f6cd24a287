"""Rotation of the key ring: every sealed value is sealed anew with the first key, while everything goes on working.

Each value is exchanged only when it is still the one that was read, so that nothing written meanwhile is lost; an interrupted run is just run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from webapp.kernel.db import connect_raw, unscoped_raw
from webapp.kernel.secrets import KeyRing, SecretUnreadable, keyring

_BATCH = 500


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """Where sealed values stand. The seal of each is bound to ``owner|table|column``; ``shared`` stands for an empty owner."""

    table: str
    column: str
    key: tuple[str, ...] = ("id",)
    owner: str = "tenant_id"


#: Every column with sealed values. A test holds it against the models.
SEALED = (
    SealedColumn("api_answers", "body", ("tenant_id", "mode", "key")),
    SealedColumn("bridge_credentials", "password_sealed"),
    SealedColumn("bridge_credentials", "token_sealed"),
    SealedColumn("dkim_keys", "private_key"),
    SealedColumn("inbound_hooks", "secret"),
    SealedColumn("sending_accounts", "password"),
    SealedColumn("totp_secrets", "sealed", ("user_id",), "user_id"),
    SealedColumn("webhook_endpoints", "secret"),
    SealedColumn("webhook_endpoints", "previous_secret"),
)


@dataclass(slots=True)
class Resealed:
    """What became of one column. ``unreadable``: values whose key is not on the ring any more, or which were damaged; they stay as they are."""

    place: SealedColumn
    sealed: int = 0
    unreadable: int = 0


def reseal_all() -> Iterator[Resealed]:
    """Seal everything with the first key of the ring, column by column."""
    ring = keyring()
    with connect_raw() as connection:
        for place in SEALED:
            yield _reseal(connection, ring, place)


def _reseal(connection: psycopg.Connection[Any], ring: KeyRing, place: SealedColumn) -> Resealed:
    done, after = Resealed(place), None
    while True:
        with unscoped_raw(connection, "the key ring is rotated"):
            rows = connection.execute(_reading(place, first=after is None), {"mark": ring.mark, "size": len(ring.mark), **_named(after)}).fetchall()
            for owner, value, *key in rows:
                _exchange(connection, ring, place, done, (owner, bytes(value), key))
        if len(rows) < _BATCH:
            return done
        after = rows[-1][2:]


def _exchange(connection: psycopg.Connection[Any], ring: KeyRing, place: SealedColumn, done: Resealed, row: tuple[Any, bytes, list[Any]]) -> None:
    owner, value, key = row
    # A value may have been bound to the column it stood in before, as that of a rotated webhook secret is.
    contexts = [f"{owner or 'shared'}|{place.table}|{column}" for column in (place.column, place.column.removeprefix("previous_"))]
    for context in dict.fromkeys(contexts):
        try:
            anew = ring.seal(ring.open(value, context), context)
        except SecretUnreadable:
            continue
        connection.execute(_writing(place), {"anew": anew, "value": value, **_named(key)})
        done.sealed += 1
        return
    done.unreadable += 1


def _named(key: Any) -> dict[str, Any]:
    return {f"k{number}": part for number, part in enumerate(key or ())}


def _columns(place: SealedColumn) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, place.key))


def _values(place: SealedColumn) -> sql.Composed:
    return sql.SQL(", ").join(sql.Placeholder(f"k{number}") for number in range(len(place.key)))


def _reading(place: SealedColumn, *, first: bool) -> sql.Composed:
    """A batch of values that another key than the first one sealed, in the order of the primary key."""
    after = sql.SQL("") if first else sql.SQL(" and ({}) > ({})").format(_columns(place), _values(place))
    return sql.SQL(
        "select {owner}, {column}, {key} from {table} where {column} is not null and substring({column} from 1 for %(size)s) <> %(mark)s{after} "
        "order by {key} limit {batch}"
    ).format(
        owner=sql.Identifier(place.owner), column=sql.Identifier(place.column), key=_columns(place), table=sql.Identifier(place.table), after=after,
        batch=_BATCH,
    )  # fmt: skip


def _writing(place: SealedColumn) -> sql.Composed:
    return sql.SQL("update {table} set {column} = %(anew)s where ({key}) = ({values}) and {column} = %(value)s").format(
        table=sql.Identifier(place.table), column=sql.Identifier(place.column), key=_columns(place), values=_values(place)
    )
