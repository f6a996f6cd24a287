"""Alembic's entry: targets the models of all slices and leaves partitions alone. Run through `postbridge db upgrade`."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from alembic import context

from webapp.all_models import metadata
from webapp.settings import get_settings

_PARTITION = re.compile(r".*_p(\d{8}|default)$")


def include_name(name: str | None, type_: str, parent_names: Any) -> bool:
    """Partitions are made at run time; autogenerate must not take them for unknown tables."""
    return not (type_ == "table" and name is not None and _PARTITION.match(name))


def run(connection: sa.Connection) -> None:
    """Migrate over ``connection``, under a lock so that one process migrates while the others wait."""
    context.configure(connection=connection, target_metadata=metadata, include_name=include_name, compare_server_default=False)
    with context.begin_transaction():
        connection.exec_driver_sql("select pg_advisory_xact_lock(7214001)")
        connection.exec_driver_sql("set local lock_timeout = '5s'")
        connection.exec_driver_sql("select set_config('app.tenant_id', '*', true)")
        context.run_migrations()


url = context.config.get_main_option("sqlalchemy.url") or get_settings().database_url
with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
    run(connection)
