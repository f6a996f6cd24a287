"""The ORM base, the tenant guard and the unit of work.

Two locks keep tenants apart. The first is here: every ORM statement on a ``TenantOwned`` class gets ``tenant_id = :tenant`` added, new rows are
stamped, foreign ones refused, and a session without a tenant raises. The second is PostgreSQL's row-level security, told the tenant at the start
of each transaction. A session never changes tenant (its identity map would hand out the other tenant's objects).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql as pg

from webapp.kernel.ids import uuid7
from webapp.settings import get_settings

#: Value of ``app.tenant_id`` that row-level security reads as "all tenants"; set only by ``unscoped``.
ALL_TENANTS = "*"

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
_metadata = sa.MetaData(naming_convention=_NAMING)


class TenantMissing(RuntimeError):
    """A statement on tenant-owned rows was made in a session that has no tenant."""


class ForeignRow(RuntimeError):
    """A row of another tenant was about to be written."""


class Base(orm.DeclarativeBase):
    """Base of all models. Not flask-sqlalchemy's ``db.Model``: services and the worker use the same classes without Flask."""

    metadata = _metadata
    registry: ClassVar[orm.registry] = orm.registry(
        metadata=_metadata,
        type_annotation_map={
            datetime: sa.DateTime(timezone=True),
            UUID: sa.Uuid(),
            str: sa.Text(),
            dict[str, Any]: pg.JSONB(),
            list[str]: pg.ARRAY(sa.Text()),
            bytes: sa.LargeBinary(),
        },
    )


class Timestamps:
    """``created_at`` and ``updated_at``, both by the database's clock."""

    created_at: orm.Mapped[datetime] = orm.mapped_column(server_default=sa.func.now())
    updated_at: orm.Mapped[datetime] = orm.mapped_column(server_default=sa.func.now(), onupdate=sa.func.now())


class HasId:
    """A UUIDv7 primary key, the only id the outside sees."""

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=uuid7, server_default=sa.func.uuidv7())


class TenantOwned:
    """Mark of a tenant's rows: guarded by the session and by row-level security."""

    tenant_id: orm.Mapped[UUID] = orm.mapped_column(sa.Uuid(), nullable=False)


class TenantOrShared:
    """Mark of rows that belong to a tenant or, with an empty ``tenant_id``, to the platform: readable by all, changed by staff only."""

    tenant_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.Uuid(), nullable=True)


class TenantSession(orm.Session):
    """A session bound to one tenant (``info['tenant_id']``), or to all with a reason (``info['unscoped']``)."""


def _guard_statement(state: orm.ORMExecuteState) -> None:
    session = state.session
    if session.info.get("unscoped") or state.is_column_load or state.is_relationship_load:
        return
    tenant = session.info.get("tenant_id")
    if tenant is None:
        if any(issubclass(mapper.class_, TenantOwned | TenantOrShared) for mapper in state.all_mappers):
            raise TenantMissing("tenant-owned rows were asked for in a session without a tenant")
        nothing = [orm.with_loader_criteria(mark, lambda cls: sa.false(), include_aliases=True) for mark in (TenantOwned, TenantOrShared)]
        state.statement = state.statement.options(*nothing)
        return
    shared = not (state.is_update or state.is_delete)
    state.statement = state.statement.options(
        orm.with_loader_criteria(TenantOwned, lambda cls: cls.tenant_id == tenant, include_aliases=True),
        orm.with_loader_criteria(
            TenantOrShared,
            (lambda cls: sa.or_(cls.tenant_id == tenant, cls.tenant_id.is_(None))) if shared else (lambda cls: cls.tenant_id == tenant),
            include_aliases=True,
        ),
    )


def _guard_flush(session: orm.Session, *_: object) -> None:
    if session.info.get("unscoped"):
        return
    tenant = session.info.get("tenant_id")
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, TenantOwned | TenantOrShared):
            if tenant is None:
                raise TenantMissing(f"{type(row).__name__} was written in a session without a tenant")
            if row.tenant_id is None and row in session.new:
                row.tenant_id = tenant
            elif row.tenant_id != tenant:
                raise ForeignRow(f"{type(row).__name__} of another tenant")


