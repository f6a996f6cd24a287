"""Reads of suppressions. Whether mail may go to an address is asked here and nowhere else: at intake, at expansion and before the dial."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.kernel.db import raw_of
from webapp.kernel.errors import NotFound
from webapp.kernel.pagination import Page, page_of
from webapp.kernel.scope import Scope
from webapp.suppressions.models import Suppression, SuppressionImport, SuppressionRemoval
from webapp.suppressions.types import GRAVITY, SuppressionReason, SuppressionScope, Target, is_blocking

_RANK = {reason.value: rank for rank, reason in enumerate(GRAVITY)}
_IN_FORCE = sa.or_(Suppression.expires_at.is_(None), Suppression.expires_at > sa.func.now())
_EXPORT_BLOCK = 1000


def in_force_sql(tenant: str, addresses: str, again: str | None = None) -> str:
    """SQL for the suppressions in force of some addresses: ``address, scope, list_key, reason``. The arguments are SQL; ``again`` is ``addresses``
    where it stands the second time, without its cast. One indexed array lookup in each of the two tables."""
    held = "(expires_at is null or expires_at > now())"
    return (
        f"select address, scope, list_key, reason from suppressions where tenant_id = {tenant} and address = any({addresses}) and {held} "
        f"union all select address, 'platform', '', 'platform' from platform_suppressions where address = any({again or addresses}) and {held}"
    )


def blocking_reasons(rows: Iterable[Sequence[Any]], stream: str, list_key: str | None) -> dict[str, str]:
    """The one judgement: of ``address, scope, list_key, reason`` rows, the addresses that mail of this stream and list must not go to, with the
    gravest reason."""
    found: dict[str, str] = {}
    for address, scope, of_list, reason in rows:
        if is_blocking(scope, of_list, reason, stream, list_key) and (address not in found or _RANK[reason] > _RANK[found[address]]):
            found[address] = reason
    return found


_OF_ONE_TENANT = in_force_sql("%(tenant)s", "%(addresses)s::text[]")
_OF_MANY = (
    "select x.tenant_id, s.* from (select tenant_id, array_agg(distinct address) as addresses from unnest(%s::uuid[], %s::text[]) u(tenant_id, address) "
    f"group by 1) x, lateral ({in_force_sql('x.tenant_id', 'x.addresses')}) s"
)


def find_suppressed(
    session: Session, tenant_id: UUID, addresses: Collection[str], stream: str, list_key: str | None = None
) -> dict[str, SuppressionReason]:
    """Which of ``addresses`` (canonical form) ``tenant_id`` must not write to in ``stream``, and why. One statement, also in an unscoped session."""
    if not addresses:
        return {}
    rows = raw_of(session).execute(_OF_ONE_TENANT, {"tenant": tenant_id, "addresses": list(addresses)}).fetchall()
    return {address: SuppressionReason(reason) for address, reason in blocking_reasons(rows, stream, list_key).items()}


def find_blocked(connection: psycopg.Connection[Any], targets: Sequence[Target]) -> dict[UUID, str]:
    """Of targets of many tenants those that must not be written to, by key, with the reason. One statement.

    The connection must see all tenants (or all the targets' tenants).
    """
    if not targets:
        return {}
    rows = connection.execute(_OF_MANY, ([t.tenant_id for t in targets], [t.address for t in targets]), prepare=True).fetchall()
    if not rows:
        return {}
    entries: dict[tuple[UUID, str], list[Sequence[Any]]] = {}
    for tenant_id, *entry in rows:
        entries.setdefault((tenant_id, entry[0]), []).append(entry)
    found = {}
    for target in targets:
        reasons = blocking_reasons(entries.get((target.tenant_id, target.address), ()), target.stream, target.list_key)
        if reasons:
            found[target.key] = reasons[target.address]
    return found


@dataclass(frozen=True, slots=True)
class ListFilter:
    """What the list is narrowed by. ``search``: part of the address; ``list_key``: of one mailing list; ``source``: exactly."""

    search: str | None = None
    reason: SuppressionReason | None = None
    scope: SuppressionScope | None = None
    source: str | None = None
    list_key: str | None = None

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        """As SQL; suppressions whose time is up are never shown."""
        yield _IN_FORCE
        if self.search:
            yield Suppression.address.contains(self.search.strip().lower(), autoescape=True)
        for column, value in (
            (Suppression.reason, self.reason), (Suppression.scope, self.scope), (Suppression.source, self.source), (Suppression.list_key, self.list_key),
        ):  # fmt: skip
            if value:
                yield column == value


def list_suppressions(session: Session, wanted: ListFilter | None = None, *, limit: int = 50, cursor: str | None = None) -> Page[Suppression]:
    """Suppressions in force, newest first."""
    return page_of(session, sa.select(Suppression).where(*(wanted or ListFilter()).conditions()), Suppression.id, limit=limit, cursor=cursor)


def count_suppressions(session: Session, wanted: ListFilter) -> int:
    """How many the filter finds."""
    return session.scalar(sa.select(sa.func.count()).select_from(Suppression).where(*wanted.conditions())) or 0


def list_sources(session: Session) -> list[str]:
    """The sources that occur, for the filter."""
    return list(session.scalars(sa.select(Suppression.source).distinct().order_by(Suppression.source).limit(100)))


def all_suppressions(session: Session, wanted: ListFilter) -> Iterator[Suppression]:
    """Everything the filter finds, newest first, fetched a thousand at a time: for exports of any size."""
    statement = sa.select(Suppression).where(*wanted.conditions()).order_by(Suppression.id.desc())
    yield from session.scalars(statement.execution_options(yield_per=_EXPORT_BLOCK))


def list_of_address(session: Session, address: str) -> list[Suppression]:
    """Every suppression of one address (canonical form), also those whose time is up."""
    statement = sa.select(Suppression).where(Suppression.address == address).order_by(Suppression.scope, Suppression.list_key)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def list_removals(session: Session, address: str | None = None, limit: int = 50) -> list[SuppressionRemoval]:
    """Who took addresses off, newest first; of one address or of all."""
    statement = sa.select(SuppressionRemoval).order_by(SuppressionRemoval.id.desc()).limit(limit)
    return list(session.scalars(statement if address is None else statement.where(SuppressionRemoval.address == address)))


def get_import(scope: Scope, import_id: UUID) -> SuppressionImport:
    """What a file brought. Raises ``NotFound``."""
    found = scope.session.scalar(sa.select(SuppressionImport).where(SuppressionImport.id == import_id))
    if found is None:
        raise NotFound("import")
    return found


def list_imports(session: Session, limit: int = 10) -> list[SuppressionImport]:
    """The last files, newest first."""
    return list(session.scalars(sa.select(SuppressionImport).order_by(SuppressionImport.id.desc()).limit(limit)))

