"""Tenants whose owner wanted them gone, once their days of grace are over."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import sql

from webapp.accounts.service.ending import due_for_end, find_tables_of_tenants
from webapp.kernel.db import connect_raw, unscoped, unscoped_raw
from webapp.kernel.jobs import answer_wake

log = structlog.get_logger()
#: Rows deleted in one transaction: none holds locks for long.
_BATCH = 5000


def delete_tenants(slot: int) -> int:
    """Delete what is due; how many. A crash in between leaves the tenant due: the next run goes on."""
    answer_wake("worker.jobs.accounts.delete_tenants", slot)
    with unscoped("tenants whose days of grace are over") as session:
        due = due_for_end(session)
    for tenant_id in due:
        with connect_raw() as connection:
            _delete(connection, tenant_id)
        log.info("tenant_deleted", tenant_id=str(tenant_id))
    return len(due)


def _delete(connection: psycopg.Connection[Any], tenant_id: UUID) -> None:
    """Rows first, in batches. What another table still points at stays for the tenant's own row, whose deletion takes everything along."""
    with unscoped_raw(connection, "a tenant sends nothing any more"):
        connection.execute("update tenants set status = 'suspended', status_reason = 'Deleted by its owner' where id = %s", (tenant_id,))
    for table in find_tables_of_tenants(connection):
        statement = sql.SQL("delete from {0} where ctid = any(array(select ctid from {0} where tenant_id = %s limit {1}))").format(
            sql.Identifier(*table.split(".")), sql.Literal(_BATCH)
        )
        while _delete_batch(connection, statement, tenant_id):
            pass
    with unscoped_raw(connection, "a tenant's end"):
        connection.execute("delete from tenants where id = %s", (tenant_id,))


def _delete_batch(connection: psycopg.Connection[Any], statement: sql.Composed, tenant_id: UUID) -> bool:
    """Whether there may be more."""
    try:
        with unscoped_raw(connection, "rows of a tenant that ends"):
            return connection.execute(statement, (tenant_id,)).rowcount == _BATCH
    except psycopg.errors.ForeignKeyViolation:
        return False