def _tell_postgres(session: orm.Session, transaction: orm.SessionTransaction, connection: sa.Connection) -> None:
    tenant = ALL_TENANTS if session.info.get("unscoped") else session.info.get("tenant_id")
    if tenant is not None and transaction.nested is False:
        connection.exec_driver_sql("select set_config('app.tenant_id', %s, true)", (str(tenant),))


def _run_after_commit(session: orm.Session) -> None:
    for act in session.info.pop("after_commit", []):
        act()


def _drop_after_commit(session: orm.Session, *_: object) -> None:
    session.info.pop("after_commit", None)


sa.event.listen(TenantSession, "do_orm_execute", _guard_statement)
sa.event.listen(TenantSession, "before_flush", _guard_flush)
sa.event.listen(TenantSession, "after_begin", _tell_postgres)
sa.event.listen(TenantSession, "after_commit", _run_after_commit)
sa.event.listen(TenantSession, "after_rollback", _drop_after_commit)


def after_commit(session: orm.Session, act: Callable[[], None]) -> None:
    """Run ``act`` once the unit of work is committed; a rollback drops it. It must not raise: the work is already done."""
    session.info.setdefault("after_commit", []).append(act)


def let_go(session: orm.Session) -> None:
    """Give the connection back before slow network work (DNS, SMTP). Ends the transaction: only for acts that have written nothing yet.

    The session goes on in a new transaction with its next statement; objects already read stay readable.
    """
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("a session with unwritten changes cannot let its connection go")
    session.commit()


def make_engine(url: str, **options: Any) -> sa.Engine:
    """An engine with the project's settings. Prepared statements stay on: the drivers' pools keep one server connection each."""
    settings = get_settings()
    options = {"pool_size": settings.database_pool, "max_overflow": settings.database_pool, "pool_pre_ping": True, **options}
    return sa.create_engine(url, pool_recycle=1800, **options)


@functools.cache
def engine() -> sa.Engine:
    """The engine of this process."""
    return make_engine(get_settings().database_url)


def connect_raw() -> psycopg.Connection[Any]:
    """A psycopg connection of its own, for batches whose statements are written by hand. Autocommit: open transactions explicitly."""
    url = sa.make_url(get_settings().database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(url, autocommit=True, connect_timeout=5)


@contextmanager
def unscoped_raw(connection: psycopg.Connection[Any], reason: str) -> Iterator[psycopg.Connection[Any]]:
    """``unscoped`` for a raw connection: one transaction over all tenants, for the batches of workers. ``reason`` as there."""
    assert reason
    with connection.transaction():
        connection.execute("select set_config('app.tenant_id', %s, true)", (ALL_TENANTS,))
        yield connection


def raw_of(session: orm.Session) -> psycopg.Connection[Any]:
    """The psycopg connection under a session, inside its transaction and under its tenant: for batches whose statements are written by hand."""
    driver: Any = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


@contextmanager
def _committed(session: TenantSession) -> Iterator[None]:
    """Not ``session.begin()``: that allows no second transaction after ``let_go``."""
    try:
        yield
    except BaseException:
        session.rollback()
        raise
    session.commit()


@contextmanager
def tenant_session(tenant_id: UUID) -> Iterator[TenantSession]:
    """One transaction of one tenant: committed at the end, rolled back when an exception passes."""
    with TenantSession(engine(), expire_on_commit=False) as session:
        session.info["tenant_id"] = tenant_id
        with _committed(session):
            yield session


@contextmanager
def unscoped(reason: str) -> Iterator[TenantSession]:
    """One transaction over all tenants. The only way past the guard; tests hold the list of files that may use it.

    ``reason`` stands in the session for logs: login look-up, staff search, sweeper.
    """
    with TenantSession(engine(), expire_on_commit=False) as session:
        session.info["unscoped"] = reason
        with _committed(session):
            yield session
